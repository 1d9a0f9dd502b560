import { describe, expect, test } from "vitest";
import { traceOf } from "../../routes/trace.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

describe("traceparent", () => {
  test.each([
    [`00-${ID}-${PARENT}-01`, "01"],
    [`00-${ID}-${PARENT}-00`, "00"],
    [`cc-${ID}-${PARENT}-01`, "01"],
    [`cc-${ID}-${PARENT}-01-what-the-future-will-be-like`, "01"],
  ])("is gone on with: %s", (header, flags) => {
    const { id, parent } = traceOf(header);
    expect(id).toBe(ID);
    expect(parent).toMatch(new RegExp(`^00-${ID}-(?!${PARENT})[0-9a-f]{16}-${flags}$`));
  });

  test.each([
    undefined,
    "",
    `ff-${ID}-${PARENT}-01`,
    `00-${ID}-${PARENT}-01-more`,
    `00-${ID}-${PARENT}-01 `,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${ID}-${"0".repeat(16)}-01`,
    `00-${ID.toUpperCase()}-${PARENT}-01`,
    `00-${ID.slice(1)}-${PARENT}-01`,
    `00-${ID}-${PARENT}`,
    `cc-${ID}-${PARENT}-01-`,
    ID,
    `00-${ID}-${PARENT}-01,00-${ID}-${PARENT}-01`,
  ])("is not, and another begins: %j", (header) => {
    const { id, parent } = traceOf(header);
    expect(id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(id).not.toBe(ID);
    expect(parent).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-00$`));
    expect(traceOf(header).id).not.toBe(id);
  });
});
