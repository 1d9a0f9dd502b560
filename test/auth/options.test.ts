import { beforeAll, describe, expect, test } from "vitest";
import { type AuthOptions, readAuthOptions } from "../../src/gateway/auth/options.ts";
import { createSigner, type Signer } from "../support/issuer.ts";

const TEAM = "https://acme.cloudflareaccess.com";
const seconds = Math.floor(Date.now() / 1000);

let signer: Signer;
let access: Signer;
beforeAll(async () => {
  signer = await createSigner("k-1");
  access = await createSigner("a-1", "RS256");
});

const jwtOf = (changes: object = {}) =>
  readAuthOptions({ jwt: { issuer: "i", audience: "a", jwks: { keys: [signer.jwk] }, ...changes } }).jwt;
const holderOf = async (claims: object, changes: object = {}) =>
  jwtOf(changes)?.(await signer.sign({ iss: "i", aud: "a", exp: seconds + 300, sub: "ada", ...claims }));

describe("the holder of a JWT", () => {
  test("may do what its scopes say, to the agents that its patterns mean", async () => {
    const holder = await holderOf({ scope: "instances:read agents:read", agents: ["/agents/catalog/acme"] });
    expect(holder).toMatchObject({
      name: "jwt:ada",
      scopes: ["instances:read", "agents:read"],
      agents: ["/agents/catalog/acme"],
      expiresAt: (seconds + 360) * 1000,
    });
    const may = (name: string) =>
      holder?.may("instances:read", { path: [{ agent: "catalog", name }], instanceId: undefined });
    expect([may("acme"), may("globex")]).toEqual([true, false]);
    expect(holder?.may("instances:control", undefined)).toBe(false);
  });

  test.each([
    ["no scopes and no agents", {}, [], []],
    ["scopes as a list", { scope: ["a:b", "c:d"] }, ["a:b", "c:d"], []],
    ["agents as a text", { agents: "/agents/a/b  /agents/c/**" }, [], ["/agents/a/b", "/agents/c/**"]],
    ["a list that is none", { scope: ["a:b", 1], agents: { 0: "/**" } }, [], []],
    ["a word that looks like everything", { scope: "all", agents: "**" }, ["all"], ["**"]],
  ])("with %s has just that", async (_, claims, scopes, agents) => {
    const holder = await holderOf(claims);
    expect(holder).toMatchObject({ scopes, agents });
    expect(holder?.may("instances:read", { path: [{ agent: "a", name: "b" }], instanceId: undefined })).toBe(
      false,
    );
  });

  test("is read from the claims that the options name", async () => {
    const claims = { permissions: ["a:b"], reach: ["/**"], email: "ada@acme.com" };
    const names = { scopesClaim: "permissions", agentsClaim: "reach", nameClaim: "email" };
    expect(await holderOf(claims, names)).toMatchObject({
      name: "jwt:ada@acme.com",
      scopes: ["a:b"],
      agents: ["/**"],
    });
  });

  test.each([undefined, "", " ", 7, ["ada"], "a\nb", " ada", "ada\u202e", "a".repeat(256)])(
    "has a name that can be read: not %j",
    async (sub) => {
      expect(await holderOf({ sub })).toBeUndefined();
    },
  );

  test("is never taken for the holder of the configured key", async () => {
    expect(await holderOf({ sub: "api-key" })).toMatchObject({ name: "jwt:api-key" });
  });
});

const accessOptions = (): AuthOptions => ({
  access: {
    team: "acme",
    audience: "tag",
    grants: { scopes: ["instances:read"], agents: ["/agents/catalog/**"] },
    jwks: { keys: [access.jwk, signer.jwk] },
  },
});

const ask = (assertion: string, init: RequestInit = {}) => {
  const headers = { "cf-access-jwt-assertion": assertion, ...(init.headers as Record<string, string>) };
  const request = new Request("https://gateway.example/agents", { ...init, headers });
  return readAuthOptions(accessOptions()).access?.(request);
};

describe("whom Cloudflare Access lets through", () => {
  const good = { iss: TEAM, aud: ["tag"], exp: seconds + 300, email: "ada@acme.com" };
  test("may do what the options grant, by their address", async () => {
    const holder = await ask(await access.sign({ ...good, scope: "keys:manage", agents: ["/**"] }));
    expect(holder).toMatchObject({
      name: "access:ada@acme.com",
      scopes: ["instances:read"],
      agents: ["/agents/catalog/**"],
    });
  });

  test("may be a service, known by its token", async () => {
    const service = { ...good, email: undefined, sub: "", common_name: "e367.access" };
    expect(await ask(await access.sign(service))).toMatchObject({ name: "access:e367.access" });
  });

  test.each([
    ["another team", { iss: "https://globex.cloudflareaccess.com" }],
    ["another application", { aud: ["other"] }],
    ["a session that is over", { exp: seconds - 120 }],
    ["nobody", { email: undefined }],
  ])("is not from %s", async (_, changes) => {
    expect(await ask(await access.sign({ ...good, ...changes }))).toBeUndefined();
  });

  test("is not signed otherwise than Access does", async () => {
    expect(await ask(await signer.sign(good))).toBeUndefined();
  });

  test("does not act for another site, which makes a browser send what it did not ask for", async () => {
    const assertion = await access.sign(good);
    const from = (headers: Record<string, string>, method = "POST") => ask(assertion, { method, headers });
    expect(await from({ origin: "https://evil.example" })).toBeUndefined();
    expect(await from({ origin: "null" })).toBeUndefined();
    expect(await from({ "sec-fetch-site": "cross-site" })).toBeUndefined();
    expect(await from({ "sec-fetch-site": "same-site" })).toBeUndefined();
    expect(await from({ origin: "https://evil.example" }, "DELETE")).toBeUndefined();
    expect(await from({ origin: "https://gateway.example", "sec-fetch-site": "same-origin" })).toBeDefined();
    expect(await from({})).toBeDefined();
    expect(await from({ origin: "https://evil.example" }, "GET")).toBeDefined();
  });
});

describe("options that cannot be are refused when the Worker starts", () => {
  const jwt = { issuer: "i", audience: "a" };
  const jwks = { keys: [] };
  const granted = { scopes: [], agents: [] };
  test.each<[string, unknown, string]>([
    ["an environment that is no word", { keys: { environment: "Live_1" } }, "auth.keys.environment"],
    ["no issuer", { jwt: { audience: "a", jwks } }, "auth.jwt.issuer"],
    ["an empty audience", { jwt: { issuer: "i", audience: "", jwks } }, "auth.jwt.audience"],
    ["no keys", { jwt }, "either jwksUrl or jwks"],
    ["keys twice", { jwt: { ...jwt, jwks, jwksUrl: "https://i.example" } }, "either jwksUrl or jwks"],
    ["keys over a line that others write to", { jwt: { ...jwt, jwksUrl: "http://i.example" } }, "https"],
    [
      "keys of a machine that only begins like this one",
      { jwt: { ...jwt, jwksUrl: "http://127.0.0.1.example" } },
      "https",
    ],
    ["keys of a file", { jwt: { ...jwt, jwksUrl: "file:///etc/keys" } }, "https"],
    ["keys at no address", { jwt: { ...jwt, jwksUrl: "keys" } }, "https"],
    ["keys that are no set", { jwt: { ...jwt, jwks: { keys: "a" } } }, "JWK set"],
    ["a secret shared with the issuer", { jwt: { ...jwt, jwks, algorithms: ["HS256"] } }, "algorithms"],
    ["no signature", { jwt: { ...jwt, jwks, algorithms: ["none"] } }, "algorithms"],
    ["no algorithm", { jwt: { ...jwt, jwks, algorithms: [] } }, "algorithms"],
    [
      "a team that is an address",
      { access: { team: "acme.cloudflareaccess.com", audience: "a", grants: granted } },
      "auth.access.team",
    ],
    ["no audience of Access", { access: { team: "acme", grants: granted } }, "auth.access.audience"],
    [
      "agents of Access that are no pattern",
      { access: { team: "acme", audience: "a", grants: { scopes: [], agents: ["*"] } } },
      "auth.access.grants",
    ],
  ])("%s", (_, options, message) => {
    expect(() => readAuthOptions(options as AuthOptions)).toThrow(message);
  });

  test("others are taken", () => {
    for (const jwksUrl of [
      "https://i.example/jwks",
      "http://127.0.0.1:1/jwks",
      "http://localhost/jwks",
      "http://[::1]:1/",
    ])
      expect(readAuthOptions({ jwt: { ...jwt, jwksUrl } }).jwt).toBeDefined();
    expect(readAuthOptions({})).toEqual({ environment: "live", jwt: undefined, access: undefined });
    expect(
      readAuthOptions({ access: { team: "acme", audience: "a", grants: granted } }).access,
    ).toBeDefined();
  });
});
