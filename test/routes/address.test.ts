import { describe, expect, test } from "vitest";
import { isCanonical } from "../../routes/address.ts";
import { formatAgentPath } from "../../src/gateway/contract/names.ts";
import { NAUGHTY } from "../support/naughty.ts";

describe("the one way to write an address", () => {
  test.each([
    "/healthz",
    "/agents/desk/acme",
    "/agents/desk/a.b~c_d-e",
    "/agents/desk/ada%40example.com",
    "/docs/scalar.js",
    "/a/%F0%9F%92%A9",
  ])("is %s", (path) => expect(isCanonical(path)).toBe(true));

  test.each([
    "",
    "/",
    "agents",
    "/agents/",
    "//agents",
    "/agents//desk",
    "/agents/desk/%61cme",
    "/agents/desk/acme%2e",
    "/agents/desk/a%2bb",
    "/agents/desk/a+b",
    "/agents/desk/a@b",
    "/agents/desk/%C0%AF",
    "/agents/desk/%ED%A0%80",
    "/agents/desk/%",
    "/agents/desk/%zz",
    "/agents/desk/a b",
    "/agents/desk/é",
  ])("is not %j", (path) => expect(isCanonical(path)).toBe(false));

  test("is the one that the gateway itself writes, whatever the name", () => {
    for (const name of NAUGHTY.filter((text) => text !== "" && text.isWellFormed()))
      expect(isCanonical(formatAgentPath([{ agent: "desk", name }])), name).toBe(true);
  });
});
