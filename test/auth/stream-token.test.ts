import { sign } from "hono/jwt";
import { describe, expect, test } from "vitest";
import { signingKeys } from "../../src/gateway/auth/signing-keys.ts";
import { type StreamTokens, streamTokens } from "../../src/gateway/auth/stream-token.ts";
import type { StreamGrant } from "../../src/gateway/contract/stream-token.ts";

const KEY = "sy_test_0123456789abcdef";
const tokensOf = (apiKey: string): StreamTokens =>
  streamTokens(signingKeys({ signingKeys: undefined, apiKey }));
const grant = (changes: Partial<StreamGrant> = {}): StreamGrant => ({
  id: "t-1",
  caller: "ada",
  agent: "/agents/order-desk/acme",
  instanceId: "r-1",
  expiresAt: Math.floor(Date.now() / 1000) * 1000 + 60_000,
  ...changes,
});

describe("a stream token", () => {
  test.each([
    ["of an instance", "r-1"],
    ["of an agent", undefined],
  ])("%s says what was granted", async (_, instanceId) => {
    const tokens = tokensOf(KEY);
    const given = grant({ instanceId });
    expect(await tokens.read(await tokens.issue(given))).toEqual(given);
  });

  test("is read by every worker that has the key, and by none that has another", async () => {
    const token = await tokensOf(KEY).issue(grant());
    expect(await tokensOf(KEY).read(token)).toBeDefined();
    expect(await tokensOf(`${KEY}0`).read(token)).toBeUndefined();
  });

  test("that has expired is none", async () => {
    const tokens = tokensOf(KEY);
    expect(await tokens.read(await tokens.issue(grant({ expiresAt: Date.now() - 1_000 })))).toBeUndefined();
  });

  test("that was changed anywhere is none", async () => {
    const tokens = tokensOf(KEY);
    const token = await tokens.issue(grant());
    for (let at = 0; at < token.length - 1; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      expect(await tokens.read(changed), String(at)).toBeUndefined();
    }
  });

  test.each(["", "x", "a.b.c", "e30.e30.e30.", "null", "..", "\u0000"])(
    "that is %j is none",
    async (text) => {
      expect(await tokensOf(KEY).read(text)).toBeUndefined();
    },
  );

  test("is not signed with the API key itself, nor without any", async () => {
    const claims = {
      aud: "switchyard:stream",
      jti: "t",
      sub: "eve",
      agent: "/agents/a/b",
      exp: 9_999_999_999,
    };
    expect(await tokensOf(KEY).read(await sign(claims, KEY, "HS256"))).toBeUndefined();
    const [, payload] = (await sign(claims, KEY, "HS256")).split(".");
    const none = `${btoa('{"alg":"none","typ":"JWT"}').replaceAll("=", "")}.${payload}.`;
    expect(await tokensOf(KEY).read(none)).toBeUndefined();
  });
});
