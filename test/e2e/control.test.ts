import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { type IntoStatus, intoStatus, startInstance } from "../support/statuses.ts";
import { openStream } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

const AGENTS = {
  "an agent": "/agents/workshop/control",
  "a sub-agent": "/agents/workshop/control/sub/bench/b",
};

let gateway: TestGateway;
let into: IntoStatus;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  into = intoStatus(gateway);
});
afterAll(() => gateway.harness.close());

const start = (agent: string, workflow: string, body: object): Promise<string> =>
  startInstance(gateway, agent, workflow, body);
const act = (self: string, action: string): Promise<Answer> =>
  gateway.post(`${self}/${action}`, action === "restart" ? {} : undefined);
const statusOf = (answer: Answer): string => answer.json<{ status: string }>().status;

describe.each(Object.entries(AGENTS))("on %s", (_, agent) => {
  test("a pause inside a step is reached when the step is done, without being asked again, and is no error", async () => {
    const self = await into.running(agent);
    await using stream = await openStream(gateway, `${self}/events`);
    await gateway.post(`${self}/pause`);
    await stream.until("instance.paused");
    expect(statusOf(await gateway.get(self))).toBe("paused");
    await gateway.post(`${self}/resume`);
    await stream.until("instance.resumed");
    await untilStatus(() => gateway.get(self), "waiting");
    await gateway.post(`${self}/events`, { type: "parcel-arrived", payload: { parcel: "a" } });
    await stream.closed;
    const types = stream.received.map(({ event }) => event);
    expect(types).not.toContain("instance.errored");
    expect(types.slice(-2)).toEqual(["instance.completed", "stream.end"]);
  });

  test("a restart is a new attempt: old gates are cancelled, the stream goes on, and it ends complete", async () => {
    const self = await into.waiting(agent);
    await using stream = await openStream(gateway, `${self}/events`);
    const waiting = (await gateway.get(self)).json<{ waitingFor: { approvalId: string } }>();
    const { approvalId } = waiting.waitingFor;
    await stream.until("approval.requested");
    await gateway.post(`${self}/restart`, {});
    await untilStatus(() => gateway.get(self), "waiting");
    expect((await gateway.get(`${agent}/approvals/${approvalId}`)).json()).toMatchObject({
      status: "cancelled",
    });
    expect((await gateway.post(`${agent}/approvals/${approvalId}/approve`, {})).status).toBe(409);
    await gateway.post(`${self}/approve`, { metadata: { signature: "second" } });
    await stream.closed;
    const told = stream.received.filter(({ event }) => !event?.startsWith("stream."));
    expect(told.map(({ event, data }) => `${event} ${data.attempt}`)).toEqual([
      "instance.queued 1",
      "instance.started 1",
      "instance.waiting 1",
      "approval.requested 1",
      "approval.cancelled 1",
      "instance.restarted 2",
      "instance.started 2",
      "instance.waiting 2",
      "approval.requested 2",
      "approval.decided 2",
      "instance.completed 2",
    ]);
    expect((await gateway.get(self)).json()).toMatchObject({
      attempt: 2,
      output: { signatures: ["second"] },
    });
  });

  test("a repeat under a key is answered as the first time, and does nothing to what came since", async () => {
    const self = await into.waiting(agent);
    const terminate = () => gateway.post(`${self}/terminate`, {}, { "idempotency-key": `end-${self}` });
    const first = await terminate();
    expect(first.json(), first.text).toMatchObject({ status: "terminated" });
    await gateway.post(`${self}/restart`, {});
    await untilStatus(() => gateway.get(self), "waiting");
    const again = await terminate();
    expect([again.status, again.json()]).toEqual([first.status, first.json()]);
    expect(statusOf(await gateway.get(self))).toBe("waiting");
    await gateway.request("DELETE", `${self}?force=true`);
    expect((await terminate()).json()).toEqual(first.json());
  });

  test("a restart from a step keeps what was done before it", async () => {
    const self = await start(agent, "gated", { params: { gates: ["one", "two"] } });
    await untilStatus(() => gateway.get(self), "waiting");
    await gateway.post(`${self}/approve`, { metadata: { signature: "kept" } });
    await atStep(self, "two");
    await gateway.post(`${self}/reject`, { reason: "not yet" });
    await untilStatus(() => gateway.get(self), "errored");
    await gateway.post(`${self}/restart`, { from: { name: "two" } });
    await atStep(self, "two");
    await gateway.post(`${self}/approve`, { metadata: { signature: "new" } });
    expect((await untilStatus(() => gateway.get(self), "complete")).json()).toMatchObject({
      attempt: 2,
      output: { signatures: ["kept", "new"] },
    });
  });

  test("a restart from a step that never was ends the instance, and says why", async () => {
    const self = await into.complete(agent);
    await gateway.post(`${self}/restart`, { from: { name: "no such step" } });
    const ended = await untilStatus(() => gateway.get(self), "errored");
    expect(ended.json()).toMatchObject({ attempt: 2, error: { name: "StartError" } });
    await gateway.post(`${self}/restart`, {});
    await untilStatus(() => gateway.get(self), "complete");
  });

  test("a pause that is asked for right after restarts is reached, in the last attempt", async () => {
    const self = await into.waiting(agent);
    const asked = await Promise.all([act(self, "restart"), act(self, "restart"), act(self, "restart")]);
    expect(asked.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect((await act(self, "pause")).status).toBe(202);
    expect((await untilStatus(() => gateway.get(self), "paused")).json()).toMatchObject({ attempt: 4 });
    await act(self, "resume");
    await untilStatus(() => gateway.get(self), "waiting");
    await gateway.post(`${self}/approve`, { metadata: { signature: "last" } });
    expect((await untilStatus(() => gateway.get(self), "complete")).json()).toMatchObject({
      attempt: 4,
      output: { signatures: ["last"] },
    });
  });

  test("nobody decides on a paused instance", async () => {
    const self = await into.paused(agent);
    const answer = await gateway.post(`${self}/approve`, {});
    expect([answer.status, answer.json<{ code: string }>().code]).toEqual([409, "instance_paused"]);
    await gateway.post(`${self}/resume`);
    expect((await gateway.post(`${self}/approve`, {})).status).toBe(200);
    await untilStatus(() => gateway.get(self), "complete");
  });

  test("a delete frees the id, and an active instance needs force", async () => {
    const id = "delete-me";
    const self = await start(agent, "gated", { params: {}, id });
    await untilStatus(() => gateway.get(self), "waiting");
    await using stream = await openStream(gateway, `${self}/events`);
    await stream.until("stream.caught-up");
    expect((await gateway.request("DELETE", self)).status).toBe(409);
    const deleted = await gateway.request("DELETE", `${self}?force=true`);
    expect([deleted.status, deleted.json()]).toEqual([200, { deleted: 1, more: false, nextCursor: null }]);
    await stream.closed;
    for (const path of [self, `${self}/events`]) expect((await gateway.get(path)).status).toBe(404);
    expect((await gateway.get(`${agent}/approvals?status=pending`)).text).not.toContain(id);

    const again = await start(agent, "silent", { params: { answer: 4 }, id });
    expect((await untilStatus(() => gateway.get(again), "complete")).json()).toMatchObject({
      output: { answer: 8 },
    });
    expect((await gateway.request("DELETE", again)).status).toBe(200);
  });

  test("an event is delivered to one that waits, kept for one that will, and refused where that is required", async () => {
    const self = await start(agent, "patient", { params: { workMs: 800, sleepMs: 300, deliveries: 2 } });
    const send = (parcel: unknown, query = "") =>
      gateway.post(`${self}/events${query}`, { type: "parcel-arrived", payload: { parcel } });
    const early = await send("early", "?require=waiting");
    expect([early.status, early.json<{ code: string }>().code]).toEqual([409, "not_waiting"]);
    expect((await send("first")).json()).toEqual({ delivery: "buffered" });
    await until(
      () => gateway.get(self),
      (answer) => answer.json<{ waitingFor?: { type: string } }>().waitingFor?.type === "time",
    );
    await until(
      () => gateway.get(self),
      (answer) =>
        answer.json<{ waitingFor?: { eventType?: string } }>().waitingFor?.eventType === "parcel-arrived",
    );
    const wrong = await send(7);
    expect(wrong.status).toBe(400);
    expect(wrong.json()).toMatchObject({ errors: [{ in: "body", pointer: "/payload/parcel" }] });
    const unknown = await gateway.post(`${self}/events`, { type: "parcel-lost", payload: {} });
    expect(unknown.json()).toMatchObject({ code: "invalid_request", errors: [{ pointer: "/type" }] });
    const delivered = await until(
      () => send("second", "?require=waiting"),
      ({ status }) => status === 200,
    );
    expect(delivered.json()).toEqual({ delivery: "delivered" });
    expect((await untilStatus(() => gateway.get(self), "complete")).json()).toMatchObject({
      output: { parcels: ["first", "second"] },
    });
    expect((await send("late")).status).toBe(409);
  });
});

async function atStep(self: string, stepName: string): Promise<void> {
  await until(
    () => gateway.get(self),
    (answer) => answer.json<{ waitingFor?: { stepName: string } }>().waitingFor?.stepName === stepName,
  );
}
