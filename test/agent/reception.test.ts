import { describe, expect, test } from "vitest";
import { OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import { fail } from "../../src/gateway/agent/endings.ts";
import { closeGate } from "../../src/gateway/agent/gates.ts";
import type { Report } from "../../src/gateway/agent/reports.ts";
import { TERMINAL_STATUSES } from "../../src/gateway/contract/instance.ts";
import { type Desk, force, NOON, openDesk, RefundEvent } from "./stand-ins.ts";

const progress = (percent: number, key = `run:progress:${percent}`): Report => ({
  type: "progress",
  key,
  progress: { percent },
});
const completed: Report = { type: "completed", output: { refundId: "x" } };
const failed = (announced = false): Report => ({
  type: "failed",
  error: { name: "TypeError", message: "no" },
  announced,
});
const gate = {
  stepName: "manager",
  occurrence: 1,
  summary: "Pay?",
  details: null,
  timeoutMs: 60_000,
  sdkEventType: "approval",
  terms: OPEN_TERMS,
};

/** One report of each kind. */
const everyReport: Report[] = [
  { type: "started" },
  progress(0.5),
  { type: "message", key: "m", message: "hello" },
  { type: "event", key: "e", event: { type: "x" } },
  { type: "error", message: "no" },
  { type: "gate-opened", gate },
  { type: "gate-timed-out", approvalId: "apr_x" },
  completed,
  failed(),
];

function running(): Desk {
  const desk = openDesk();
  desk.accept("r-1");
  desk.report("r-1", { type: "started" });
  desk.published.length = 0;
  return desk;
}

describe("the first report", () => {
  test.each(everyReport)("of whatever kind says that the instance runs: $type", (report) => {
    const desk = openDesk();
    desk.accept("r-1");
    desk.report("r-1", report, NOON + 5);
    expect(desk.types()[0]).toBe("instance.started");
    expect(desk.row("r-1")).toMatchObject({ started_at: NOON + 5 });
    expect(desk.row("r-1").status).not.toBe("queued");
  });

  test("is followed by others that do not say so again", () => {
    const desk = openDesk();
    desk.accept("r-1");
    desk.report("r-1", { type: "started" }, NOON);
    desk.report("r-1", { type: "started" }, NOON + 5);
    desk.report("r-1", progress(1), NOON + 5);
    expect(desk.types()).toEqual(["instance.started", "instance.progress"]);
    expect(desk.row("r-1").started_at).toBe(NOON);
  });
});

describe("progress", () => {
  test("is kept as the last progress, told once, and given to the author once", () => {
    const desk = running();
    const first = desk.report("r-1", progress(0.5));
    const again = desk.report("r-1", progress(0.5));
    expect(first.callback).toEqual({ type: "progress", progress: { percent: 0.5 } });
    expect(again.callback).toBeUndefined();
    expect(desk.types()).toEqual(["instance.progress"]);
    expect(desk.row("r-1").progress).toBe('{"percent":0.5}');
  });

  test("that comes again late does not take the place of newer progress", () => {
    const desk = running();
    for (const report of [progress(0.1), progress(0.9), progress(0.1)]) desk.report("r-1", report);
    expect(desk.row("r-1").progress).toBe('{"percent":0.9}');
  });

  test("of a waiting instance leaves it waiting", () => {
    const desk = running();
    desk.ask("r-1");
    desk.report("r-1", progress(0.5));
    expect(desk.row("r-1").status).toBe("waiting");
  });
});

test.each([
  [
    { type: "message", key: "k", message: "hello" },
    "instance.message",
    { message: "hello" },
    { type: "broadcast", message: "hello" },
  ],
  [
    { type: "event", key: "k", event: { a: 1 } },
    "instance.event",
    { event: { a: 1 } },
    { type: "event", event: { a: 1 } },
  ],
] as const)("$type is told once, and given to the author once", (report, type, data, callback) => {
  const desk = running();
  expect(desk.report("r-1", report).callback).toEqual(callback);
  expect(desk.report("r-1", report).callback).toBeUndefined();
  expect(desk.published.flat()).toMatchObject([{ type, data }]);
});

test("an error that the workflow announces goes to the author, and ends nothing", () => {
  const desk = running();
  expect(desk.report("r-1", { type: "error", message: "careful" }).callback).toEqual({
    type: "error",
    error: "careful",
  });
  expect(desk.row("r-1").status).toBe("running");
  expect(desk.types()).toEqual([]);
});

describe("the end", () => {
  test("is complete with the output", () => {
    const desk = running();
    const { callback } = desk.report("r-1", completed, NOON + 9);
    expect(callback).toEqual({ type: "complete", result: { refundId: "x" } });
    expect(desk.row("r-1")).toMatchObject({
      status: "complete",
      output: '{"refundId":"x"}',
      completed_at: NOON + 9,
    });
    expect(desk.published.flat()).toMatchObject([
      { type: "instance.completed", data: { output: { refundId: "x" } } },
    ]);
  });

  test("is errored with what was thrown", () => {
    const desk = running();
    const { callback } = desk.report("r-1", failed(), NOON + 9);
    expect(callback).toEqual({ type: "error", error: "no" });
    expect(desk.row("r-1")).toMatchObject({
      status: "errored",
      error: '{"name":"TypeError","message":"no"}',
      completed_at: NOON + 9,
    });
    expect(desk.published.flat()).toMatchObject([
      { type: "instance.errored", data: { error: { name: "TypeError", message: "no" } } },
    ]);
  });

  test("is not told to the author as an error a second time, if the workflow has announced it", () => {
    const desk = running();
    expect(desk.report("r-1", failed(true)).callback).toBeUndefined();
    expect(desk.row("r-1").status).toBe("errored");
  });

  test.each([completed, failed()])(
    "cancels the gates that are open, and tells so before: $type",
    (report) => {
      const desk = running();
      const { approvalId } = desk.ask("r-1");
      desk.published.length = 0;
      desk.report("r-1", report);
      expect(desk.records.approvals.find(approvalId)?.status).toBe("cancelled");
      expect(desk.row("r-1")).toMatchObject({ status: report.type === "completed" ? "complete" : "errored" });
      const [cancelled, ended] = desk.types();
      expect(cancelled).toBe("approval.cancelled");
      expect(["instance.completed", "instance.errored"]).toContain(ended);
      expect(desk.types()).toHaveLength(2);
    },
  );

  test("of a start that was refused is told like any other", () => {
    const desk = openDesk();
    const queued = desk.accept("r-1");
    desk.records.change(() => fail(desk.records, queued, { name: "StartError", message: "no" }, NOON));
    expect(desk.row("r-1").status).toBe("errored");
    expect(desk.types()).toEqual(["instance.errored"]);
  });

  describe.each(TERMINAL_STATUSES)("%s stands:", (status) => {
    test.each(everyReport)(
      "a report that comes after it changes nothing and is not told: $type",
      (report) => {
        const desk = running();
        const before = force(desk, "r-1", status);
        expect(desk.report("r-1", report, NOON + 99)).toEqual({ answer: undefined, callback: undefined });
        expect(desk.row("r-1")).toEqual(before);
        expect(desk.types()).toEqual([]);
        expect(desk.records.approvals.countPending()).toBe(0);
      },
    );
  });
});

const decide = (
  desk: Desk,
  id: string,
  status: "approved" | "rejected",
  reason: string | null,
  metadata: unknown,
) =>
  desk.records.change(() =>
    closeGate(desk.records, desk.row("r-1"), id, { status, decidedBy: "ada", reason, metadata }, NOON),
  );

const timeOut = (desk: Desk, approvalId: string, now: number) =>
  desk.report("r-1", { type: "gate-timed-out", approvalId }, now).answer;

describe("a gate", () => {
  test("is opened with its deadline, and the workflow learns what to wait for", () => {
    const desk = running();
    const { approvalId, eventType } = desk.ask("r-1", { timeoutMs: 60_000 }, NOON);
    expect(desk.records.approvals.find(approvalId)).toMatchObject({
      step_name: "manager",
      summary: '"Pay?"',
      deadline: NOON + 60_000,
      event_type: eventType,
    });
    expect(desk.types()).toEqual(["instance.waiting", "approval.requested"]);
  });

  test("that is asked for again has the same event type and the old deadline", () => {
    const desk = running();
    const first = desk.ask("r-1", {}, NOON);
    expect(desk.ask("r-1", {}, NOON + 30_000)).toEqual(first);
    expect(desk.records.approvals.find(first.approvalId)?.deadline).toBe(NOON + 60_000);
  });

  test("that timed out has expired, and the workflow is told that nobody decided", () => {
    const desk = running();
    const { approvalId } = desk.ask("r-1");
    expect(timeOut(desk, approvalId, NOON + 60_000)).toBeUndefined();
    expect(desk.records.approvals.find(approvalId)?.status).toBe("expired");
    expect(desk.row("r-1").status).toBe("running");
    expect(desk.types()).toContain("approval.expired");
  });

  test("for which the engine stopped waiting too early is still open", () => {
    const desk = running();
    const { approvalId } = desk.ask("r-1");
    expect(timeOut(desk, approvalId, NOON + 59_999)).toBeUndefined();
    expect(desk.records.approvals.find(approvalId)?.status).toBe("pending");
  });

  test.each([
    ["approved", null, { note: "n" }, { approved: true, reason: undefined, metadata: { note: "n" } }],
    ["rejected", "too much", undefined, { approved: false, reason: "too much", metadata: null }],
  ] as const)(
    "that was %s in the very moment in which it timed out stands so, and the workflow is told",
    (status, reason, metadata, told) => {
      const desk = running();
      const { approvalId } = desk.ask("r-1");
      decide(desk, approvalId, status, reason, metadata);
      expect(timeOut(desk, approvalId, NOON + 60_000)).toEqual(told);
      expect(desk.records.approvals.find(approvalId)?.status).toBe(status);
    },
  );

  test("that nobody knows did not time out", () => {
    expect(timeOut(running(), "apr_x", NOON + 60_000)).toBeUndefined();
  });
});

test("everything that one life tells is as the contract says", () => {
  const desk = openDesk();
  desk.accept("r-1");
  for (const report of everyReport) desk.report("r-1", report, NOON + 60_000);
  expect(desk.types()).toEqual([
    "instance.started",
    "instance.progress",
    "instance.message",
    "instance.event",
    "instance.waiting",
    "approval.requested",
    "approval.cancelled",
    "instance.completed",
  ]);
  expect(desk.published.flat().filter((event) => !RefundEvent.safeParse(event).success)).toEqual([]);
});
