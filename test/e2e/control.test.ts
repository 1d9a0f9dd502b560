import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

type Status = "queued" | "running" | "waiting" | "paused" | "complete" | "errored" | "terminated";

const AGENTS = {
  "an agent": "/agents/workshop/control",
  "a sub-agent": "/agents/workshop/control/sub/bench/b",
};
const LATER_SECONDS = 3_600;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const start = async (agent: string, workflow: string, body: object): Promise<string> => {
  const answer = await gateway.post(`${agent}/workflows/${workflow}`, body);
  expect(answer.status, answer.text).toBe(202);
  return answer.json<{ links: { self: string } }>().links.self;
};
const act = (self: string, action: string): Promise<Answer> =>
  gateway.post(`${self}/${action}`, action === "terminate" || action === "restart" ? {} : undefined);
const statusOf = (answer: Answer): string => answer.json<{ status: string }>().status;

/** Brings an instance into a status, by the ways of the API alone. */
const INTO: Record<Status, (agent: string) => Promise<string>> = {
  queued: (agent) => start(agent, "silent", { params: { answer: 1 }, delay: LATER_SECONDS }),
  running: (agent) => reached(start(agent, "patient", { params: { workMs: 1_500 } }), "running"),
  waiting: (agent) => reached(start(agent, "gated", { params: {} }), "waiting"),
  paused: async (agent) => {
    const self = await INTO.waiting(agent);
    await gateway.post(`${self}/pause`);
    return reached(Promise.resolve(self), "paused");
  },
  complete: (agent) => reached(start(agent, "silent", { params: { answer: 1 } }), "complete"),
  errored: (agent) => reached(start(agent, "silent", { params: { answer: 1, failWith: "it" } }), "errored"),
  terminated: async (agent) => {
    const self = await INTO.waiting(agent);
    await gateway.post(`${self}/terminate`, {});
    return reached(Promise.resolve(self), "terminated");
  },
};

async function reached(starting: Promise<string>, status: Status): Promise<string> {
  const self = await starting;
  await untilStatus(() => gateway.get(self), status);
  return self;
}

/** What an action comes to in each status: the status afterwards, or that it is refused. */
const OUTCOMES: Record<string, Record<Status, Status | "409">> = {
  pause: {
    queued: "queued",
    running: "paused",
    waiting: "paused",
    paused: "paused",
    complete: "409",
    errored: "409",
    terminated: "409",
  },
  resume: {
    queued: "queued",
    running: "running",
    waiting: "waiting",
    paused: "waiting",
    complete: "409",
    errored: "409",
    terminated: "409",
  },
  terminate: {
    queued: "terminated",
    running: "terminated",
    waiting: "terminated",
    paused: "terminated",
    complete: "409",
    errored: "409",
    terminated: "terminated",
  },
  restart: {
    queued: "complete",
    running: "waiting",
    waiting: "waiting",
    paused: "waiting",
    complete: "complete",
    errored: "errored",
    terminated: "waiting",
  },
};

describe.each(Object.entries(AGENTS))("on %s", (_, agent) => {
  const cases = Object.entries(OUTCOMES).flatMap(([action, outcomes]) =>
    Object.entries(outcomes).map(([before, after]) => [action, before as Status, after] as const),
  );
  test.each(cases.filter(([, , after]) => after !== "409"))(
    "%s of one that is %s: %s",
    async (action, before, after) => {
      const self = await INTO[before](agent);
      const { attempt } = (await gateway.get(self)).json<{ attempt: number }>();
      const answer = await act(self, action);
      expect(answer.status, answer.text).toBe(202);
      const now = await untilStatus(() => gateway.get(self), after);
      expect(now.json()).toMatchObject({ attempt: action === "restart" ? attempt + 1 : attempt });
    },
  );

  test.each(cases.filter(([, , after]) => after === "409"))(
    "%s of one that is %s is refused, and changes nothing",
    async (action, before) => {
      const self = await INTO[before](agent);
      const was = (await gateway.get(self)).text;
      const answer = await act(self, action);
      expect(answer.status).toBe(409);
      expect(answer.json()).toMatchObject({ code: "status_conflict", instanceStatus: before });
      expect((await gateway.get(self)).text).toBe(was);
    },
  );

  test("a pause inside a step is reached when the step is done, without being asked again, and is no error", async () => {
    const self = await INTO.running(agent);
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
    const self = await INTO.waiting(agent);
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
    const self = await INTO.complete(agent);
    await gateway.post(`${self}/restart`, { from: { name: "no such step" } });
    const ended = await untilStatus(() => gateway.get(self), "errored");
    expect(ended.json()).toMatchObject({ attempt: 2, error: { name: "StartError" } });
    await gateway.post(`${self}/restart`, {});
    await untilStatus(() => gateway.get(self), "complete");
  });

  test("a pause that is asked for right after restarts is reached, in the last attempt", async () => {
    const self = await INTO.waiting(agent);
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
    const self = await INTO.paused(agent);
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
