import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import {
  type IntoStatus,
  intoStatus,
  intoStatusByEvent,
  intoStatusByGate,
  startInstance,
  type Status,
  STATUSES,
} from "../support/statuses.ts";
import { untilStatus } from "../support/until.ts";

const AGENTS = {
  "an agent": "/agents/workshop/table",
  "a sub-agent": "/agents/workshop/table/sub/bench/b",
};
/** Long enough for a step to be still at it when a test has looked twice. */
const LONG_MS = 600_000;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

/** What an action comes to: the status afterwards, that the instance is gone, the code of a refusal, or that it cannot be asked. */
type Outcome = Status | "gone" | Refused | undefined;
interface Refused {
  readonly refused: string;
}

interface Action {
  /** How its instances come into their status. */
  readonly into: (gateway: TestGateway) => IntoStatus;
  readonly act: (self: string) => Promise<Answer>;
  readonly outcomes: Readonly<Record<Status, Outcome>>;
  /** What the answer says where it acts. */
  readonly says?: (before: Status) => object;
}

const post = (path: string, body?: object) => (self: string) => gateway.post(`${self}/${path}`, body);
/** Decides by the id of the first approval that the instance asked for. */
const decideById = (decision: string) => async (self: string) => {
  const [, agent = "", id = ""] = /^(.*)\/instances\/(.*)$/.exec(self) ?? [];
  const { items } = (await gateway.get(`${agent}/approvals?limit=100`)).json<{
    items: { id: string; instanceId: string }[];
  }>();
  const approval = items.findLast(({ instanceId }) => instanceId === id);
  return gateway.post(`${agent}/approvals/${approval?.id}/${decision}`, {});
};

const CONFLICT = { refused: "status_conflict" };
const PAUSED = { refused: "instance_paused" };
const NO_GATE = { refused: "approval_ambiguous" };
const CLOSED = { refused: "approval_closed" };
const decided = (after: Status, otherwise: Outcome, without: Outcome): Action["outcomes"] => ({
  queued: without,
  running: without,
  waiting: after,
  paused: PAUSED,
  complete: otherwise,
  errored: otherwise,
  terminated: otherwise,
});

const ACTIONS: Readonly<Record<string, Action>> = {
  pause: {
    into: intoStatus,
    act: post("pause"),
    outcomes: {
      queued: "queued",
      running: "paused",
      waiting: "paused",
      paused: "paused",
      complete: CONFLICT,
      errored: CONFLICT,
      terminated: CONFLICT,
    },
  },
  resume: {
    into: intoStatus,
    act: post("resume"),
    outcomes: {
      queued: "queued",
      running: "running",
      waiting: "waiting",
      paused: "waiting",
      complete: CONFLICT,
      errored: CONFLICT,
      terminated: CONFLICT,
    },
  },
  terminate: {
    into: intoStatus,
    act: post("terminate", {}),
    outcomes: {
      queued: "terminated",
      running: "terminated",
      waiting: "terminated",
      paused: "terminated",
      complete: CONFLICT,
      errored: CONFLICT,
      terminated: "terminated",
    },
  },
  restart: {
    into: intoStatus,
    act: post("restart", {}),
    outcomes: {
      queued: "complete",
      running: "waiting",
      waiting: "waiting",
      paused: "waiting",
      complete: "complete",
      errored: "errored",
      terminated: "waiting",
    },
  },
  delete: {
    into: intoStatusByGate,
    act: (self) => gateway.request("DELETE", self),
    outcomes: {
      queued: CONFLICT,
      running: CONFLICT,
      waiting: CONFLICT,
      paused: CONFLICT,
      complete: "gone",
      errored: "gone",
      terminated: "gone",
    },
  },
  "delete by force": {
    into: intoStatusByGate,
    act: (self) => gateway.request("DELETE", `${self}?force=true`),
    outcomes: {
      queued: "gone",
      running: "gone",
      waiting: "gone",
      paused: "gone",
      complete: "gone",
      errored: "gone",
      terminated: "gone",
    },
  },
  "an event": {
    into: intoStatusByEvent,
    act: post("events", { type: "parcel-arrived", payload: { parcel: "p" } }),
    says: (before) => ({ delivery: before === "waiting" ? "delivered" : "buffered" }),
    outcomes: {
      queued: "queued",
      running: "complete",
      waiting: "complete",
      paused: PAUSED,
      complete: CONFLICT,
      errored: CONFLICT,
      terminated: CONFLICT,
    },
  },
  "an event that must be awaited": {
    into: intoStatusByEvent,
    act: post("events?require=waiting", { type: "parcel-arrived", payload: { parcel: "p" } }),
    outcomes: {
      queued: { refused: "not_waiting" },
      running: { refused: "not_waiting" },
      waiting: "complete",
      paused: PAUSED,
      complete: CONFLICT,
      errored: CONFLICT,
      terminated: CONFLICT,
    },
  },
  "an event of another workflow": {
    into: intoStatusByGate,
    act: post("events", { type: "something-else", payload: {} }),
    outcomes: every({ refused: "invalid_request" }),
  },
  approve: {
    into: intoStatusByGate,
    act: post("approve", {}),
    outcomes: decided("complete", NO_GATE, NO_GATE),
    says: () => ({ status: "approved", decidedBy: "api-key" }),
  },
  reject: { into: intoStatusByGate, act: post("reject", {}), outcomes: decided("errored", NO_GATE, NO_GATE) },
  "approve by id": {
    into: intoStatusByGate,
    act: decideById("approve"),
    outcomes: decided("complete", CLOSED, undefined),
  },
  "reject by id": {
    into: intoStatusByGate,
    act: decideById("reject"),
    outcomes: decided("errored", CLOSED, undefined),
  },
};

function every(outcome: Outcome): Action["outcomes"] {
  return Object.fromEntries(STATUSES.map((status) => [status, outcome])) as Action["outcomes"];
}

interface Case extends Action {
  readonly name: string;
  readonly before: Status;
}

/** Every action in every status that comes to a kind of outcome, with that outcome. */
function casesOf<Kind extends Outcome>(
  is: (outcome: Outcome) => outcome is Kind,
): (Case & { outcome: Kind })[] {
  return Object.entries(ACTIONS).flatMap(([name, action]) =>
    STATUSES.flatMap((before) => {
      const outcome = action.outcomes[before];
      return is(outcome) ? [{ ...action, name, before, outcome }] : [];
    }),
  );
}
const isStatus = (outcome: Outcome): outcome is Status => STATUSES.some((status) => status === outcome);
const isGone = (outcome: Outcome): outcome is "gone" => outcome === "gone";
const isRefused = (outcome: Outcome): outcome is Refused => typeof outcome === "object";

/** All that is told of an instance: itself, its journal and the approvals of its agent. */
const read = (path: string): Promise<Answer> => gateway.get(path, { accept: "application/json" });

async function everythingOf(agent: string, self: string): Promise<string[]> {
  const [instance, events, approvals] = await Promise.all([
    read(self),
    read(`${self}/events?limit=100`),
    read(`${agent}/approvals?limit=100`),
  ]);
  // Of this instance alone: the gates of the others expire meanwhile.
  const own = approvals
    .json<{ items: { links: { instance: string } }[] }>()
    .items.filter(({ links }) => links.instance === self);
  return [instance.text, events.text, JSON.stringify(own)];
}

describe.each(Object.entries(AGENTS))("on %s", (_, agent) => {
  test.each(casesOf(isStatus))(
    "$name, of one that is $before: $outcome",
    async ({ name, into, act, before, outcome, says }) => {
      const self = await into(gateway)[before](agent);
      const { attempt } = (await gateway.get(self)).json<{ attempt: number }>();
      const answer = await act(self);
      expect([200, 202], answer.text).toContain(answer.status);
      expect(answer.json()).toMatchObject(says?.(before) ?? {});
      const now = await untilStatus(() => gateway.get(self), outcome);
      expect(now.json()).toMatchObject({ attempt: name === "restart" ? attempt + 1 : attempt });
    },
  );

  test.each(casesOf(isGone))(
    "$name, of one that is $before: nothing is left of it",
    async ({ into, act, before }) => {
      const self = await into(gateway)[before](agent);
      const answer = await act(self);
      expect([answer.status, answer.json()]).toEqual([200, { deleted: 1, more: false, nextCursor: null }]);
      for (const path of [self, `${self}/events`]) expect((await gateway.get(path)).status).toBe(404);
      const id = self.split("/").at(-1);
      for (const list of ["instances", "approvals"])
        expect((await gateway.get(`${agent}/${list}?limit=100`)).text).not.toContain(id);
    },
  );

  test.each(casesOf(isRefused))(
    "$name, of one that is $before, is refused and changes nothing",
    async ({ into, act, before, outcome: { refused } }) => {
      const self =
        before === "running"
          ? await startInstance(gateway, agent, "patient", { params: { workMs: LONG_MS } })
          : await into(gateway)[before](agent);
      await untilStatus(() => gateway.get(self), before);
      const was = await everythingOf(agent, self);
      const answer = await act(self);
      expect(answer.status).toBe(refused === "invalid_request" ? 400 : 409);
      expect(answer.json()).toMatchObject({
        code: refused,
        ...(refused === "status_conflict" ? { instanceStatus: before } : {}),
      });
      expect(await everythingOf(agent, self)).toEqual(was);
    },
  );
});
