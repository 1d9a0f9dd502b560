import { expect } from "vitest";
import type { TestGateway } from "./gateway.ts";
import { untilStatus } from "./until.ts";

export const STATUSES = [
  "queued",
  "running",
  "waiting",
  "paused",
  "complete",
  "errored",
  "terminated",
] as const;
export type Status = (typeof STATUSES)[number];

/** Brings a new instance of an agent into each status. @returns its address. */
export type IntoStatus = Readonly<Record<Status, (agent: string) => Promise<string>>>;

const LATER_SECONDS = 3_600;

/** Starts an instance. @returns its address. */
export async function startInstance(
  gateway: TestGateway,
  agent: string,
  workflow: string,
  body: object,
): Promise<string> {
  const answer = await gateway.post(`${agent}/workflows/${workflow}`, body);
  expect(answer.status, answer.text).toBe(202);
  return answer.json<{ links: { self: string } }>().links.self;
}

/** Instances of the workshop, brought there by the ways of the API alone: they wait at a gate, or are done without one. */
export function intoStatus(gateway: TestGateway): IntoStatus {
  const { reached, start, after } = waysOf(gateway);
  const waiting = (agent: string) => reached(start(agent, "gated", {}), "waiting");
  return {
    queued: (agent) => start(agent, "silent", { answer: 1 }, LATER_SECONDS),
    running: (agent) => reached(start(agent, "patient", { workMs: 1_500 }), "running"),
    waiting,
    paused: after(waiting, "pause", "paused"),
    complete: (agent) => reached(start(agent, "silent", { answer: 1 }), "complete"),
    errored: (agent) => reached(start(agent, "silent", { answer: 1, failWith: "it" }), "errored"),
    terminated: after(waiting, "terminate", "terminated"),
  };
}

/** As {@link intoStatus}: each waits at a gate, waited at one or, where that cannot be, has none. */
export function intoStatusByGate(gateway: TestGateway): IntoStatus {
  const { start, after } = waysOf(gateway);
  const { running, waiting, paused, terminated } = intoStatus(gateway);
  return {
    queued: (agent) => start(agent, "gated", {}, LATER_SECONDS),
    running,
    waiting,
    paused,
    complete: after(waiting, "approve", "complete"),
    errored: after(waiting, "reject", "errored"),
    terminated,
  };
}

/** As {@link intoStatus}: each waits for an event, will wait for one, or has taken those that it takes. */
export function intoStatusByEvent(gateway: TestGateway): IntoStatus {
  const { reached, start, after } = waysOf(gateway);
  const waiting = (agent: string) => reached(start(agent, "patient", {}), "waiting");
  return {
    queued: (agent) => start(agent, "patient", {}, LATER_SECONDS),
    running: intoStatus(gateway).running,
    waiting,
    paused: after(waiting, "pause", "paused"),
    complete: (agent) => reached(start(agent, "patient", { deliveries: 0 }), "complete"),
    errored: (agent) => reached(start(agent, "patient", { deliveries: 0, failWith: "it" }), "errored"),
    terminated: after(waiting, "terminate", "terminated"),
  };
}

function waysOf(gateway: TestGateway) {
  const reached = async (starting: Promise<string>, status: Status): Promise<string> => {
    const self = await starting;
    await untilStatus(() => gateway.get(self), status);
    return self;
  };
  return {
    reached,
    start: (agent: string, workflow: string, params: object, delay = 0) =>
      startInstance(gateway, agent, workflow, { params, delay }),
    after:
      (before: (agent: string) => Promise<string>, action: string, status: Status) =>
      async (agent: string) => {
        const self = await before(agent);
        await gateway.post(`${self}/${action}`, action === "pause" ? undefined : {});
        return reached(Promise.resolve(self), status);
      },
  };
}
