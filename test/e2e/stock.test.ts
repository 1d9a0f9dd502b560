import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until, untilStatus } from "../support/until.ts";

/** A workflow whose class is the SDK's own `AgentWorkflow`. */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/adopted/gateway.jsonc");
});
afterAll(() => gateway.harness.close());

type Ends = "told" | "untold" | "failed" | "caught";

async function start(agent: string, id: string, ends: Ends): Promise<string> {
  const started = await gateway.post(`${agent}/workflows/return`, { id, params: { ends } });
  expect(started.status, started.text).toBe(202);
  return `${agent}/instances/${id}`;
}

/** Decides as soon as the engine says that the run waits. */
async function decide(self: string, decision: "approve" | "reject", body: object = {}): Promise<void> {
  await until(
    () => gateway.post(`${self}/${decision}`, body),
    ({ status }) => status === 200,
  );
}

const eventsOf = async (self: string) =>
  (await gateway.get(`${self}/events`, { accept: "application/json" })).json<{
    items: { type: string; data: Record<string, unknown> }[];
    ended: boolean;
  }>();
const callbacksOf = async (agent: string): Promise<string[]> =>
  (await gateway.post(`${agent}/methods/look`, {})).json<{ callbacks: string[] }>().callbacks;

describe.each([
  ["an agent", "/agents/shop/stock"],
  ["a sub-agent", "/agents/shop/stock/sub/counter/till"],
])("a stock workflow on %s", (_, agent) => {
  test("shows what it waits for, is decided once, and tells progress, events and its end", async () => {
    const self = await start(agent, "r-told", "told");
    const waiting = await untilStatus(() => gateway.get(self), "waiting");
    expect(waiting.json()).toMatchObject({
      waitingFor: { type: "approval", stepName: "clerk" },
      progress: { step: "inspected" },
    });
    const approvals = await gateway.get(`${agent}/approvals?status=pending`);
    expect(approvals.json()).toMatchObject({ items: [{ instanceId: "r-told", stepName: "clerk" }] });

    const metadata = { note: "fine" };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => gateway.post(`${self}/approve`, { metadata })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409, 409]);
    const ended = await untilStatus(() => gateway.get(self), "complete");
    // The class sees its own parameters, and nothing of ours.
    expect(ended.json()).toMatchObject({ output: { note: "fine", params: ["ends"] } });

    const { items, ended: isOver } = await eventsOf(self);
    expect(isOver).toBe(true);
    expect(items.map(({ type }) => type)).toEqual([
      "instance.queued",
      "instance.started",
      "instance.progress",
      "instance.progress",
      "instance.waiting",
      "approval.requested",
      "approval.decided",
      "instance.event",
      "instance.completed",
    ]);
    expect((await callbacksOf(agent)).filter((told) => told.includes("r-told"))).toEqual([
      'progress RETURN r-told {"step":"received"}',
      'progress RETURN r-told {"step":"inspected"}',
      'event RETURN r-told {"refunded":"fine"}',
      'complete RETURN r-told {"note":"fine","params":["ends"]}',
    ]);
  });

  test("that tells no end has one all the same", async () => {
    const self = await start(agent, "r-untold", "untold");
    await decide(self, "approve", { metadata: { note: "fine" } });
    const ended = await untilStatus(() => gateway.get(self), "complete");
    expect(ended.json()).toMatchObject({ output: { params: ["ends"] } });
  });

  test("that fails is errored, as the engine says it", async () => {
    const self = await start(agent, "r-failed", "failed");
    await decide(self, "approve", { metadata: { note: "fine" } });
    const ended = await untilStatus(() => gateway.get(self), "errored");
    expect(ended.json()).toMatchObject({ error: { name: "RangeError", message: "the till is empty" } });
    expect(await callbacksOf(agent)).toContain("error RETURN r-failed the till is empty");
  });

  test("that says it failed, and goes on, has not failed", async () => {
    const self = await start(agent, "r-caught", "caught");
    await decide(self, "reject", { reason: "used" });
    const ended = await untilStatus(() => gateway.get(self), "complete");
    expect(ended.json()).toMatchObject({ output: { note: "none" } });
    const { items } = await eventsOf(self);
    expect(items.map(({ type }) => type)).not.toContain("instance.errored");
  });

  test("is paused without an error, tells nothing twice when it goes on, and is restarted", async () => {
    const self = await start(agent, "r-paused", "told");
    await untilStatus(() => gateway.get(self), "waiting");
    expect((await gateway.post(`${self}/pause`)).status).toBe(202);
    await untilStatus(() => gateway.get(self), "paused");
    expect((await gateway.post(`${self}/resume`)).status).toBe(202);
    await untilStatus(() => gateway.get(self), "waiting");

    expect((await gateway.post(`${self}/restart`, {})).status).toBe(202);
    const again = await until(
      () => gateway.get(self),
      ({ text }) => text.includes('"waiting"'),
    );
    expect(again.json()).toMatchObject({ attempt: 2, waitingFor: { stepName: "clerk" } });
    await decide(self, "approve", { metadata: { note: "fine" } });
    await untilStatus(() => gateway.get(self), "complete");

    const { items } = await eventsOf(self);
    const types = items.map(({ type }) => type);
    expect(types).not.toContain("instance.errored");
    const restarted = types.indexOf("instance.restarted");
    for (const attempt of [types.slice(0, restarted), types.slice(restarted)]) {
      expect(attempt.filter((type) => type === "instance.progress")).toHaveLength(2);
    }
    expect((await callbacksOf(agent)).filter((told) => told.startsWith("error RETURN r-paused"))).toEqual([]);
  });
});
