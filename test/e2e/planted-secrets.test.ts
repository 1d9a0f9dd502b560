import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf } from "../../src/gateway/auth/key-text.ts";
import { createSigner, encoded, type Issuer, type Signer, startIssuer } from "../support/issuer.ts";
import { sendForKey, type ShownKey } from "../support/keys.ts";
import { ask } from "../support/received.ts";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { openStream } from "../support/stream.ts";

const ACME = "/agents/workshop/acme";
const SIGNING_KEY = Buffer.from("a signing key that nobody may ever see").toString("base64url");

let storage: string;
let runtime: Runtime;
let issuer: Issuer;
let signer: Signer;
let access: Signer;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-secrets-"));
  [signer, access] = [await createSigner("k-1"), await createSigner("a-1", "RS256")];
  issuer = await startIssuer(signer);
  runtime = await startRuntime("test/fixtures/known/wrangler.jsonc", storage, {
    JWKS_URL: issuer.url,
    ACCESS_JWKS: JSON.stringify({ keys: [access.jwk] }),
    LOG: "true",
    SWITCHYARD_SIGNING_KEYS: `s-1:${SIGNING_KEY}`,
  });
});
afterAll(async () => {
  await runtime.kill();
  await issuer[Symbol.asyncDispose]();
  await rm(storage, { recursive: true });
});

/** Where the tools of local development write down each request that they saw, with its address: none of it is the gateway's. */
const TRACES = "observability";

/** Everything that the gateway has stored, file by file, as it is on the disk. */
async function stored(): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(storage, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(storage, join(entry.parentPath, entry.name)))
    .filter((file) => !file.split(sep).includes(TRACES));
  const contents = files.map(async (file) => [file, await readFile(join(storage, file), "latin1")] as const);
  return Object.fromEntries(await Promise.all(contents));
}

/** A secret may lie in two pieces: any part that nobody could have guessed counts. */
function piecesOf(secret: string): string[] {
  const size = Math.min(24, secret.length);
  const starts = [0, Math.floor((secret.length - size) / 2), secret.length - size];
  // A JWT begins with what many have in common.
  return [...new Set(starts.map((start) => secret.slice(start, start + size)))].filter(
    (piece) => !piece.startsWith("eyJ"),
  );
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

test("no secret is anywhere but with whom it was given to", { timeout: 120_000 }, async () => {
  const secrets = new Map<string, string>([
    ["the configured key", runtime.key],
    ["the signing key", SIGNING_KEY],
  ]);
  const received: string[] = [];
  const keep = async (response: Response): Promise<Response> => {
    const text = await response.text();
    received.push(text, JSON.stringify([...response.headers]));
    return new Response(text, response);
  };
  const send = async (
    path: string,
    headers: Record<string, string>,
    method = "GET",
    body?: object,
  ): Promise<Response> =>
    keep(
      await ask(new URL(path, runtime.url), {
        method,
        headers: { accept: "application/json", "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  const admin = bearer(runtime.key);
  /** A key is in the answer that shows it, and there alone. */
  const shown = async (name: string, path: string, body: object): Promise<ShownKey> => {
    const answer = await sendForKey(runtime, path, body);
    const key = answer.json<ShownKey>();
    secrets.set(name, key.key);
    received.push(answer.text.replace(key.key, ""), JSON.stringify([...answer.headers]));
    return key;
  };

  await send(`${ACME}/methods/open`, admin, "POST", { motto: "discreet" });
  const scopes = [
    "agents:read",
    "agents:call",
    "instances:read",
    "instances:start",
    "approvals:decide",
    "keys:manage",
  ];
  const made: ShownKey[] = [];
  for (let n = 1; n <= 7; n += 1)
    made.push(await shown(`key ${n}`, "/keys", { name: `key-${n}`, scopes, agents: [`${ACME}/**`] }));
  const [first, second, third] = made;
  await shown("key 1, rotated", `/keys/${first?.id}/rotate`, {});
  await shown("key 2, rotated at once", `/keys/${second?.id}/rotate`, { graceSeconds: 0 });
  await send(`/keys/${third?.id}`, admin, "DELETE");

  const exp = Math.floor(Date.now() / 1000) + 300;
  const claims = {
    iss: "https://issuer.example",
    aud: "switchyard",
    sub: "ada",
    scope: scopes.join(" "),
    exp,
  };
  const agents = [`${ACME}/**`];
  secrets.set("a JWT", await signer.sign({ ...claims, agents }));
  secrets.set("an expired JWT", await signer.sign({ ...claims, agents, exp: 1 }));
  secrets.set("a JWT for others", await signer.sign({ ...claims, agents, aud: "others" }));
  secrets.set("a JWT of an unknown key", await signer.sign({ ...claims, agents }, { kid: "other" }));
  secrets.set(
    "an unsigned JWT",
    `${encoded({ alg: "none" })}.${encoded({ ...claims, agents })}.c2lnbmF0dXJl`,
  );
  const assertion = await access.sign({
    iss: "https://acme.cloudflareaccess.com",
    aud: "tag",
    email: "ada@acme.com",
    exp,
  });

  const token = async (name: string, path: string): Promise<string> => {
    const response = await ask(new URL(path, runtime.url), {
      method: "POST",
      headers: { ...admin, "content-type": "application/json" },
      body: "{}",
    });
    const text = await response.text();
    const { token: given } = JSON.parse(text) as { token: string };
    secrets.set(name, given);
    received.push(text.replaceAll(given, ""));
    return given;
  };
  await send(`${ACME}/workflows/gated`, admin, "POST", { params: {}, id: "i-1" });
  const tokens = [
    await token("a stream token", `${ACME}/stream-tokens`),
    await token("a stream token of an instance", `${ACME}/instances/i-1/stream-tokens`),
    await token("another one", `${ACME}/stream-tokens`),
  ];

  // Each of them goes wherever somebody may send it, by right or by mistake.
  for (const [name, secret] of secrets) {
    const by = bearer(secret);
    await send(ACME, by);
    await send(`/agents/workshop/globex`, by);
    await send("/keys", by);
    await send(`${ACME}/methods/fail`, by, "POST", {});
    await send(`${ACME}/instances/i-1`, { authorization: `Basic ${secret}` });
    await send(`${ACME}/instances/i-1/events?token=${encodeURIComponent(secret)}`, {});
    await send(`${ACME}/instances?token=${encodeURIComponent(secret)}`, {});
    await send(`${ACME}/workflows/silent`, by, "POST", {
      params: { answer: 1 },
      id: name.replaceAll(/\W/g, "-"),
    });
    await send("/keys/0000000000000000", by, "DELETE");
    await send("/keys", by, "POST", { name: "api-key" });
  }
  secrets.set("an assertion of Access", assertion);
  for (const path of [ACME, "/agents/workshop/globex", "/keys"])
    await send(path, { "cf-access-jwt-assertion": assertion });
  await send(`${ACME}/methods/fail`, { "cf-access-jwt-assertion": assertion }, "POST", {});
  for (const given of tokens) {
    await using stream = await openStream(runtime, `${ACME}/instances/i-1/events?token=${given}`, {
      authorization: "",
    });
    received.push(JSON.stringify(stream.received));
  }
  await send(`${ACME}/instances/i-1/approve`, bearer(secrets.get("key 1") ?? ""), "POST", {});
  for (const path of [
    "/audit?limit=100",
    "/audit/verification",
    "/keys?limit=100",
    `${ACME}/events?limit=100`,
  ])
    expect((await send(path, admin)).status).toBe(200);
  await runtime.kill();

  expect(secrets.size).toBeGreaterThanOrEqual(20);
  const places: Readonly<Record<string, string>> = {
    "what was answered": received.join("\n"),
    "the output of the process": runtime.output(),
    ...(await stored()),
  };
  // What is searched is there: an answer, a word of the process, and all that may be kept of a key.
  expect(places["what was answered"]).toContain("key-1");
  expect(places["the output of the process"]).toContain("switchyard");
  expect(Object.values(places).join("\n")).toContain(await digestOf(secrets.get("key 4") ?? ""));
  const found = [...secrets].flatMap(([name, secret]) =>
    Object.entries(places)
      .filter(([, text]) => piecesOf(secret).some((piece) => text.includes(piece)))
      .map(([place]) => `${name} is in ${place}`),
  );
  expect(found).toEqual([]);
});
