import { describe, expect, test } from "vitest";
import { OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import { applyControl } from "../../src/gateway/agent/controls.ts";
import { toInstance } from "../../src/gateway/agent/ledger.ts";
import type { Due, Message } from "../../src/gateway/agent/outbox.ts";
import type { Control } from "../../src/gateway/contract/control.ts";
import { InstanceStatus, TERMINAL_STATUSES } from "../../src/gateway/contract/instance.ts";
import {
  AGENT,
  type Desk,
  force,
  NOON,
  openDesk,
  problemOf,
  RefundEvent,
  RefundInstance,
} from "./stand-ins.ts";

const LATER = NOON + 5_000;
const pause: Control = { action: "pause" };
const resume: Control = { action: "resume" };
const terminate: Control = { action: "terminate", rollback: false };
const restart: Control = { action: "restart", resetClock: true };
const restartFrom = (from: Extract<Control, { action: "restart" }>["from"]): Control => ({
  action: "restart",
  resetClock: true,
  from,
});

const apply = ({ records, row }: Desk, control: Control, now = LATER): boolean =>
  records.change(() => applyControl(records, row("r-1"), control, now));

/** Everything that is still to be told, in order; the outbox is empty afterwards. */
function drain({ records: { outbox } }: Desk): Due[] {
  const messages: Due[] = [];
  for (let [next] = outbox.due(Infinity, 1); next !== undefined; [next] = outbox.due(Infinity, 1)) {
    messages.push(next);
    outbox.remove(next);
  }
  return messages;
}
const kindsLeft = (desk: Desk): string[] => drain(desk).map(({ kind }) => kind);

/** An instance in a status; nothing is told of it yet, and nothing is left to tell. */
function deskIn(status: InstanceStatus): Desk {
  const desk = openDesk();
  desk.accept("r-1");
  force(desk, "r-1", status);
  return desk;
}

/** An instance that waits at gates of these names. */
function deskAt(...stepNames: string[]): Desk {
  const desk = deskIn("running");
  for (const stepName of stepNames) desk.ask("r-1", { stepName });
  desk.published.length = 0;
  return desk;
}

function add({ records }: Desk, ...messages: Message[]): void {
  records.change(() => messages.forEach((message) => records.outbox.add(message, NOON)));
}
const event = (type = "x"): Message => ({
  kind: "event",
  instanceId: "r-1",
  payload: { type, payload: null },
});
const create: Message = { kind: "create", instanceId: "r-1", payload: { params: { orderId: "o" } } };
/** One message of each kind that an instance on record can have, but for its creation. */
const ONE_OF_EACH: Message[] = [
  event(),
  { kind: "pause", instanceId: "r-1", payload: {} },
  { kind: "resume", instanceId: "r-1", payload: {} },
  { kind: "terminate", instanceId: "r-1", payload: { rollback: false } },
  { kind: "restart", instanceId: "r-1", payload: { from: undefined, attempt: 2 } },
];
const KINDS = ["event", "pause", "resume", "terminate", "restart"];

/** What stored JSON says; nothing stored says null. */
const valueOf = (text: string | null): unknown => JSON.parse(text ?? "null");

/** Every action in every status. */
const TABLE = {
  pause: {
    acts: ["queued", "running", "waiting"],
    isDone: ["paused"],
    isRefused: ["complete", "errored", "terminated"],
  },
  resume: {
    acts: ["paused"],
    isDone: ["queued", "running", "waiting"],
    isRefused: ["complete", "errored", "terminated"],
  },
  terminate: {
    acts: ["queued", "running", "waiting", "paused"],
    isDone: ["terminated"],
    isRefused: ["complete", "errored"],
  },
  restart: {
    acts: ["queued", "running", "waiting", "paused", "complete", "errored", "terminated"],
    isDone: [],
    isRefused: [],
  },
} as const satisfies Record<Control["action"], Record<string, readonly InstanceStatus[]>>;
const casesOf = (outcome: "acts" | "isDone" | "isRefused"): (readonly [InstanceStatus, Control])[] =>
  [pause, resume, terminate, restart].flatMap((control) =>
    TABLE[control.action][outcome].map((status) => [status, control] as const),
  );

describe("what is asked of an instance", () => {
  test("has an outcome in each status", () => {
    const cases = [...casesOf("acts"), ...casesOf("isDone"), ...casesOf("isRefused")];
    const named = cases.map(([status, { action }]) => `${action} ${status}`);
    expect(new Set(named).size).toBe(4 * InstanceStatus.options.length);
  });

  test.each(casesOf("acts"))("that is %s acts, and is sent last: $1.action", (status, control) => {
    const desk = deskIn(status);
    add(desk, event());
    const before = desk.row("r-1");
    apply(desk, control);
    expect(desk.row("r-1")).not.toEqual(before);
    expect(kindsLeft(desk).at(-1)).toBe(control.action);
  });

  test.each(casesOf("isDone"))("that is %s already changes nothing: $1.action", (status, control) => {
    const desk = deskIn(status);
    add(desk, ...ONE_OF_EACH);
    const before = desk.row("r-1");
    apply(desk, control);
    expect(desk.row("r-1")).toEqual(before);
    expect(desk.types()).toEqual([]);
    expect(kindsLeft(desk)).toEqual(KINDS);
  });

  test.each(casesOf("isRefused"))(
    "that is %s is refused, and changes nothing: $1.action",
    (status, control) => {
      const desk = deskIn(status);
      add(desk, ...ONE_OF_EACH);
      const before = desk.row("r-1");
      const { code, extras } = problemOf(() => apply(desk, control));
      expect([code, extras.instanceStatus]).toEqual(["status_conflict", status]);
      expect(desk.row("r-1")).toEqual(before);
      expect(desk.types()).toEqual([]);
      expect(kindsLeft(desk)).toEqual(KINDS);
    },
  );

  test("says, when it is refused, in which statuses it would not be", () => {
    expect(problemOf(() => apply(deskIn("complete"), pause)).message).toBe(
      "The instance is complete; to pause it, it must be queued, running, waiting.",
    );
  });

  test.each([
    ["pause", pause, "running", ["event", "resume", "terminate", "restart", "pause"]],
    ["resume", resume, "paused", ["event", "resume", "terminate", "restart", "resume"]],
    ["terminate", terminate, "running", ["terminate", "terminate"]],
    ["restart", restart, "running", ["restart"]],
  ] as const)(
    "leaves of what was still to be told only what it does not overtake: %s",
    (_, control, status, left) => {
      const desk = deskIn(status);
      add(desk, ...ONE_OF_EACH.filter(({ kind }) => kind !== "pause" || control !== pause));
      apply(desk, control);
      expect(kindsLeft(desk)).toEqual(left);
    },
  );

  test.each([pause, terminate, restart])("leaves what other instances are to be told: $action", (control) => {
    const desk = deskIn("running");
    desk.accept("r-2");
    add(desk, ...ONE_OF_EACH.map((message): Message => ({ ...message, instanceId: "r-2" })));
    apply(desk, control);
    expect(drain(desk).filter(({ instanceId }) => instanceId === "r-2")).toHaveLength(KINDS.length);
  });
});

describe("a pause", () => {
  test.each(["queued", "running", "waiting"] as const)(
    "of a %s instance is noted, and not told before the engine has paused it",
    (status) => {
      const desk = deskIn(status);
      apply(desk, pause);
      expect(desk.row("r-1")).toMatchObject({ status, intent: "pause" });
      expect(desk.types()).toEqual([]);
    },
  );

  test("that is asked for twice is sent once", () => {
    const desk = deskIn("running");
    apply(desk, pause);
    apply(desk, pause);
    expect(kindsLeft(desk)).toEqual(["pause"]);
  });

  test("that is not reached yet is called off by a resume: the pause is not sent, and nothing is told", () => {
    const desk = deskIn("running");
    apply(desk, pause);
    apply(desk, resume);
    expect(desk.row("r-1")).toMatchObject({ status: "running", intent: null });
    // The engine may have taken the pause already: so it hears of the resume all the same.
    expect(kindsLeft(desk)).toEqual(["resume"]);
    expect(desk.types()).toEqual([]);
  });

  test("comes after the start that it was asked after", () => {
    const desk = openDesk();
    desk.accept("r-1");
    add(desk, create);
    apply(desk, pause);
    expect(kindsLeft(desk)).toEqual(["create", "pause"]);
  });
});

describe("a resume", () => {
  test("lets a paused instance run, and is told", () => {
    const desk = deskIn("paused");
    apply(desk, resume);
    expect(desk.row("r-1")).toMatchObject({ status: "running", intent: null });
    expect(toInstance(desk.row("r-1"), AGENT)).not.toHaveProperty("waitingFor");
    expect(desk.types()).toEqual(["instance.resumed"]);
  });

  test("lets an instance that was paused at a gate wait there again, which was told before", () => {
    const desk = deskAt("manager");
    const { waiting_for: waitingFor } = desk.row("r-1");
    force(desk, "r-1", "paused");
    apply(desk, resume);
    expect(desk.row("r-1")).toMatchObject({ status: "waiting", waiting_for: waitingFor });
    expect(desk.types()).toEqual(["instance.resumed"]);
  });

  test("tells where an instance waits if it came there while it was paused", () => {
    const desk = deskIn("paused");
    desk.ask("r-1");
    expect(desk.types()).toEqual(["instance.started", "approval.requested"]);
    apply(desk, resume);
    expect(desk.types()).toEqual([
      "instance.started",
      "approval.requested",
      "instance.resumed",
      "instance.waiting",
    ]);
    expect(desk.row("r-1").status).toBe("waiting");
  });
});

describe("a termination", () => {
  test("ends the instance at once, cancels its gates, and is told as its end", () => {
    const desk = deskAt("manager", "legal");
    apply(desk, terminate);
    expect(desk.row("r-1")).toMatchObject({
      status: "terminated",
      intent: null,
      completed_at: LATER,
      check_at: null,
    });
    expect(valueOf(desk.row("r-1").waiting_for)).toBeNull();
    expect(desk.types().toSorted()).toEqual([
      "approval.cancelled",
      "approval.cancelled",
      "instance.terminated",
    ]);
    expect(desk.records.approvals.pendingOf("r-1")).toEqual([]);
    expect(desk.published.flat().filter((told) => !RefundEvent.safeParse(told).success)).toEqual([]);
  });

  test.each([true, false])("says whether the engine rolls back: %j", (rollback) => {
    const desk = deskIn("running");
    apply(desk, { action: "terminate", rollback });
    expect(drain(desk)).toMatchObject([{ kind: "terminate", payload: { rollback } }]);
  });

  test("that is repeated is neither sent nor told again", () => {
    const desk = deskIn("running");
    apply(desk, terminate);
    apply(desk, { action: "terminate", rollback: true });
    expect(drain(desk)).toMatchObject([{ kind: "terminate", payload: { rollback: false } }]);
    expect(desk.types()).toEqual(["instance.terminated"]);
  });

  test("calls off a pause and a restart that are not reached yet", () => {
    for (const control of [pause, restart]) {
      const desk = deskIn("running");
      apply(desk, control);
      apply(desk, terminate);
      expect(desk.row("r-1")).toMatchObject({ status: "terminated", intent: null });
      expect(kindsLeft(desk)).toEqual(["terminate"]);
    }
  });

  test("of an instance whose start was put off makes the engine hear of both now, in order", () => {
    const desk = openDesk();
    desk.accept("r-1");
    desk.records.change(() => desk.records.outbox.add(create, NOON + 3_600_000));
    apply(desk, terminate);
    expect(desk.records.outbox.nextDueAt()).toBe(LATER);
    expect(kindsLeft(desk)).toEqual(["create", "terminate"]);
  });

  test("is not undone by what the run says afterwards", () => {
    const desk = deskIn("running");
    apply(desk, terminate);
    desk.report("r-1", { type: "completed", output: null });
    desk.report("r-1", { type: "progress", key: "p", progress: { percent: 1 } });
    expect(desk.row("r-1")).toMatchObject({ status: "terminated", output: null, progress: null });
    expect(desk.types()).toEqual(["instance.terminated"]);
  });
});

/** An instance that has run, told of progress, and failed or returned. */
function ended(how: "completed" | "failed"): Desk {
  const desk = openDesk();
  desk.accept("r-1");
  desk.report("r-1", { type: "progress", key: "p", progress: { percent: 1 } });
  const error = { name: "Error", message: "no" };
  desk.report(
    "r-1",
    how === "completed"
      ? { type: "completed", output: { refundId: "x" } }
      : { type: "failed", error, announced: false },
  );
  desk.published.length = 0;
  return desk;
}

describe("a restart", () => {
  test.each(["completed", "failed"] as const)(
    "begins an attempt of which nothing is known yet, also of an instance that has %s",
    (how) => {
      const desk = ended(how);
      apply(desk, restart);
      expect(desk.row("r-1")).toMatchObject({
        status: "queued",
        intent: "restart",
        attempt: 2,
        started_at: null,
        completed_at: null,
        check_at: LATER + 60_000,
      });
      const { progress, output, error, waiting_for: waitingFor } = desk.row("r-1");
      expect([progress, output, error, waitingFor].map(valueOf)).toEqual([null, null, null, null]);
      expect(RefundInstance.safeParse(toInstance(desk.row("r-1"), AGENT)).error).toBeUndefined();
    },
  );

  test("is told in the new attempt, with the step that it begins from", () => {
    for (const from of [undefined, { name: "charge" }]) {
      const desk = ended("failed");
      apply(desk, restartFrom(from));
      expect(desk.published.flat()).toMatchObject([
        { type: "instance.restarted", attempt: 2, data: { from: from?.name ?? null } },
      ]);
      expect(RefundEvent.safeParse(desk.published.flat()[0]).error).toBeUndefined();
    }
  });

  test.each([
    [true, LATER],
    [false, NOON],
  ])("sets when it was accepted to now only if that is asked for: %j", (resetClock, createdAt) => {
    const desk = ended("failed");
    apply(desk, { action: "restart", resetClock });
    expect(desk.row("r-1").created_at).toBe(createdAt);
  });

  test("cancels the open gate, and what was decided stays decided", () => {
    const desk = deskAt("manager");
    const { approvalId } = desk.ask("r-1", { stepName: "legal" });
    const [manager] = desk.records.approvals.pendingOf("r-1");
    desk.records.change(() =>
      desk.records.approvals.close(
        approvalId,
        { status: "approved", decidedBy: "ada", reason: null, metadata: null },
        NOON,
      ),
    );
    apply(desk, restart);
    expect(desk.records.approvals.find(manager?.id ?? "")?.status).toBe("cancelled");
    expect(desk.records.approvals.find(approvalId)?.status).toBe("approved");
    expect(desk.types()).toEqual(["approval.requested", "approval.cancelled", "instance.restarted"]);
  });

  test("forgets where the old attempt waited", () => {
    const desk = deskIn("running");
    const wait = { key: "nap:1", stepName: "nap", eventType: undefined, deadline: LATER };
    desk.report("r-1", { type: "wait-began", wait });
    expect(desk.row("r-1").status).toBe("waiting");
    apply(desk, restart);
    expect(desk.records.waits.current(desk.row("r-1"))).toBeUndefined();
    expect(valueOf(desk.row("r-1").waiting_for)).toBeNull();
  });

  test("refuses what the old attempt says, and keeps nothing of it, until the engine has restarted it", () => {
    const desk = deskIn("running");
    apply(desk, restart);
    const before = desk.row("r-1");
    desk.published.length = 0;
    const question = { stepName: "manager", occurrence: 1, summary: null, details: null };
    const gate = { ...question, timeoutMs: 1, sdkEventType: "approval", terms: OPEN_TERMS };
    for (const report of [
      { type: "started" },
      { type: "progress", key: "p", progress: { percent: 1 } },
      { type: "gate-opened", gate },
      { type: "wait-ended", key: "nap:1" },
      { type: "completed", output: null },
      { type: "failed", error: { name: "Error", message: "no" }, announced: false },
    ] as const) {
      expect(problemOf(() => desk.report("r-1", report)).code).toBe("agent_unavailable");
    }
    expect(desk.row("r-1")).toEqual(before);
    expect(desk.published.flat()).toEqual([]);
    expect(desk.records.approvals.pendingOf("r-1")).toEqual([]);

    desk.records.change(() => desk.records.ledger.change(before, { intent: null }, LATER));
    desk.report("r-1", { type: "progress", key: "p", progress: { percent: 1 } });
    expect(desk.published.flat()).toMatchObject([
      { type: "instance.started", attempt: 2 },
      { type: "instance.progress", attempt: 2 },
    ]);
    expect(desk.row("r-1").status).toBe("running");
  });

  test("takes in the new attempt what the old one said in the same words", () => {
    const desk = ended("completed");
    apply(desk, restart);
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { intent: null }, LATER));
    desk.report("r-1", { type: "progress", key: "p", progress: { percent: 1 } });
    desk.report("r-1", { type: "completed", output: null });
    expect(desk.types()).toEqual([
      "instance.restarted",
      "instance.started",
      "instance.progress",
      "instance.completed",
    ]);
  });

  test("of an instance that the engine has not heard of is its start, now: nothing of an old attempt can come", () => {
    const desk = openDesk();
    desk.accept("r-1");
    desk.records.change(() => desk.records.outbox.add(create, NOON + 3_600_000));
    add(desk, event());
    apply(desk, restart);
    expect(desk.row("r-1")).toMatchObject({ status: "queued", intent: null, attempt: 2 });
    expect(desk.records.outbox.nextDueAt()).toBe(LATER);
    expect(kindsLeft(desk)).toEqual(["create"]);
    desk.report("r-1", { type: "started" });
    expect(desk.row("r-1").status).toBe("running");
  });

  test("that is repeated is one more attempt, of which the engine hears once", () => {
    const desk = deskIn("running");
    apply(desk, restart);
    apply(desk, restart);
    expect(desk.row("r-1").attempt).toBe(3);
    expect(kindsLeft(desk)).toEqual(["restart"]);
    expect(desk.types()).toEqual(["instance.restarted", "instance.restarted"]);
  });

  test("keeps a pause that is asked for after it, once, and in that order", () => {
    const desk = deskIn("running");
    apply(desk, restart);
    apply(desk, pause);
    apply(desk, pause);
    expect(desk.row("r-1")).toMatchObject({ status: "queued", intent: "restart" });
    expect(kindsLeft(desk)).toEqual(["restart", "pause"]);
  });

  test("goes on after a resume, which calls off the pause behind it", () => {
    const desk = deskIn("running");
    apply(desk, restart);
    apply(desk, pause);
    apply(desk, resume);
    expect(desk.row("r-1")).toMatchObject({ status: "queued", intent: "restart" });
    expect(kindsLeft(desk)).toEqual(["restart"]);
  });

  test("from a step keeps open the gates that were asked beside or before it: the engine will not ask them again", () => {
    const desk = deskAt("manager");
    const [gate] = desk.records.approvals.pendingOf("r-1");
    apply(desk, restartFrom({ name: "charge" }));
    expect(desk.types()).toEqual(["instance.restarted"]);
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { intent: null }, LATER));
    desk.report("r-1", { type: "started" });
    expect(desk.row("r-1").status).toBe("waiting");
    expect(desk.ask("r-1").approvalId).toBe(gate?.id);
    expect(desk.records.approvals.pendingOf("r-1")).toHaveLength(1);
  });

  test("from a gate cancels that gate alone", () => {
    const desk = deskAt("legal", "manager");
    const [legal, manager] = desk.records.approvals.pendingOf("r-1");
    apply(desk, restartFrom({ name: "manager" }));
    expect(desk.records.approvals.find(manager?.id ?? "")?.status).toBe("cancelled");
    expect(desk.records.approvals.pendingOf("r-1").map(({ id }) => id)).toEqual([legal?.id]);
  });

  test("takes the place of a pause that is not reached yet", () => {
    const desk = deskIn("running");
    apply(desk, pause);
    apply(desk, restart);
    expect(desk.row("r-1").intent).toBe("restart");
    expect(kindsLeft(desk)).toEqual(["restart"]);
  });

  test.each([
    ["the beginning as no point at all", undefined, undefined],
    ["a step by its name", { name: "charge" }, { name: "charge" }],
    [
      "a step by all that is said of it",
      { name: "nap", count: 2, type: "sleep" },
      { name: "nap", count: 2, type: "sleep" },
    ],
    ["a gate as the step that asks it", { name: "manager" }, { name: "__gateway_ask_manager", type: "do" }],
    [
      "a gate that waits as the step that asks it, the same one of several",
      { name: "manager", count: 2, type: "waitForEvent" },
      { name: "__gateway_ask_manager", count: 2, type: "do" },
    ],
    [
      "a step of the author's that only has the name of a gate as it is",
      { name: "manager", type: "do" },
      { name: "manager", type: "do" },
    ],
  ] as const)("gives the engine %s", (_, from, point) => {
    const desk = deskAt("manager");
    apply(desk, restartFrom(from));
    const [message, another] = drain(desk);
    expect(another).toBeUndefined();
    expect(message).toMatchObject({ kind: "restart" });
    expect(message?.payload).toEqual({ attempt: 2, ...(point === undefined ? {} : { from: point }) });
  });

  test("knows gates of earlier attempts, and not those of other instances", () => {
    const desk = deskAt("manager");
    desk.accept("r-2");
    desk.ask("r-2", { stepName: "legal" });
    apply(desk, restart);
    drain(desk);
    apply(desk, restartFrom({ name: "manager" }));
    expect(drain(desk)).toMatchObject([{ payload: { from: { name: "__gateway_ask_manager" } } }]);
    apply(desk, restartFrom({ name: "legal" }));
    expect(drain(desk)).toMatchObject([{ payload: { from: { name: "legal" } } }]);
  });
});

test.each(TERMINAL_STATUSES)("an instance that is %s can only be begun anew", (status) => {
  const refused = [pause, resume].map((control) => problemOf(() => apply(deskIn(status), control)).code);
  expect(refused).toEqual(["status_conflict", "status_conflict"]);
  const desk = deskIn(status);
  apply(desk, restart);
  expect(desk.row("r-1").status).toBe("queued");
});
