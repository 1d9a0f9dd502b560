import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { ask, sends } from "../support/received.ts";
import { untilStatus } from "../support/until.ts";

const AGENT = "/agents/workshop/strict";
const START = `${AGENT}/workflows/silent`;
const MIB = 1_048_576;
const RESERVED = "__agentName";

interface Problem {
  code: string;
  status: number;
  requestId: string;
  errors?: { in: string; pointer: string; message: string }[];
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  await gateway.post(`${AGENT}/methods/open`, { motto: "be strict" });
});
afterAll(() => gateway.harness.close());

const raw = (path: string, init: RequestInit): Promise<Response> =>
  ask(new URL(path, gateway.url), {
    ...init,
    headers: { authorization: `Bearer ${gateway.key}`, ...(init.headers as Record<string, string>) },
  });

async function expectProblem(response: Response, status: number, code: string): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = (await response.json()) as Problem;
  expect(problem).toMatchObject({ status, code, type: `urn:switchyard:problem:${code}` });
  expect(response.status).toBe(status);
  expect(response.headers.get("x-request-id")).toBe(problem.requestId);
  return problem;
}

describe("what is not there is a 404 problem", () => {
  test.each([
    ["an agent of an unknown class", "GET", "/agents/factory/one", "not_found"],
    ["an agent that was never used", "GET", "/agents/workshop/nobody", "agent_not_found"],
    [
      "the instances of an agent that was never used",
      "GET",
      "/agents/workshop/nobody/instances",
      "agent_not_found",
    ],
    ["a sub-agent of an unknown class", "GET", `${AGENT}/sub/factory/one`, "not_found"],
    ["a sub-agent that was never used", "GET", `${AGENT}/sub/bench/nobody`, "agent_not_found"],
    ["a fifth level", "GET", `${AGENT}/sub/bench/a/sub/drawer/b/sub/tool/c/sub/tool/d`, "not_found"],
    ["an instance", "GET", `${AGENT}/instances/nothing`, "instance_not_found"],
    ["the events of an instance", "GET", `${AGENT}/instances/nothing/events`, "instance_not_found"],
    [
      "an approval",
      "GET",
      `${AGENT}/approvals/apr_00000000-0000-0000-0000-000000000000`,
      "approval_not_found",
    ],
    ["any other address", "GET", "/constructor", "not_found"],
  ])("%s", async (_, method, path, code) => {
    await expectProblem(await raw(path, { method }), 404, code);
  });

  test.each([
    ["a workflow", `${AGENT}/workflows/nothing`],
    ["a method", `${AGENT}/methods/nothing`],
    ["a method of the SDK", `${AGENT}/methods/setState`],
    ["a method of every object", `${AGENT}/methods/constructor`],
  ])("%s that is not declared", async (_, path) => {
    const response = await raw(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    await expectProblem(response, 404, "not_found");
  });

  test("and asking does not bring it into being", async () => {
    await gateway.get(`${AGENT}/sub/bench/ghost`);
    await gateway.get(`${AGENT}/sub/bench/ghost/instances`);
    await gateway.get(`${AGENT}/sub/bench/ghost/events`);
    await gateway.post(
      `${AGENT}/sub/bench/ghost/approvals/apr_00000000-0000-0000-0000-000000000000/approve`,
      {},
    );
    const storage = await gateway.harness.getWorker().getDurableObjectStorage("WORKSHOP", { name: "strict" });
    const tables = await storage.exec("SELECT name FROM sqlite_master WHERE name = 'cf_agents_sub_agents'");
    const children = tables.length === 0 ? [] : await storage.exec("SELECT name FROM cf_agents_sub_agents");
    expect(children).toEqual([]);
  });
});

describe("params that do not match are a 400 with a pointer, and nothing is started", () => {
  test.each([
    ["a missing field", { params: {} }, "/params/answer"],
    ["a field of another type", { params: { answer: "2" } }, "/params/answer"],
    ["an unknown field of the params", { params: { answer: 1, anser: 1 } }, "/params/anser"],
    ["an unknown field beside them", { params: { answer: 1 }, param: {} }, "/param"],
    ["an array", { params: [1] }, "/params"],
    ["a reserved key", { params: { answer: 1, [RESERVED]: "x" } }, `/params/${RESERVED}`],
    ["an id outside the rule", { params: { answer: 1 }, id: "a/b" }, "/id"],
    ["metadata that is an object", { params: { answer: 1 }, metadata: { a: {} } }, "/metadata/a"],
  ])("%s", async (_, body, pointer) => {
    if (pointer.includes(RESERVED)) sends(RESERVED);
    const problem = await expectProblem(
      await raw(START, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
      400,
      "invalid_request",
    );
    expect(problem.errors).toContainEqual(expect.objectContaining({ in: "body", pointer }));
    expect((await gateway.get(`${AGENT}/instances`)).json()).toMatchObject({ items: [] });
  });
});

describe("a body that is not one", () => {
  const json = { "content-type": "application/json" };
  test.each<[string, RequestInit, number, string]>([
    ["missing", {}, 400, "malformed_json"],
    ["empty", { headers: json, body: "" }, 400, "malformed_json"],
    ["not JSON", { headers: json, body: "{params:" }, 400, "malformed_json"],
    [
      "of another type",
      { headers: { "content-type": "text/plain" }, body: "{}" },
      415,
      "unsupported_media_type",
    ],
    ["of no type", { body: new Blob(["{}"]) }, 415, "unsupported_media_type"],
    ["larger than the limit", { headers: json, body: `"${"x".repeat(2 * MIB)}"` }, 413, "payload_too_large"],
  ])("%s", async (_, init, status, code) => {
    await expectProblem(await raw(START, { method: "POST", ...init }), status, code);
  });

  test("params just below the limit are taken, and run", async () => {
    const params = { answer: 1, failWith: "x".repeat(MIB - 4_096 - 60) };
    const started = await gateway.post(START, { params });
    expect(started.status, started.text.slice(0, 200)).toBe(202);
    const { links } = started.json<{ links: { self: string } }>();
    const ended = await untilStatus(() => gateway.get(links.self), "errored");
    // What is kept of a message is cut.
    expect(ended.json<{ error: { message: string } }>().error.message).toHaveLength(4_000);
    await gateway.request("DELETE", links.self);
  });

  test("nested too deeply", async () => {
    const deep = `${'{"a":'.repeat(8_000)}1${"}".repeat(8_000)}`;
    for (const path of [START, `${AGENT}/instances/none/approve`]) {
      const response = await raw(path, { method: "POST", headers: json, body: `{"metadata":${deep}}` });
      await expectProblem(response, 400, "invalid_request");
    }
  });
});

describe("names outside the rule are a 400", () => {
  test.each([
    "a%2Fb",
    "a%00b",
    "..%2F",
    "sub",
    "__proto__",
    "%F0%9F%92%A9",
    "a b".replace(" ", "%20"),
    "x".repeat(129),
  ])("%s", async (name) => {
    const response = await raw(`/agents/workshop/${name}/instances`, {});
    const problem = await expectProblem(response, 400, "invalid_request");
    expect(problem.errors?.[0]).toMatchObject({ in: "path", pointer: "/workshop" });
  });
});

describe("queries that do not match are a 400", () => {
  test.each([
    ["an unknown status", "instances?status=done", "invalid_request"],
    ["an unknown parameter", "instances?stats=complete", "invalid_request"],
    ["a limit of zero", "instances?limit=0", "invalid_request"],
    ["a limit over the largest", "instances?limit=101", "invalid_request"],
    ["a cursor that is none", "instances?cursor=abc", "invalid_cursor"],
    ["a cursor of events that is none", "events?after=abc", "invalid_cursor"],
  ])("%s", async (_, query, code) => {
    await expectProblem(await raw(`${AGENT}/${query}`, {}), 400, code);
  });

  test("a cursor of another filter", async () => {
    const agent = "/agents/workshop/cursors";
    for (const id of ["one", "two"]) await gateway.post(`${agent}/workflows/gated`, { params: {}, id });
    const { nextCursor } = (await gateway.get(`${agent}/instances?limit=1`)).json<{ nextCursor: string }>();
    const response = await raw(`${agent}/instances?limit=1&workflow=gated&cursor=${nextCursor}`, {});
    await expectProblem(response, 400, "invalid_cursor");
  });
});

test("a method that the author's code throws in is a 500 that tells nothing of it", async () => {
  const response = await raw(`${AGENT}/methods/fail`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const problem = await expectProblem(response, 500, "internal_error");
  expect(JSON.stringify(problem)).not.toContain("secret");
});

test("events in no shape that is accepted are a 406", async () => {
  await expectProblem(
    await raw(`${AGENT}/events`, { headers: { accept: "image/png" } }),
    406,
    "not_acceptable",
  );
});

test("an address that does not take the method is a 405 that says which it takes", async () => {
  const response = await raw(`${AGENT}/instances`, { method: "PUT" });
  await expectProblem(response, 405, "method_not_allowed");
  expect(response.headers.get("allow")).toBe("GET, HEAD, DELETE");
});

test("no answer shows a reserved key or an engine id", async () => {
  const job = await gateway.post("/agents/workshop/secretive/workflows/silent", { params: { answer: 1 } });
  const { links } = job.json<{ links: { self: string; events: string } }>();
  const ended = await untilStatus(() => gateway.get(links.self), "complete");
  const events = await gateway.get(links.events, { accept: "application/json" });
  for (const { text } of [job, ended, events]) expect(text).not.toMatch(/__|sy_[0-9a-f]{8}|engine/);
});
