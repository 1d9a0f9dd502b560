import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mintKey } from "../../src/gateway/auth/key-text.ts";
import { Scope } from "../../src/gateway/contract/scope.ts";
import { documentOf, type FoundOperation, operationsOf } from "../openapi/served-document.ts";
import {
  type Access,
  expectedAccess,
  type Owner,
  OWNERS,
  ruleName,
  SCOPES,
  SIGNED,
  type Worth,
} from "../support/access-rules.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { createSigner, type Issuer, startIssuer } from "../support/issuer.ts";
import { createKey } from "../support/keys.ts";
import { ask } from "../support/received.ts";

const TENANTS: Readonly<Record<Owner, string>> = { own: "acme", other: "globex", missing: "nobody" };
const TABLE = join(import.meta.dirname, "..", "auth", "access-matrix.md");
const EVERY_SCOPE: readonly string[] = Scope.options;
const AT_ONCE = 8;

interface Credential {
  readonly name: string;
  readonly worth: Worth;
  readonly headers: Readonly<Record<string, string>>;
}

let gateway: TestGateway;
let issuer: Issuer;
let operations: FoundOperation[];
let credentials: Credential[];
beforeAll(async () => {
  const signer = await createSigner("k-1");
  issuer = await startIssuer(signer);
  gateway = await startGateway("test/fixtures/known/wrangler.jsonc", {
    SWITCHYARD_API_KEY: "sy_test_4f1c2b7d9e0a6358",
    JWKS_URL: issuer.url,
    ACCESS_JWKS: '{"keys":[]}',
    LAB_SECRET: `whsec_${Buffer.alloc(32, "s").toString("base64")}`,
  });
  operations = operationsOf(await documentOf(gateway));
  for (const name of [TENANTS.own, TENANTS.other]) {
    const root = `/agents/workshop/${name}`;
    await gateway.post(`/agents/board/${name}/methods/write`, { text: name });
    await gateway.post(`${root}/methods/open`, { motto: name });
    for (const agent of [root, `${root}/sub/bench/b`, `${root}/sub/bench/b/sub/drawer/d/sub/tool/t`]) {
      const started = await gateway.post(`${agent}/workflows/patient`, { params: {}, id: "i-1" });
      if (started.status !== 202) throw new Error(started.text);
    }
  }
  credentials = await makeCredentials((claims) => signer.sign(claims));
});
afterAll(async () => {
  await gateway.harness.close();
  await issuer[Symbol.asyncDispose]();
});

const patternsOf = (tenant: string): string[] => [
  `/agents/workshop/${tenant}/**`,
  `/agents/board/${tenant}/**`,
];

const bearer = (name: string, token: string, worth: Worth): Credential => ({
  name,
  worth,
  headers: { authorization: `Bearer ${token}` },
});
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

async function makeCredentials(sign: (claims: object) => Promise<string>): Promise<Credential[]> {
  const key = async (name: string, scopes: readonly string[], agents: readonly string[]) =>
    createKey(gateway, { name, scopes, agents });
  const own = patternsOf(TENANTS.own);
  const readings = ["agents:read", "instances:read"];
  const ofTenant = (tenant: string, scopes: readonly string[] = EVERY_SCOPE): Worth => ({
    scopes,
    tenants: [tenant],
  });

  const revoked = await key("revoked", EVERY_SCOPE, ["/**"]);
  await gateway.request("DELETE", `/keys/${revoked.id}`);
  const jwt = (changes: object) =>
    sign({
      iss: "https://issuer.example",
      aud: "switchyard",
      sub: "ada",
      exp: inSeconds(3_600),
      scope: EVERY_SCOPE.join(" "),
      agents: own,
      ...changes,
    });
  return [
    { name: "none", worth: "nothing", headers: {} },
    bearer("garbage", "garbage", "nothing"),
    bearer("a key that never was", (await mintKey("known")).key, "nothing"),
    bearer("a revoked key", revoked.key, "nothing"),
    bearer("an expired JWT", await jwt({ exp: inSeconds(-120) }), "nothing"),
    bearer("the configured key", gateway.key, { scopes: "all", tenants: "all" }),
    bearer("a full key", (await key("full", EVERY_SCOPE, ["/**"])).key, {
      scopes: EVERY_SCOPE,
      tenants: "all",
    }),
    bearer("a key of the tenant", (await key("own", EVERY_SCOPE, own)).key, ofTenant(TENANTS.own)),
    bearer("a read-only key", (await key("reads", readings, own)).key, ofTenant(TENANTS.own, readings)),
    bearer(
      "a key of another tenant",
      (await key("other", EVERY_SCOPE, patternsOf(TENANTS.other))).key,
      ofTenant(TENANTS.other),
    ),
    bearer("a JWT", await jwt({}), ofTenant(TENANTS.own)),
    bearer("a JWT without agents", await jwt({ agents: undefined }), { scopes: EVERY_SCOPE, tenants: [] }),
  ];
}

/** The address of an operation at an agent of a tenant; everything else in it is the same for all. */
function addressOf(path: string, tenant: string): string {
  const [, root = ""] = /^\/agents\/[a-z-]+\/\{(\w+)\}/.exec(path) ?? [];
  const names: Readonly<Record<string, string>> = {
    [root]: tenant,
    bench: "b",
    drawer: "d",
    tool: "t",
    instanceId: "i-1",
    approvalId: "apr_00000000-0000-4000-8000-000000000000",
    tokenId: "stk_00000000-0000-4000-8000-000000000000",
    keyId: "0000000000000000",
    linkId: "lnk_00000000-0000-4000-8000-000000000000",
    endpointId: "whe_00000000-0000-4000-8000-000000000000",
    deliveryId: "msg_00000000-0000-4000-8000-000000000000",
  };
  return path.replace(/\{(\w+)\}/g, (parameter, name: string) => names[name] ?? parameter);
}

/** Sends what gets no further than the checks of the operation, so that nothing is changed by who is let in. */
const harmless = (method: string): RequestInit =>
  method === "get" || method === "put"
    ? { headers: { accept: "application/json" } }
    : {
        headers: { "idempotency-key": "two words", "content-type": "text/plain" },
        ...(method !== "delete" && { body: "x" }),
      };

async function accessOf(
  { method, path }: FoundOperation,
  { headers }: Credential,
  owner: Owner,
): Promise<Access> {
  // What is made by who may must not be there for the next.
  const isMaking = method === "put" && owner === "missing";
  const tenant = isMaking ? `${TENANTS.missing}-${crypto.randomUUID()}` : TENANTS[owner];
  const init = harmless(method);
  const response = await ask(new URL(addressOf(path, tenant), gateway.url), {
    ...init,
    method: method.toUpperCase(),
    headers: { ...(init.headers as Record<string, string>), ...headers },
  });
  const text = await response.text();
  if (response.status === 401 || response.status === 403) return `${response.status}`;
  expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(500);
  return response.status === 404 && text.includes('"agent_not_found"') ? "404" : "yes";
}

/** Does something with each, several at once. */
async function forEach<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (const item of left) await work(item);
  });
  await Promise.all(workers);
}

const isAboutAgent = ({ path }: FoundOperation): boolean => path.startsWith("/agents/");
const tenantAsked = (operation: FoundOperation, owner: Owner): boolean =>
  isAboutAgent(operation) || owner === "own";

test("every operation is one for which a rule says who may", () => {
  const served = new Set(operations.map(({ method, path }) => ruleName(method, path)));
  expect([...served].toSorted()).toEqual(Object.keys(SCOPES).toSorted());
});

test(
  "every credential gets as far as the rules say, with every operation, at every agent",
  { timeout: 300_000 },
  async () => {
    const cells = operations.flatMap((operation) =>
      credentials.flatMap((credential) =>
        OWNERS.filter((owner) => tenantAsked(operation, owner)).map((owner) => ({
          operation,
          credential,
          owner,
        })),
      ),
    );
    expect(cells.length).toBeGreaterThan(5_000);
    const wrong: string[] = [];
    const seen = new Map<string, Set<Access>>();
    await forEach(cells, async ({ operation, credential, owner }) => {
      const { method, path } = operation;
      const rule = ruleName(method, path);
      const found = await accessOf(operation, credential, owner);
      const expected = expectedAccess(rule, credential.worth, owner, TENANTS[owner]);
      if (found !== expected)
        wrong.push(`${method} ${path} of ${owner} with ${credential.name}: ${found}, not ${expected}`);
      const place = [rule, credential.name, owner].join("\n");
      seen.set(place, (seen.get(place) ?? new Set()).add(found));
    });
    expect(wrong).toEqual([]);
    await expect(tableOf(seen)).toMatchFileSnapshot(TABLE);
  },
);

/** What was found, for people: one line for each operation, whatever its class, workflow or method. */
function tableOf(seen: ReadonlyMap<string, ReadonlySet<Access>>): string {
  const cellOf = (rule: string, { name }: Credential): string =>
    OWNERS.flatMap(
      (owner) => [...(seen.get([rule, name, owner].join("\n")) ?? [])].toSorted().join("/") || [],
    ).join(" · ");
  const lines = Object.entries(SCOPES).map(
    ([rule, scope]) =>
      `| \`${rule}\` | ${scope === null ? "" : scope === SIGNED ? SIGNED : `\`${scope}\``} | ${credentials.map((one) => cellOf(rule, one)).join(" | ")} |`,
  );
  return [
    "# Who gets how far",
    "",
    "Written by `test/e2e/access-matrix.test.ts` from what the gateway answers (`npx vitest run test/e2e/access-matrix.test.ts -u`), and held against",
    "the rules in `test/support/access-rules.ts`. A cell says what comes of a request about an agent of the tenant itself · of another tenant · that is",
    "not there; of the gateway itself there is one. `yes` is that the request gets as far as the operation. `404` is always the same answer.",
    "",
    `| operation | scope | ${credentials.map(({ name }) => name).join(" | ")} |`,
    `|---|---|${credentials.map(() => "---").join("|")}|`,
    ...lines,
    "",
  ].join("\n");
}

/** What is sent of a request beside its address, well and badly formed. */
const VARIANTS: readonly {
  readonly name: string;
  readonly of: (method: string) => RequestInit | undefined;
}[] = [
  { name: "as it should be", of: (method) => withBody(method, "{}", "application/json") },
  {
    name: "with a body that fits no contract",
    of: (method) => withBody(method, '{"surprise":1,"id":"__x"}', "application/json"),
  },
  { name: "with no JSON", of: (method) => withBody(method, "{", "application/json") },
  { name: "with another type", of: (method) => withBody(method, "x", "text/plain") },
  {
    name: "with headers that are wrong",
    of: () => ({
      headers: { "idempotency-key": "two words", "if-match": "x".repeat(200), accept: "image/png" },
    }),
  },
  {
    name: "as a stream",
    of: (method) => (method === "get" ? { headers: { accept: "text/event-stream" } } : undefined),
  },
  { name: "as HEAD", of: (method) => (method === "get" ? { method: "HEAD" } : undefined) },
];

function withBody(method: string, body: string, type: string): RequestInit {
  return method === "get"
    ? { headers: { accept: "application/json" } }
    : { body, headers: { "content-type": type } };
}

/** Headers that differ between any two answers. */
const OF_EACH: readonly string[] = ["x-request-id", "traceparent", "date"];

/** An answer without what differs between any two. */
async function comparable(response: Response): Promise<object> {
  const headers = [...response.headers].filter(([name]) => !OF_EACH.includes(name));
  const text = (await response.text()).replace(/"requestId":"[^"]*"/, "");
  return { status: response.status, headers, text };
}

test(
  "what another tenant has is answered as what is not there, whatever is sent",
  { timeout: 300_000 },
  async () => {
    const intruders = credentials.filter(({ name }) =>
      ["a key of the tenant", "a JWT without agents"].includes(name),
    );
    const questions = ["", "?scope=subtree", "?scope=nonsense&surprise=1"];
    const cases = operations
      .filter(isAboutAgent)
      .flatMap((operation) =>
        VARIANTS.map((variant) => ({ operation, variant, init: variant.of(operation.method) })),
      );
    let [calls, at] = [0, 0];
    const wrong: string[] = [];
    await forEach(cases, async ({ operation: { method, path }, variant, init }) => {
      if (init === undefined) return;
      at += 1;
      const intruder = intruders[at % intruders.length];
      const question = questions[at % questions.length] ?? "";
      const send = (tenant: string): Promise<object> => {
        calls += 1;
        return ask(new URL(addressOf(path, tenant) + question, gateway.url), {
          method: method.toUpperCase(),
          ...init,
          headers: { ...(init.headers as Record<string, string>), ...intruder?.headers },
        }).then(comparable);
      };
      const [theirs, nobodys] = [await send(TENANTS.other), await send(TENANTS.missing)];
      const same = JSON.stringify(theirs) === JSON.stringify(nobodys);
      if (!same || !JSON.stringify(theirs).startsWith('{"status":404'))
        wrong.push(
          `${method} ${path}${question} ${variant.name}: ${JSON.stringify(theirs)}, ${JSON.stringify(nobodys)}`,
        );
    });
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThanOrEqual(2_000);
    // Nothing of it came to anything.
    expect((await gateway.get(`/agents/workshop/${TENANTS.other}/instances/i-1`)).status).toBe(200);
    expect((await gateway.get(`/agents/workshop/${TENANTS.missing}`)).status).toBe(404);
  },
);

test("what is not there is answered alike to who would reach it and to who would not", async () => {
  const [own, full] = ["a key of the tenant", "a full key"].map((name) =>
    credentials.find((one) => one.name === name),
  );
  const readable = operations.filter((one) => isAboutAgent(one) && one.method === "get");
  expect(readable.length).toBeGreaterThan(20);
  await forEach(readable, async ({ path }) => {
    const send = (tenant: string, by: Credential | undefined) =>
      ask(new URL(addressOf(path, tenant), gateway.url), {
        headers: { accept: "application/json", ...by?.headers },
      }).then(comparable);
    expect(await send(TENANTS.other, own), path).toEqual(await send(TENANTS.missing, full));
  });
});
