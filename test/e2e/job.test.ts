import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream } from "../support/stream.ts";
import { untilStatus } from "../support/until.ts";

interface Page {
  items: { workflow: string }[];
  nextCursor: string | null;
}
interface Started {
  id: string;
  agent: string;
  status: string;
  links: { self: string; events: string };
}

const AGENTS = {
  "a root agent": "/agents/workshop/one",
  "a sub-agent at depth 2": "/agents/workshop/one/sub/bench/left",
  "a sub-agent at depth 4": "/agents/workshop/one/sub/bench/left/sub/drawer/top/sub/tool/saw",
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const start = async (agent: string, workflow: string, params: object): Promise<Started> => {
  const answer = await gateway.post(`${agent}/workflows/${workflow}`, { params });
  expect(answer.status, answer.text).toBe(202);
  return answer.json<Started>();
};

describe.each(Object.entries(AGENTS))("on %s", (_, agent) => {
  test("a job is started, seen, approved by a person, and its output read", async () => {
    const accepted = await gateway.post(`${agent}/workflows/gated`, {
      params: {},
      metadata: { order: 7, urgent: true },
    });
    expect(accepted.status).toBe(202);
    const job = accepted.json<Started>();
    expect(accepted.headers.get("location")).toBe(job.links.self);
    expect(job).toMatchObject({
      agent,
      workflow: "gated",
      status: "queued",
      metadata: { order: 7, urgent: true },
    });

    await using stream = await openStream(gateway, job.links.events);
    const { data } = await stream.until("approval.requested");
    const approval = data.data?.["approval"] as { id: string };
    expect(approval).toMatchObject({ summary: "Open first?", status: "pending", stepName: "first" });
    expect((await gateway.get(job.links.self)).json()).toMatchObject({
      status: "waiting",
      waitingFor: { type: "approval", approvalId: approval.id, stepName: "first" },
    });
    expect(
      (await gateway.get(`${agent}/approvals?status=pending`)).json<{ items: object[] }>().items,
    ).toContainEqual(expect.objectContaining({ id: approval.id, instanceId: job.id, agent }));

    const decided = await gateway.post(`${agent}/approvals/${approval.id}/approve`, {
      reason: "looks right",
      metadata: { signature: "ada" },
    });
    expect(decided.status).toBe(200);
    expect(decided.json()).toMatchObject({ status: "approved", decidedBy: "api-key", reason: "looks right" });

    await stream.closed;
    const types = stream.received.map(({ event }) => event);
    expect(types.at(-1)).toBe("stream.end");
    expect(types.filter((type) => !type?.startsWith("stream."))).toEqual([
      "instance.queued",
      "instance.started",
      "instance.waiting",
      "approval.requested",
      "approval.decided",
      "instance.completed",
    ]);
    expect((await gateway.get(job.links.self)).json()).toMatchObject({
      status: "complete",
      output: { signatures: ["ada"] },
    });
  });

  test("a rejected job ends errored, with the reason", async () => {
    const job = await start(agent, "gated", {});
    await untilStatus(() => gateway.get(job.links.self), "waiting");
    const rejected = await gateway.post(`${job.links.self}/reject`, { reason: "too expensive" });
    expect(rejected.json()).toMatchObject({ status: "rejected", reason: "too expensive" });
    const ended = await untilStatus(() => gateway.get(job.links.self), "errored");
    expect(ended.json()).toMatchObject({
      error: { name: "WorkflowRejectedError", message: "Workflow rejected: too expensive" },
    });
  });

  test("a workflow that never reports completion ends complete, with its output", async () => {
    const job = await start(agent, "silent", { answer: 21 });
    const ended = await untilStatus(() => gateway.get(job.links.self), "complete");
    expect(ended.json()).toMatchObject({ output: { answer: 42 } });
  });

  test("a workflow that throws ends errored, with what it threw", async () => {
    const job = await start(agent, "silent", { answer: 1, failWith: "no such luck" });
    const ended = await untilStatus(() => gateway.get(job.links.self), "errored");
    expect(ended.json()).toMatchObject({ error: { name: "RangeError", message: "no such luck" } });
  });

  test("each report is one event, also of a step that is tried again", async () => {
    const job = await start(agent, "chatty", { rounds: 2 });
    await using stream = await openStream(gateway, job.links.events);
    await stream.closed;
    const told = stream.received.filter(({ event }) => event?.startsWith("instance."));
    expect(told.map(({ event, data }) => [event, data.data])).toEqual([
      ["instance.queued", { metadata: {} }],
      ["instance.started", {}],
      ["instance.progress", { progress: { round: 1, where: "run" } }],
      ["instance.progress", { progress: { round: 1, where: "step" } }],
      ["instance.progress", { progress: { round: 2, where: "run" } }],
      ["instance.progress", { progress: { round: 2, where: "step" } }],
      ["instance.event", { event: { heard: "everything" } }],
      ["instance.message", { message: { good: "bye" } }],
      ["instance.completed", { output: { tries: 4 } }],
    ]);
  });
});

test("two agents use the same own id without noticing each other", async () => {
  const [a, b] = ["/agents/workshop/left", "/agents/workshop/right"];
  for (const agent of [a, b]) {
    const answer = await gateway.post(`${agent}/workflows/silent`, { params: { answer: 1 }, id: "order-42" });
    expect(answer.status).toBe(202);
  }
  const again = await gateway.post(`${a}/workflows/silent`, { params: { answer: 1 }, id: "order-42" });
  expect(again.status).toBe(409);
  expect(again.json()).toMatchObject({ code: "instance_exists" });
});

test("a list goes on by cursor, newest first, and filters by status and workflow", async () => {
  const agent = "/agents/workshop/lists";
  for (let n = 0; n < 5; n += 1) await start(agent, "silent", { answer: n });
  const gate = await start(agent, "gated", {});
  await untilStatus(() => gateway.get(gate.links.self), "waiting");

  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const answer = await gateway.get(`${agent}/instances?limit=2${cursor && `&cursor=${cursor}`}`);
    const page = answer.json<Page>();
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ workflow }) => workflow));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(["gated", "silent", "silent", "silent", "silent", "silent"]);

  const items = async (query: string) =>
    (await gateway.get(`${agent}/instances?${query}`)).json<{ items: { status: string }[] }>().items;
  expect((await items("status=waiting")).map(({ status }) => status)).toEqual(["waiting"]);
  expect(await items("workflow=silent")).toHaveLength(5);
  expect(await items("status=waiting&workflow=silent")).toEqual([]);
});

test("declared methods are called, and state is read", async () => {
  const agent = "/agents/workshop/methods";
  expect((await gateway.get(agent)).status).toBe(404);
  const opened = await gateway.post(`${agent}/methods/open`, { motto: "measure twice" });
  expect([opened.status, opened.json()]).toEqual([200, { motto: "measure twice" }]);
  expect((await gateway.get(`${agent}/state`)).json()).toMatchObject({ state: { motto: "measure twice" } });
  expect((await gateway.get(agent)).json()).toMatchObject({
    agent: "workshop",
    name: "methods",
    path: agent,
  });
});
