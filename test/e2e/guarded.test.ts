import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKey } from "../support/keys.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { ask } from "../support/received.ts";
import { until } from "../support/until.ts";

const FOLDER = "test/fixtures/guarded";
const AGENT = "/agents/guarded/g";
const ALLOWED = "https://app.example";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway(`${FOLDER}/wrangler.jsonc`);
  const started = await gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 1 }, id: "one" });
  if (started.status !== 202) throw new Error(started.text);
});
afterAll(() => gateway.harness.close());

const preflight = (origin: string, method = "POST", path = `${AGENT}/workflows/silent`) =>
  gateway.request("OPTIONS", path, undefined, {
    authorization: "",
    origin,
    "access-control-request-method": method,
    "access-control-request-headers": "authorization,content-type,idempotency-key",
  });
/** Calls a tool of MCP. */
const callTool = (name: string, input: object, headers: Record<string, string>) =>
  gateway.post(
    "/mcp",
    { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: input } },
    { accept: "application/json, text/event-stream", ...headers },
  );
const corsOf = (headers: Headers): string[] =>
  [...headers]
    .filter(([name]) => name.startsWith("access-control-"))
    .map(([name, value]) => `${name}: ${value}`);
const listed = (value: string | null): string[] => (value ?? "").toLowerCase().split(/\s*,\s*/);

describe("a browser", () => {
  test("on a page of a listed origin may send what the API takes, and see what it answers", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
      const allowed = await preflight(ALLOWED, method);
      expect(allowed.status).toBe(204);
      expect(allowed.headers.get("access-control-allow-origin")).toBe(ALLOWED);
      expect(listed(allowed.headers.get("access-control-allow-methods"))).toContain(method.toLowerCase());
      expect(listed(allowed.headers.get("access-control-allow-headers"))).toEqual(
        expect.arrayContaining([
          "authorization",
          "content-type",
          "idempotency-key",
          "if-match",
          "if-none-match",
          "last-event-id",
          "mcp-method",
          "mcp-name",
          "mcp-protocol-version",
          "prefer",
        ]),
      );
      expect(listed(allowed.headers.get("vary"))).toContain("origin");
    }
    const answers = [
      await gateway.get(`${AGENT}/instances/one`, { origin: ALLOWED }),
      await gateway.get(`${AGENT}/instances/none`, { origin: ALLOWED }),
      await gateway.get("/nothing", { origin: ALLOWED }),
      await gateway.get(AGENT, { origin: ALLOWED, authorization: "" }),
      await gateway.post(`${AGENT}/methods/fail`, {}, { origin: ALLOWED }),
      await gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 2 } }, { origin: ALLOWED }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 404, 401, 500, 202]);
    for (const { headers } of answers) {
      expect(headers.get("access-control-allow-origin")).toBe(ALLOWED);
      expect(headers.get("access-control-allow-credentials")).toBeNull();
      expect(listed(headers.get("vary"))).toContain("origin");
      expect(listed(headers.get("access-control-expose-headers"))).toEqual(
        expect.arrayContaining(["etag", "location", "ratelimit", "retry-after", "x-request-id"]),
      );
    }
    const called = await callTool("getGuarded", { name: "g" }, { origin: ALLOWED });
    expect([called.status, called.headers.get("access-control-allow-origin")]).toEqual([200, ALLOWED]);
    const events = await ask(new URL(`${AGENT}/instances/one/events`, gateway.url), {
      headers: { authorization: `Bearer ${gateway.key}`, origin: "http://localhost:5173" },
    });
    expect(events.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
    await events.body?.cancel();
  });

  test.each([
    "https://app.example.evil.example",
    "https://evil.example",
    "http://app.example",
    "https://app.example:8443",
    "https://APP.example",
    "https://sub.app.example",
    "null",
    "*",
    "https://app.example/",
  ])("on a page of %s may not", async (origin) => {
    const refused = await preflight(origin);
    expect(refused.status).toBe(405);
    expect(corsOf(refused.headers)).toEqual([]);
    const answer = await gateway.get(AGENT, { origin });
    expect(corsOf(answer.headers)).toEqual([]);
    expect(listed(answer.headers.get("vary"))).toContain("origin");
    const called = await callTool("getGuarded", { name: "g" }, { origin });
    expect([called.status, corsOf(called.headers)]).toEqual([403, []]);
  });

  test("finds on every answer what holds it back", async () => {
    const answers: [string, Headers][] = [];
    for (const path of [
      "/healthz",
      "/readyz",
      "/limits",
      "/openapi.json",
      "/openapi.yaml",
      "/openapi/guarded.json",
      "/docs",
      "/nothing",
      AGENT,
      `${AGENT}/`,
      `${AGENT}/instances/none`,
    ])
      answers.push([path, (await gateway.get(path)).headers]);
    answers.push(["unkeyed", (await gateway.get(AGENT, { authorization: "" })).headers]);
    answers.push(["500", (await gateway.post(`${AGENT}/methods/fail`, {})).headers]);
    answers.push([
      "415",
      (await gateway.post(`${AGENT}/methods/fail`, {}, { "content-type": "text/plain" })).headers,
    ]);
    answers.push(["405", (await gateway.request("PUT", "/limits")).headers]);
    answers.push(["preflight", (await preflight(ALLOWED)).headers]);
    const events = await ask(new URL(`${AGENT}/events`, gateway.url), {
      headers: { authorization: `Bearer ${gateway.key}` },
    });
    answers.push(["stream", events.headers]);
    await events.body?.cancel();
    for (const [of, headers] of answers) {
      expect(headers.get("x-content-type-options"), of).toBe("nosniff");
      expect(headers.get("x-frame-options"), of).toBe("DENY");
      expect(headers.get("referrer-policy"), of).toBe("no-referrer");
      expect(headers.get("strict-transport-security"), of).toContain("max-age=");
      expect(headers.get("content-security-policy"), of).toContain("default-src 'none'");
      expect(headers.get("content-security-policy"), of).toContain("frame-ancestors 'none'");
      expect(headers.get("x-request-id"), of).toMatch(/^[\w=-]+$/);
      expect(headers.get("x-powered-by"), of).toBeNull();
    }
    expect((await gateway.get("/docs")).headers.get("content-security-policy")).toContain(
      "script-src 'self' 'nonce-",
    );
  });
});

describe("a gateway that lists no origins", () => {
  test("has no answer for browsers of other origins", async () => {
    await using closed = await startGateway();
    for (const origin of [ALLOWED, "null"]) {
      const refused = await closed.request("OPTIONS", "/agents", undefined, {
        origin,
        "access-control-request-method": "GET",
      });
      expect(refused.status).toBe(405);
      expect(corsOf(refused.headers)).toEqual([]);
      expect(corsOf((await closed.get("/agents", { origin })).headers)).toEqual([]);
    }
  });
});

interface Line {
  readonly requestId: string;
  readonly [field: string]: unknown;
}
function linesOf({ harness }: TestGateway): Line[] {
  return harness
    .getLogs()
    .flatMap(({ message }) => message.split("\n"))
    .filter((line) => line.startsWith('{"time"'))
    .map((line) => JSON.parse(line) as Line);
}

describe("the log", () => {
  test("has one line for each request, with these fields and no others", async () => {
    const headers = {
      "x-request-id": "logged-1",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    const answer = await gateway.get(`${AGENT}/instances/secret-name?status=waiting&x=SECRET`, headers);
    expect(answer.headers.get("x-request-id")).toBe("logged-1");
    expect(answer.headers.get("traceparent")).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    );
    await gateway.get("/agents/guarded/Not%41Address?token=SECRET", {
      "x-request-id": "logged-2",
      authorization: "",
    });
    await gateway.get(AGENT, { "x-request-id": "logged-3", authorization: "Bearer SECRET" });
    const input = encodeURIComponent(JSON.stringify({ name: "secret-name" }));
    const called = await gateway.get(`/trpc/guarded.get?input=${input}`, {
      ...headers,
      "x-request-id": "logged-4",
    });
    expect(called.headers.get("x-request-id")).toBe("logged-4");
    expect(called.headers.get("traceparent")).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/);
    expect(called.headers.get("x-content-type-options")).toBe("nosniff");
    await callTool("getGuarded", { name: "secret-name" }, { ...headers, "x-request-id": "logged-5" });
    const lines = await until(
      async () => linesOf(gateway).filter(({ requestId }) => requestId.startsWith("logged-")),
      (found) => found.length >= 5,
    );
    expect(lines).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        requestId: "logged-1",
        traceId: "0af7651916cd43dd8448eb211c80319c",
        method: "GET",
        route: "/agents/guarded/{guarded}/instances/{instanceId}",
        agent: "guarded",
        status: 404,
        ms: expect.any(Number),
        principal: "api-key",
        door: "rest",
        problem: "instance_not_found",
      },
      expect.objectContaining({
        requestId: "logged-2",
        route: null,
        agent: null,
        status: 404,
        principal: null,
        problem: "not_found",
      }),
      expect.objectContaining({
        requestId: "logged-3",
        route: "/agents/guarded/{guarded}",
        status: 401,
        principal: null,
        problem: "unauthorized",
      }),
      expect.objectContaining({
        requestId: "logged-4",
        traceId: "0af7651916cd43dd8448eb211c80319c",
        route: "/trpc/guarded.get",
        agent: "guarded",
        status: 404,
        principal: "api-key",
        door: "trpc",
        problem: "agent_not_found",
      }),
      expect.objectContaining({
        requestId: "logged-5",
        traceId: "0af7651916cd43dd8448eb211c80319c",
        route: "/mcp#getGuarded",
        agent: "guarded",
        status: 200,
        principal: "api-key",
        door: "mcp",
        problem: "agent_not_found",
      }),
    ]);
  });

  test("shows no secret, no query, no name of an agent, of anything that was asked so far", () => {
    const text = JSON.stringify(linesOf(gateway));
    expect(text.length).toBeGreaterThan(5_000);
    for (const secret of [
      gateway.key,
      "SECRET",
      "secret-name",
      "status=waiting",
      "guarded/g",
      "Not%41Address",
    ])
      expect(text).not.toContain(secret);
  });

  test("marks what fails inside an agent with the request that it failed for", async () => {
    await gateway.post(`${AGENT}/methods/fail`, {}, { "x-request-id": "failing-1" });
    const marked = await until(
      async () =>
        gateway.harness
          .getLogs()
          .map(({ message }) => message)
          .filter((message) => message.includes("failed inside the agent") && message.includes("failing-1")),
      (found) => found.length > 0,
    );
    expect(marked).toHaveLength(1);
  });

  test.each(["", "a b", "a\tb", "x".repeat(129), "a;b", "<script>"])(
    "takes no id of a request as it is that is %j",
    async (id) => {
      const answer = await gateway.get("/healthz", { "x-request-id": id });
      expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});

describe("readiness", () => {
  test("is told without a key, and in one word", async () => {
    const answer = await gateway.get("/readyz", { authorization: "" });
    expect([answer.status, answer.json()]).toEqual([200, { status: "ready" }]);
  });

  test("is a problem where the directory is not bound, which names nothing; the Worker is healthy all the same", async () => {
    await using unready = await startGateway(`${FOLDER}/unready.jsonc`);
    const answer = await unready.get("/readyz", { authorization: "" });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    const { requestId: _, ...problem } = answer.json<Record<string, unknown>>();
    expect(problem).toEqual({
      type: "urn:switchyard:problem:not_ready",
      title: "The gateway is not ready",
      status: 503,
      code: "not_ready",
      retryable: true,
    });
    expect((await unready.get("/healthz", { authorization: "" })).status).toBe(200);
  });

  test("is a problem where a class is not exported, which names nothing", async () => {
    await using broken = await startGateway("test/fixtures/broken/missing-export.jsonc");
    const answer = await broken.get("/readyz");
    expect([answer.status, answer.json<{ code: string; detail?: string }>().code]).toEqual([
      503,
      "not_ready",
    ]);
    expect(answer.text).not.toContain("Desk");
  });
});

test("where endpoints have no binding none is made, and nothing is left of the attempt", async () => {
  const made = await gateway.post("/webhooks/endpoints", { url: "https://hooks.switchyard.dev/x" });
  expect([made.status, made.json<{ code: string }>().code]).toEqual([503, "gateway_not_configured"]);
  expect((await gateway.get("/webhooks/endpoints")).json()).toMatchObject({ items: [] });
  expect((await gateway.get("/audit")).text).not.toContain("endpoint.create");
});

describe("the limit of requests", () => {
  test("is not there without the binding, and not published", async () => {
    const { limits } = (await gateway.get("/limits")).json<{ limits: { name: string }[] }>();
    expect(limits.map(({ name }) => name)).not.toContain("requests");
    expect((await gateway.get("/limits")).headers.get("ratelimit-policy")).toBeNull();
    const answers = await Promise.all(Array.from({ length: 60 }, () => gateway.get("/agents")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test("lets a caller through until it is reached, then says when to come back; others go on", async () => {
    await using limited = await startGateway(`${FOLDER}/limited.jsonc`);
    const { key } = await createKey(limited, {
      name: "prober",
      scopes: ["agents:read"],
      agents: ["/agents/guarded/own"],
    });
    const first = await limited.get("/limits");
    expect(first.headers.get("ratelimit-policy")).toBe('"requests";q=20;w=60');
    expect(first.json<{ limits: object[] }>().limits).toContainEqual(
      expect.objectContaining({ name: "requests", most: 20, perSeconds: 60, code: "too_many_requests" }),
    );
    // Far over it: wherever the span of the platform begins, more than two of them are asked for.
    const answers = [];
    for (let n = 0; n < 60; n += 1) answers.push(await limited.get("/agents"));
    const refused = answers.filter(({ status }) => status === 429);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(40);
    for (const answer of refused) {
      const { headers } = answer;
      expect(answer.json<{ code: string; retryable: boolean }>()).toMatchObject({
        code: "too_many_requests",
        retryable: true,
      });
      expect(headers.get("retry-after")).toBe("60");
      expect(headers.get("ratelimit")).toBe('"requests";r=0;t=60');
      expect(headers.get("ratelimit-policy")).toBe('"requests";q=20;w=60');
    }
    // What is refused is counted too: its caller asked for it all the same.
    const probe = (path: string) => limited.get(path, { authorization: `Bearer ${key}` });
    for (const path of ["/agents/guarded/other", "/audit"]) {
      const probes = [];
      for (let n = 0; n < 60; n += 1) probes.push(await probe(path));
      expect(probes.at(-1)?.status).toBe(429);
    }
    // Who shows no key is counted apart, by its address.
    const strangers = [];
    for (let n = 0; n < 60; n += 1)
      strangers.push(await limited.get("/agents", { authorization: "Bearer guess" }));
    expect(strangers[0]?.status).toBe(401);
    expect(strangers.at(-1)?.status).toBe(429);
    expect(strangers.at(-1)?.headers.get("www-authenticate")).toBeNull();
  });
});
