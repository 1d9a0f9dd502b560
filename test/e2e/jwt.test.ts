import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientOf, startGateway, type TestGateway } from "../support/gateway.ts";
import { createSigner, type Issuer, type Signer, startIssuer } from "../support/issuer.ts";
import { createKey } from "../support/keys.ts";
import { ask } from "../support/received.ts";
import { openStream } from "../support/stream.ts";

const CONFIG = "test/fixtures/known/wrangler.jsonc";
const ACME = "/agents/workshop/acme";
const KEY = "sy_test_4f1c2b7d9e0a6358";

let issuer: Issuer;
let signer: Signer;
let access: Signer;
let gateway: TestGateway;
beforeAll(async () => {
  [signer, access] = [await createSigner("k-1"), await createSigner("a-1", "RS256")];
  issuer = await startIssuer(signer);
  gateway = await startGateway(CONFIG, secretsWith({ SWITCHYARD_API_KEY: KEY }));
  for (const name of ["acme", "globex"]) {
    await gateway.post(`/agents/workshop/${name}/methods/open`, { motto: name });
  }
});
afterAll(async () => {
  await gateway.harness.close();
  await issuer[Symbol.asyncDispose]();
});

function secretsWith(others: Record<string, string>): Record<string, string> {
  return { JWKS_URL: issuer.url, ACCESS_JWKS: JSON.stringify({ keys: [access.jwk] }), ...others };
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const claimsOf = (changes: object = {}) => ({
  iss: "https://issuer.example",
  aud: "switchyard",
  exp: inSeconds(300),
  sub: "ada",
  scope: "agents:read instances:read instances:start approvals:decide",
  agents: [`${ACME}/**`],
  ...changes,
});
const statusBy = async (token: string, path = ACME): Promise<number> =>
  (await clientOf(gateway.url, token).get(path)).status;

const assertionOf = (changes: object = {}) =>
  access.sign({
    iss: "https://acme.cloudflareaccess.com",
    aud: ["tag"],
    exp: inSeconds(300),
    email: "ada@acme.com",
    ...changes,
  });
const statusWith = async (headers: Record<string, string>, path = ACME, method = "GET") =>
  (await ask(new URL(path, gateway.url), { method, headers })).status;

describe("a JWT of the issuer", () => {
  test("lets its holder do what it says, to the agents that it names", async () => {
    const token = await signer.sign(claimsOf());
    const ada = clientOf(gateway.url, token);
    expect(await statusBy(token)).toBe(200);
    expect(await statusBy(token, "/agents/workshop/globex")).toBe(404);
    expect(await statusBy(token, "/keys")).toBe(403);
    expect((await ada.post(`${ACME}/workflows/gated`, { params: {}, id: "by-jwt" })).status).toBe(202);
    await using stream = await openStream({ ...gateway, key: token }, `${ACME}/instances/by-jwt/events`);
    await stream.until("approval.requested");
    const decided = await ada.post(`${ACME}/instances/by-jwt/approve`, {});
    expect(decided.json()).toMatchObject({ decidedBy: "jwt:ada" });
  });

  test("that names a key which is not known does not have the issuer asked again and again", async () => {
    const before = issuer.asked();
    for (let n = 0; n < 20; n += 1)
      expect(await statusBy(await signer.sign(claimsOf(), { kid: `made-up-${n}` }))).toBe(401);
    expect(issuer.asked() - before).toBeLessThanOrEqual(1);
  });

  test("that is not good is 401, and not told why", async () => {
    const stranger = await createSigner("k-1");
    const tokens = await Promise.all([
      stranger.sign(claimsOf()),
      signer.sign(claimsOf({ exp: inSeconds(-61) })),
      signer.sign(claimsOf({ aud: "other" })),
      signer.sign(claimsOf({ iss: "https://other.example" })),
      signer.sign(claimsOf({ nbf: inSeconds(120) })),
      signer.sign(claimsOf({ sub: undefined })),
      signer.sign(claimsOf(), { alg: "none" }),
    ]);
    for (const token of tokens) {
      const answer = await clientOf(gateway.url, token).get(ACME);
      expect(answer.status).toBe(401);
      expect(answer.json()).toMatchObject({
        code: "unauthorized",
        detail: "Send Authorization: Bearer, and an API key or a JWT.",
      });
    }
  });

  test("without agents reaches none, and without scopes may do nothing", async () => {
    expect(await statusBy(await signer.sign(claimsOf({ agents: undefined })))).toBe(404);
    expect(await statusBy(await signer.sign(claimsOf({ scope: undefined })))).toBe(403);
  });

  test("may give no more than it holds", async () => {
    const token = await signer.sign(claimsOf({ scope: "keys:manage agents:read" }));
    const body = { name: "by-ada", scopes: ["agents:read"], agents: [ACME] };
    expect(await createKey(gateway, body, token)).toMatchObject({ createdBy: "jwt:ada" });
    const answer = await clientOf(gateway.url, token).post("/keys", {
      ...body,
      name: "more",
      agents: ["/**"],
    });
    expect(answer.status).toBe(403);
  });

  test("outlives neither its streams nor the tokens that were made with it", async () => {
    // The clocks of issuers may be a minute late: it ends a second from now.
    const token = await signer.sign(claimsOf({ exp: inSeconds(-58) }));
    const made = await clientOf(gateway.url, token).post(`${ACME}/stream-tokens`, { ttlSeconds: 900 });
    const { expiresAt } = made.json<{ expiresAt: string }>();
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + 2_000);
  });
});

describe("Cloudflare Access", () => {
  test("lets in whom it let through", async () => {
    const header = { "cf-access-jwt-assertion": await assertionOf() };
    expect(await statusWith(header)).toBe(200);
    expect(await statusWith(header, "/agents/workshop/globex")).toBe(404);
    expect(await statusWith(header, `${ACME}/instances/x/pause`, "POST")).toBe(403);
  });

  test("counts for nothing beside another credential, or for another application", async () => {
    const assertion = await assertionOf();
    const other = await assertionOf({ aud: ["other"] });
    expect(await statusWith({ authorization: "Bearer wrong", "cf-access-jwt-assertion": assertion })).toBe(
      401,
    );
    expect(await statusWith({ "cf-access-jwt-assertion": other })).toBe(401);
    expect(await statusWith({ authorization: `Bearer ${assertion}` })).toBe(401);
  });

  test("does not count for what another site has a browser send", async () => {
    const header = { "cf-access-jwt-assertion": await assertionOf(), "content-type": "application/json" };
    const shout = async (origin: string) =>
      (
        await ask(new URL(`${ACME}/methods/shout`, gateway.url), {
          method: "POST",
          headers: { ...header, origin },
          body: JSON.stringify({ text: "x" }),
        })
      ).status;
    expect([await shout("https://evil.example"), await shout(gateway.url.origin)]).toEqual([401, 200]);
  });
});

describe("without the configured key", () => {
  test("a gateway knows the holders of JWTs and keys, and signs nothing", async () => {
    await using bare = await startGateway(CONFIG, secretsWith({}));
    const token = await signer.sign(
      claimsOf({ scope: "keys:manage agents:read agents:call instances:read" }),
    );
    const ada = clientOf(bare.url, token);
    expect((await ada.post(`${ACME}/methods/open`, { motto: "bare" })).status).toBe(200);
    const key = await createKey(bare, { name: "bare", scopes: ["agents:read"], agents: [ACME] }, token);
    expect((await clientOf(bare.url, key.key).get(ACME)).status).toBe(200);
    expect((await bare.get(ACME)).status).toBe(401);
    const made = await ada.post(`${ACME}/stream-tokens`, {});
    expect([made.status, made.json<{ code: string }>().code]).toEqual([503, "gateway_not_configured"]);
  });

  test("and without the issuer a JWT is refused for now", async () => {
    await using away = await startIssuer(signer);
    away.fail();
    await using bare = await startGateway(CONFIG, { ...secretsWith({}), JWKS_URL: away.url });
    const answer = await clientOf(bare.url, await signer.sign(claimsOf())).get(ACME);
    expect([answer.status, answer.json<{ code: string }>().code]).toEqual([503, "credentials_unchecked"]);
    // Only what could be good has the issuer asked.
    const asked = away.asked();
    const other = await clientOf(bare.url, await signer.sign(claimsOf({ aud: "other" }))).get(ACME);
    expect([other.status, away.asked()]).toEqual([401, asked]);
  });
});
