import { createHmac } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { inlineJwks } from "../../src/gateway/auth/jwk-source.ts";
import { JWT_ALGORITHMS, type JwtRules, verifyJwt } from "../../src/gateway/auth/jwt.ts";
import { createSigner, encoded, type Signer } from "../support/issuer.ts";

const NOW = Date.UTC(2026, 3, 1, 12);
const SECONDS = NOW / 1000;
const ISSUER = "https://issuer.example";
const CLAIMS = { iss: ISSUER, aud: "switchyard", exp: SECONDS + 300, sub: "ada" };

let signers: Record<(typeof JWT_ALGORITHMS)[number], Signer>;
let stranger: Signer;
let weak: Signer;
let rules: JwtRules;
beforeAll(async () => {
  const [rs, es, ed] = await Promise.all(JWT_ALGORITHMS.map((alg) => createSigner(`k-${alg}`, alg)));
  if (rs === undefined || es === undefined || ed === undefined) throw new Error("a signer is missing");
  signers = { RS256: rs, ES256: es, EdDSA: ed };
  stranger = await createSigner("k-ES256", "ES256");
  weak = await createSigner("weak", "RS256", 1024);
  const keys = inlineJwks({ keys: [rs.jwk, es.jwk, ed.jwk, weak.jwk, { kty: "oct" }, null, "no key"] });
  rules = { issuer: ISSUER, audience: "switchyard", algorithms: JWT_ALGORITHMS, keys };
});

const check = (token: string, changes: Partial<JwtRules> = {}) =>
  verifyJwt(token, { ...rules, ...changes }, NOW);
const checkClaims = async (changes: object) => check(await signers.ES256.sign({ ...CLAIMS, ...changes }));

describe("a JWT is good", () => {
  test.each(JWT_ALGORITHMS)("if it is signed with a key of the issuer: %s", async (alg) => {
    expect(await check(await signers[alg].sign(CLAIMS))).toEqual(CLAIMS);
  });

  test.each([
    ["for several audiences", { aud: ["other", "switchyard"] }],
    ["with claims of its own", { scope: "a:b", nested: { deep: [1] } }],
    ["that began just now", { nbf: SECONDS }],
    ["that begins in a minute, by another clock", { nbf: SECONDS + 60 }],
    ["that ended less than a minute ago, by another clock", { exp: SECONDS - 59 }],
  ])("%s", async (_, changes) => {
    expect(await checkClaims(changes)).toEqual({ ...CLAIMS, ...changes });
  });

  test.each([["JWT"], ["jwt"], ["at+jwt"], ["application/at+jwt"], [undefined]])(
    "of the type %s",
    async (typ) => {
      expect(await check(await signers.ES256.sign(CLAIMS, { typ }))).toEqual(CLAIMS);
    },
  );
});

describe("a JWT is not good", () => {
  test.each([
    ["of another issuer", { iss: "https://other.example" }],
    ["of an issuer that only looks like it", { iss: `${ISSUER}/` }],
    ["of no issuer", { iss: undefined }],
    ["of several issuers", { iss: [ISSUER] }],
    ["for another audience", { aud: "other" }],
    ["for an audience that only begins like it", { aud: "switchyard2" }],
    ["for no audience", { aud: undefined }],
    ["for an empty list of audiences", { aud: [] }],
    ["for an audience that is no text", { aud: { switchyard: true } }],
    ["that has ended", { exp: SECONDS - 60 }],
    ["that ended long ago", { exp: 0 }],
    ["without an end", { exp: undefined }],
    ["with an end that is a text", { exp: String(SECONDS + 300) }],
    ["with an end that is no number", { exp: null }],
    ["that begins later", { nbf: SECONDS + 61 }],
    ["with a beginning that is no number", { nbf: "soon" }],
  ])("%s", async (_, changes) => {
    expect(await checkClaims(changes)).toBeUndefined();
  });

  test.each([
    ["with no algorithm", { alg: "none" }],
    ["with no algorithm, in capitals", { alg: "NONE" }],
    ["without an algorithm", { alg: undefined }],
    ["with an algorithm that is not allowed", { alg: "ES384" }],
    ["with the algorithm of another key", { alg: "RS256" }],
    ["with a key that the issuer has not", { kid: "unknown" }],
    ["with a key of every object", { kid: "__proto__" }],
    ["that does not name its key", { kid: undefined }],
    ["with an empty name of its key", { kid: "" }],
    ["that must be understood further", { crit: ["exp"] }],
    ["that is a token of another type", { typ: "logout+jwt" }],
    ["that is a proof of possession", { typ: "dpop+jwt" }],
  ])("%s", async (_, header) => {
    expect(await check(await signers.ES256.sign(CLAIMS, header))).toBeUndefined();
  });

  test("unsigned", async () => {
    for (const alg of ["none", "None", "ES256"]) {
      const unsigned = `${encoded({ alg, kid: "k-ES256" })}.${encoded(CLAIMS)}.`;
      expect(await check(unsigned)).toBeUndefined();
      expect(await check(unsigned.slice(0, -1))).toBeUndefined();
    }
  });

  test("signed by somebody who calls a key the same", async () => {
    expect(await check(await stranger.sign(CLAIMS))).toBeUndefined();
  });

  test.each(["HS256", "HS384", "HS512"] as const)(
    "signed with a public key as if that were a secret: %s",
    async (alg) => {
      const { jwk } = signers.RS256;
      for (const secret of [JSON.stringify(jwk), String(jwk["n"])]) {
        const signed = `${encoded({ alg, kid: "k-RS256", typ: "JWT" })}.${encoded(CLAIMS)}`;
        const hash = alg.replace("HS", "sha");
        const token = `${signed}.${createHmac(hash, secret).update(signed).digest("base64url")}`;
        expect(await check(token)).toBeUndefined();
      }
    },
  );

  test("signed with a key of RSA that can be broken", async () => {
    expect(await check(await weak.sign(CLAIMS))).toBeUndefined();
  });

  test("signed with a key that is for something else", async () => {
    for (const change of [{ use: "enc" }, { alg: "ES384" }]) {
      const keys = inlineJwks({ keys: [{ ...signers.ES256.jwk, ...change }] });
      expect(await check(await signers.ES256.sign(CLAIMS), { keys })).toBeUndefined();
    }
  });

  test("with an algorithm that the gateway does not allow, though its key is good", async () => {
    expect(await check(await signers.ES256.sign(CLAIMS), { algorithms: ["RS256"] })).toBeUndefined();
  });

  test("changed anywhere", async () => {
    const token = await signers.EdDSA.sign(CLAIMS);
    // The last character of 64 bytes in base64url has bits that mean nothing.
    for (let at = 0; at < token.length - 1; at += 1) {
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect(await check(changed), String(at)).toBeUndefined();
    }
  });

  test("larger than any should be", async () => {
    expect(await checkClaims({ filler: "a".repeat(5_000) })).toBeDefined();
    expect(await checkClaims({ filler: "a".repeat(8_192) })).toBeUndefined();
  });

  test.each([
    "",
    ".",
    "..",
    "a.b",
    "a.b.c",
    "a.b.c.d",
    "null",
    "e30.e30.e30",
    "e30.e30.",
    `${"a".repeat(9_000)}.b.c`,
    "é.é.é",
  ])("if it is none: %j", async (text) => {
    expect(await check(text)).toBeUndefined();
  });

  test("if its parts are no JSON, or no objects", async () => {
    const parts = ["null", "[]", "1", '"text"', "{", "\u00ff"].map((text) =>
      Buffer.from(text, "latin1").toString("base64url"),
    );
    for (const part of parts) {
      expect(await check(`${part}.${encoded(CLAIMS)}.AAAA`)).toBeUndefined();
      expect(await check(`${encoded({ alg: "ES256", kid: "k-ES256" })}.${part}.AAAA`)).toBeUndefined();
    }
  });
});
