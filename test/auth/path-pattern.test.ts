import { describe, expect, test } from "vitest";
import { matchesPath } from "../../src/gateway/auth/path-pattern.ts";
import { AgentPattern } from "../../src/gateway/contract/agent-pattern.ts";

const CATALOG = "/agents/catalog/acme";
const DATASET = `${CATALOG}/sub/dataset/airports`;

describe("a pattern", () => {
  test.each([
    [CATALOG, CATALOG],
    [DATASET, DATASET],
    ["/agents/catalog/*", CATALOG],
    ["/agents/catalog/*/sub/dataset/*", DATASET],
    ["/agents/catalog/*/sub/dataset/airports", DATASET],
    ["/**", CATALOG],
    ["/**", DATASET],
    [`${CATALOG}/**`, CATALOG],
    [`${CATALOG}/**`, DATASET],
    ["/agents/catalog/**", CATALOG],
    ["/agents/catalog/**", DATASET],
    ["/agents/catalog/*/**", DATASET],
    [`${CATALOG}/sub/dataset/**`, DATASET],
    [`${CATALOG}/sub/dataset/**`, `${DATASET}/sub/part/one`],
    ["/agents/catalog/*/sub/dataset/**", `${DATASET}/sub/part/one`],
    ["/agents/catalog/a%40b", "/agents/catalog/a%40b"],
    ["/agents/catalog/a@b", "/agents/catalog/a%40b"],
  ])("%s means %s", (pattern, path) => {
    expect(AgentPattern.safeParse(pattern).success).toBe(true);
    expect(matchesPath(pattern, path)).toBe(true);
  });

  test.each([
    [CATALOG, "/agents/catalog/globex"],
    [CATALOG, DATASET],
    [CATALOG, `${CATALOG}2`],
    [DATASET, CATALOG],
    ["/agents/catalog/*", DATASET],
    ["/agents/catalog/*", "/agents/desk/acme"],
    ["/agents/catalog/*/sub/dataset/*", CATALOG],
    ["/agents/catalog/**", "/agents/catalogue/acme"],
    ["/agents/catalog/**", "/agents/desk/acme"],
    [`${CATALOG}/**`, "/agents/catalog/acme2/sub/dataset/airports"],
    [`${CATALOG}/sub/dataset/**`, CATALOG],
    [`${CATALOG}/sub/dataset/**`, `${CATALOG}/sub/report/airports`],
    ["/agents/catalog/Acme", CATALOG],
    ["/**", "/agents/catalog/**"],
    ["/**", "/approvals"],
  ])("%s does not mean %s", (pattern, path) => {
    expect(matchesPath(pattern, path)).toBe(false);
  });

  test.each([
    "",
    "*",
    "**",
    "/",
    "/*",
    "/agents",
    "/agents/**",
    "/agents/catalog",
    "/agents/*/acme",
    "/agents/catalog/acme/",
    "/agents/catalog/acme/**/",
    "/agents/catalog/ac*",
    "/agents/catalog/**/sub/dataset/airports",
    "/agents/catalog/acme/sub/**",
    "/agents/catalog/acme/sub/dataset",
    "/agents/catalog/acme/dataset/airports",
    "/agents/catalog/sub",
    "/agents/catalog/%",
    "/agents/catalog/a%2Fb",
    "/agents/a/1/sub/b/2/sub/c/3/sub/d/4/sub/e/5",
    "https://example.com/agents/catalog/acme",
    `/agents/catalog/${"a".repeat(2_000)}`,
  ])("cannot be %j, which means nothing", (pattern) => {
    expect(AgentPattern.safeParse(pattern).success).toBe(false);
    expect(matchesPath(pattern, CATALOG)).toBe(false);
  });
});
