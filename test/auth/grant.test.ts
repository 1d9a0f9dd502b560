import { describe, expect, test } from "vitest";
import { allows, holds, missingOf, reachesClass, WHOLE_GATEWAY } from "../../src/gateway/auth/grant.ts";
import { coversPattern, matchesPath } from "../../src/gateway/auth/path-pattern.ts";
import { EVERYTHING, type Grant } from "../../src/gateway/contract/grant.ts";
import { type AgentPath, formatAgentPath } from "../../src/gateway/contract/names.ts";

const acme: AgentPath = [{ agent: "catalog", name: "acme" }];
const globex: AgentPath = [{ agent: "catalog", name: "globex" }];
const airports: AgentPath = [...acme, { agent: "dataset", name: "airports" }];
const grantOf = (...agents: string[]): Grant => ({ scopes: ["instances:read"], agents });
const reads = (grant: Grant, path: AgentPath, below = false): boolean =>
  allows(grant, "instances:read", { path, instanceId: undefined, below });

const whole = (grant: Grant): boolean => allows(grant, "instances:read", WHOLE_GATEWAY);

describe("what a grant allows", () => {
  test("is its scopes, each at each of its agents", () => {
    const grant: Grant = {
      scopes: ["instances:read", "agents:call"],
      agents: ["/agents/catalog/acme", "/agents/catalog/acme/sub/dataset/*"],
    };
    for (const scope of grant.scopes) {
      for (const path of [acme, airports])
        expect(allows(grant, scope, { path, instanceId: "i-1" })).toBe(true);
      expect(allows(grant, scope, { path: globex, instanceId: undefined })).toBe(false);
    }
    expect(allows(grant, "instances:control", { path: acme, instanceId: undefined })).toBe(false);
    expect(allows(grant, "instances:rea", { path: acme, instanceId: undefined })).toBe(false);
  });

  test("is nothing where it has no agents, but for what is about none", () => {
    expect(reads(grantOf(), acme)).toBe(false);
    expect(allows(grantOf(), "instances:read", undefined)).toBe(true);
    expect(allows(grantOf(), "agents:read", undefined)).toBe(false);
  });

  test("is not what is below, unless its pattern means all of it", () => {
    expect(reads(grantOf("/agents/catalog/acme"), acme)).toBe(true);
    expect(reads(grantOf("/agents/catalog/acme"), acme, true)).toBe(false);
    expect(reads(grantOf("/agents/catalog/*"), acme, true)).toBe(false);
    expect(reads(grantOf("/agents/catalog/acme/sub/dataset/**"), acme, true)).toBe(false);
    expect(reads(grantOf("/agents/catalog/acme/sub/dataset/**"), acme)).toBe(false);
    for (const pattern of ["/agents/catalog/acme/**", "/agents/catalog/**", "/**"])
      expect(reads(grantOf(pattern), acme, true), pattern).toBe(true);
  });

  test("is the whole gateway for who reaches every agent alone", () => {
    expect(whole(grantOf("/**"))).toBe(true);
    expect(whole(EVERYTHING)).toBe(true);
    for (const agents of [[], ["/agents/catalog/**"], ["/agents/catalog/**", "/agents/desk/**"]])
      expect(whole(grantOf(...agents))).toBe(false);
  });

  test("is everything of who may do everything", () => {
    expect(allows(EVERYTHING, "a:scope-of-an-author", { path: airports, instanceId: "x", below: true })).toBe(
      true,
    );
  });
});

describe("a grant gives", () => {
  test.each<[string, Grant, Grant, string[]]>([
    ["what it is itself", grantOf("/**"), grantOf("/**"), []],
    [
      "less",
      { scopes: ["a:b", "c:d"], agents: ["/agents/catalog/**"] },
      { scopes: ["a:b"], agents: ["/agents/catalog/acme"] },
      [],
    ],
    [
      "no scope that it has not",
      grantOf("/**"),
      { scopes: ["keys:manage"], agents: ["/**"] },
      ["keys:manage"],
    ],
    [
      "no agents that it does not reach",
      grantOf("/agents/catalog/acme/**"),
      grantOf("/agents/catalog/*"),
      ["/agents/catalog/*"],
    ],
    [
      "no subtree of an agent alone",
      grantOf("/agents/catalog/acme"),
      grantOf("/agents/catalog/acme/**"),
      ["/agents/catalog/acme/**"],
    ],
    ["not everything, unless it is that", grantOf("/**"), EVERYTHING, ["all"]],
    ["anything, if it is everything", EVERYTHING, { scopes: ["x:y"], agents: ["/**"] }, []],
    ["everything, if it is that", EVERYTHING, EVERYTHING, []],
    ["nothing that is no pattern", EVERYTHING, grantOf("/agents"), ["/agents"]],
  ])("%s", (_, holder, given, missing) => {
    expect(missingOf(holder, given)).toEqual(missing);
    expect(holds(holder, given)).toBe(missing.length === 0);
  });
});

describe("a pattern covers another", () => {
  const names = ["acme", "globex", "*"];
  const patterns = [
    "/**",
    "/agents/catalog/**",
    "/agents/desk/**",
    ...names.flatMap((name) => [
      `/agents/catalog/${name}`,
      `/agents/catalog/${name}/**`,
      `/agents/catalog/${name}/sub/dataset/**`,
      ...names.flatMap((child) => [
        `/agents/catalog/${name}/sub/dataset/${child}`,
        `/agents/catalog/${name}/sub/dataset/${child}/**`,
      ]),
    ]),
  ];
  /** Agents enough that two patterns that mean different ones differ in one of these. */
  const roots = ["acme", "globex", "third"].flatMap((name): AgentPath[] => [
    [{ agent: "catalog", name }],
    [{ agent: "desk", name }],
  ]);
  const children = roots.flatMap((root) =>
    ["acme", "globex", "third"].flatMap((name): AgentPath[] => [
      [...root, { agent: "dataset", name }],
      [...root, { agent: "report", name }],
    ]),
  );
  const paths = [
    ...roots,
    ...children,
    ...children.map((child): AgentPath => [...child, { agent: "part", name: "p" }]),
  ].map(formatAgentPath);

  test("exactly if it means every agent that the other one means", () => {
    for (const outer of patterns) {
      for (const inner of patterns) {
        const all = paths
          .filter((path) => matchesPath(inner, path))
          .every((path) => matchesPath(outer, path));
        expect(`${outer} covers ${inner}: ${coversPattern(outer, inner)}`).toBe(
          `${outer} covers ${inner}: ${all}`,
        );
      }
    }
  });

  test.each(["", "/agents", "*", "/agents/catalog/acme/sub/**"])("never if one is none: %j", (none) => {
    expect(coversPattern("/**", none)).toBe(false);
    expect(coversPattern(none, "/agents/catalog/acme")).toBe(false);
  });
});

describe("a grant reaches a class", () => {
  test.each([
    ["/**", ["catalog"], true],
    ["/**", ["catalog", "dataset"], true],
    ["/agents/catalog/acme", ["catalog"], true],
    ["/agents/catalog/acme", ["catalog", "dataset"], false],
    ["/agents/catalog/acme/**", ["catalog", "dataset"], true],
    ["/agents/catalog/*/sub/dataset/airports", ["catalog", "dataset"], true],
    ["/agents/catalog/*/sub/dataset/airports", ["catalog"], false],
    ["/agents/desk/**", ["catalog"], false],
    ["nonsense", ["catalog"], false],
  ])("by %s: %j is %s", (pattern, classes, reached) => {
    expect(reachesClass(grantOf(pattern), classes)).toBe(reached);
  });
});
