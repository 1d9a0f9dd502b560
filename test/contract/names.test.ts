import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  type AgentStep,
  childPath,
  formatAgentPath,
  Name,
  PublicName,
} from "../../src/gateway/contract/names.ts";

const NAUGHTY = JSON.parse(
  readFileSync(new URL("../data/naughty-strings.json", import.meta.url), "utf8"),
) as readonly string[];

const isName = (text: unknown): boolean => Name.safeParse(text).success;
const isPublicName = (text: unknown): boolean => PublicName.safeParse(text).success;

describe("the name of an agent or an instance", () => {
  test.each([
    "a",
    "0",
    "Acme",
    "orders-2026.04",
    "ada@example.com",
    "a+b",
    "a~b",
    "_x",
    "...",
    "x".repeat(128),
  ])("may be %j", (name) => expect(isName(name)).toBe(true));

  test.each([
    "",
    "x".repeat(129),
    "a b",
    "a/b",
    "a\\b",
    "a%2Fb",
    "a?b",
    "a#b",
    "a:b",
    "ä",
    "a\n",
    "a\u0000",
    "a\u202Eb",
  ])("is not %j", (name) => expect(isName(name)).toBe(false));

  test.each([".", "..", "sub", "SUB", "Sub", "cf-agents", "cf-agents-x", "CF-Agents", "__x", "__"])(
    "is not the reserved word %j",
    (name) => expect(isName(name)).toBe(false),
  );

  test.each(["subs", "asub", "xcf-agents", "_x_", ".a", "a.."])(
    "may be %j, which only resembles a reserved word",
    (name) => expect(isName(name)).toBe(true),
  );

  test("is never anything but a string", () => {
    expect([1, null, undefined, {}, ["a"], true].filter(isName)).toEqual([]);
  });
});

describe("the public name of a class, a workflow or an event", () => {
  test.each(["a", "order-desk", "v2", "a-1-b", "x".repeat(64)])("may be %j", (name) =>
    expect(isPublicName(name)).toBe(true),
  );

  test.each([
    "",
    "Order",
    "orderDesk",
    "order_desk",
    "order desk",
    "-order",
    "order-",
    "order--desk",
    "2d",
    "order.desk",
    "é",
    "order\n",
    "x".repeat(65),
  ])("is not %j", (name) => expect(isPublicName(name)).toBe(false));

  test("is not `sub`, the word of the URL that leads to a sub-agent", () => {
    expect(isPublicName("sub")).toBe(false);
  });
});

describe("the path of an agent", () => {
  const path = [
    { agent: "catalog", name: "acme" },
    { agent: "dataset", name: "airports" },
    { agent: "chunk", name: "1" },
  ] as const satisfies AgentStep[];

  test("is the root under /agents and every further agent under /sub", () => {
    expect(formatAgentPath(path.slice(0, 1))).toBe("/agents/catalog/acme");
    expect(formatAgentPath(path)).toBe("/agents/catalog/acme/sub/dataset/airports/sub/chunk/1");
  });

  test("of a child goes on after that of its parent", () => {
    const [root, dataset] = path;
    expect(childPath(formatAgentPath([root]), dataset)).toBe(formatAgentPath([root, dataset]));
    expect(childPath("/agents/catalog/acme", { agent: "chunk", name: "a+b" })).toBe(
      "/agents/catalog/acme/sub/chunk/a%2Bb",
    );
  });

  test("gives agents of the same name at different places different paths", () => {
    const [root] = path;
    const paths = [[root], [root, root], [{ agent: "dataset", name: "acme" }]].map(formatAgentPath);
    expect(new Set(paths).size).toBe(paths.length);
  });

  test.each(["ada@example.com", "a+b", "a~b", "a.b", "...", ...NAUGHTY.filter(isName)])(
    "is canonical for the name %j: the URL parser leaves it alone, and decoding it once gives the name",
    (name) => {
      const formatted = formatAgentPath([{ agent: "catalog", name }]);
      expect(new URL(formatted, "http://gateway").pathname).toBe(formatted);
      expect(decodeURIComponent(formatted.slice("/agents/catalog/".length))).toBe(name);
    },
  );

  test("never gets another segment from a name, not even from one that was not checked", () => {
    for (const name of NAUGHTY.filter((text) => text.isWellFormed())) {
      expect(formatAgentPath([{ agent: "catalog", name }]).split("/")).toHaveLength(4);
    }
  });
});
