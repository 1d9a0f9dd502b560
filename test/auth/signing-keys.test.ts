import { sign } from "hono/jwt";
import { describe, expect, test } from "vitest";
import { linkTokens } from "../../src/gateway/auth/link-token.ts";
import { signingKeys } from "../../src/gateway/auth/signing-keys.ts";
import { streamTokens } from "../../src/gateway/auth/stream-token.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";

const API_KEY = "sy_test_0123456789abcdef";
const OLD = `old:${btoa("o".repeat(24))}`;
const NEW = `new:${btoa("n".repeat(32))}`;

const keysOf = (list: string | undefined, apiKey: string | undefined = API_KEY) =>
  signingKeys({ signingKeys: list, apiKey });
const linksOf = (list: string | undefined, apiKey?: string) => linkTokens(keysOf(list, apiKey));

const GRANT = {
  id: "lnk_1",
  agent: "/agents/order-desk/acme",
  approvalId: "apr_1",
  expiresAt: Math.floor(Date.now() / 1000) * 1000 + 60_000,
};

describe("signing keys", () => {
  test("are rotated: the first signs, all that are listed verify", async () => {
    const before = await linksOf(OLD).issue(GRANT);
    const after = await linksOf(`${NEW},${OLD}`).issue(GRANT);
    expect(await linksOf(`${NEW} ${OLD}`).read(before)).toEqual(GRANT);
    expect(await linksOf(NEW).read(after)).toEqual(GRANT);
    expect(await linksOf(NEW).read(before)).toBeUndefined();
    expect(await linksOf(OLD).read(after)).toBeUndefined();
  });

  test("are one that is derived from the API key if none is listed", async () => {
    const token = await linksOf(undefined).issue(GRANT);
    expect(await linksOf(undefined).read(token)).toEqual(GRANT);
    expect(await linksOf(undefined, `${API_KEY}0`).read(token)).toBeUndefined();
    expect(await linksOf(NEW).read(token)).toBeUndefined();
  });

  test("know their own by its id, and by its signature", async () => {
    const impostor = `old:${btoa("x".repeat(24))}`;
    expect(await linksOf(OLD).read(await linksOf(impostor).issue(GRANT))).toBeUndefined();
    const unnamed = await sign(
      { aud: "switchyard:link", jti: "l", agent: "/agents/a/b", approval: "a", exp: 9_999_999_999 },
      "o".repeat(24),
      "HS256",
    );
    expect(await linksOf(OLD).read(unnamed)).toBeUndefined();
  });

  test("sign for one use: a stream token opens no link, a link no stream", async () => {
    const keys = keysOf(OLD);
    const link = await linkTokens(keys).issue(GRANT);
    const grant = { id: "s", caller: "ada", agent: GRANT.agent, instanceId: undefined };
    const stream = await streamTokens(keys).issue({ ...grant, expiresAt: GRANT.expiresAt });
    expect(await linkTokens(keys).read(stream)).toBeUndefined();
    expect(await streamTokens(keys).read(link)).toBeUndefined();
  });

  test.each([
    ["empty", ""],
    ["of spaces", "  , "],
    ["without an id", btoa("k".repeat(24))],
    ["of an empty id", `:${btoa("k".repeat(24))}`],
    ["of an id that cannot stand in a token", `a/b:${btoa("k".repeat(24))}`],
    ["too short", `k:${btoa("k".repeat(23))}`],
    ["no base64", `k:${"!".repeat(40)}`],
    ["of a length that base64 has not", `k:${"A".repeat(41)}`],
    ["good, and then one that is not", `${OLD},k:hunter2`],
    ["one id twice", `${OLD},${OLD}`],
  ])("that are %s are a mistake that is told, without what they are", async (_, list) => {
    const failure: unknown = await linksOf(list)
      .issue(GRANT)
      .catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(ProblemError);
    const { code, message } = failure as ProblemError;
    expect(code).toBe("gateway_not_configured");
    expect(message).toContain("SWITCHYARD_SIGNING_KEYS");
    for (const part of list.split(/[\s,:]+/).filter(({ length }) => length > 3))
      expect(message).not.toContain(part);
    await expect(linksOf(list).read("a.b.c")).rejects.toThrow("SWITCHYARD_SIGNING_KEYS");
  });

  test.each([undefined, "", "secret"])("are missing if the API key is %j", async (apiKey) => {
    const none = signingKeys({ signingKeys: undefined, apiKey });
    await expect(linkTokens(none).issue(GRANT)).rejects.toThrow("SWITCHYARD_SIGNING_KEYS");
    await expect(linkTokens(none).read("a.b.c")).rejects.toThrow("SWITCHYARD_SIGNING_KEYS");
  });
});

describe("the token of a link", () => {
  test("that has expired is none", async () => {
    const token = await linksOf(OLD).issue({ ...GRANT, expiresAt: Date.now() - 1_000 });
    expect(await linksOf(OLD).read(token)).toBeUndefined();
  });

  test("that was changed anywhere is none", async () => {
    const token = await linksOf(OLD).issue(GRANT);
    // Of the last character not all bits count.
    for (let at = 0; at < token.length - 1; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      expect(await linksOf(OLD).read(changed), String(at)).toBeUndefined();
    }
  });

  test.each(["", "x", "a.b.c", "..", `${"a".repeat(300)}.b.${"c".repeat(43)}`, "\u0000"])(
    "that is %j is none",
    async (text) => {
      expect(await linksOf(OLD).read(text)).toBeUndefined();
    },
  );
});
