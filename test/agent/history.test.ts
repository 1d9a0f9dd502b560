import { describe, expect, test } from "vitest";
import { OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import type { ApprovalRow } from "../../src/gateway/agent/approvals.ts";
import type { EngineHistory, EngineWait } from "../../src/gateway/agent/engine-history.ts";
import { recordHistory } from "../../src/gateway/agent/history.ts";
import { type Desk, force, NOON, openDesk, refund, RefundEvent } from "./stand-ins.ts";

const wait = (more: Partial<EngineWait> = {}): EngineWait => ({
  stepName: "manager",
  occurrence: 1,
  eventType: "approval",
  since: NOON - 1000,
  deadline: null,
  state: "open",
  ...more,
});

/** An instance of which only the engine knows where it waits. */
function openUnheard() {
  const desk = openDesk();
  desk.accept("r-1");
  desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { voice: "adopted" }, NOON));
  const look = (waits: readonly EngineWait[], more: Partial<EngineHistory> = {}): void => {
    const history = { params: undefined, startedAt: NOON - 2000, waits, ...more };
    desk.records.change(() => recordHistory(desk.records, desk.row("r-1"), history, refund, NOON));
  };
  /** From now on its run tells itself. */
  const hear = (): void => {
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { voice: "gateway" }, NOON));
  };
  return { desk, look, hear };
}
const waitingFor = (desk: Desk): unknown => JSON.parse(desk.row("r-1").waiting_for ?? "null");
const gates = ({ records }: Desk) =>
  records.store.rows<ApprovalRow>("SELECT * FROM switchyard_approvals ORDER BY ordinal");

describe("a look at a run that does not tell", () => {
  test("shows since when it runs, and the gate at which it waits, under the SDK's event type", () => {
    const { desk, look } = openUnheard();
    look([wait()]);
    expect(desk.row("r-1")).toMatchObject({ status: "waiting", started_at: NOON - 2000 });
    expect(waitingFor(desk)).toMatchObject({ type: "approval", stepName: "manager", deadline: null });
    expect(gates(desk)).toMatchObject([
      {
        step_name: "manager",
        occurrence: 1,
        event_type: "approval",
        requested_at: NOON - 1000,
        deadline: null,
      },
    ]);
    expect(desk.types()).toEqual(["instance.started", "instance.waiting", "approval.requested"]);
    expect(desk.published.flat().every((event) => RefundEvent.safeParse(event).success)).toBe(true);
  });

  test("that brings nothing new changes nothing", () => {
    const { desk, look } = openUnheard();
    look([wait(), wait({ stepName: "parcel", eventType: "parcel-arrived" })]);
    const before = desk.row("r-1");
    desk.published.length = 0;
    look([wait(), wait({ stepName: "parcel", eventType: "parcel-arrived" })]);
    expect(desk.row("r-1")).toEqual(before);
    expect(desk.published.flat()).toEqual([]);
  });

  test.each([
    ["an event", { eventType: "parcel-arrived" }, { type: "event", eventType: "parcel-arrived" }],
    ["a time", { eventType: undefined, deadline: NOON + 60_000 }, { type: "time" }],
  ] as const)("shows that it waits for %s, and no more once that is over", (_, more, shown) => {
    const { desk, look } = openUnheard();
    look([wait(more)]);
    expect(waitingFor(desk)).toMatchObject({ ...shown, stepName: "manager" });
    expect(gates(desk)).toEqual([]);
    look([wait({ ...more, state: "over" })]);
    expect(desk.row("r-1").status).toBe("running");
    expect(waitingFor(desk)).toBeNull();
  });

  test.each([
    ["over", "cancelled", "approval.cancelled"],
    ["timed-out", "expired", "approval.expired"],
  ] as const)("closes a gate at which the wait is %s as %s", (state, status, event) => {
    const { desk, look } = openUnheard();
    look([wait()]);
    look([wait({ state })]);
    expect(gates(desk)).toMatchObject([{ status, decided_by: null }]);
    expect(desk.row("r-1").status).toBe("running");
    expect(desk.types()).toContain(event);
  });

  test("leaves a decision as it stands", () => {
    const { desk, look } = openUnheard();
    look([wait()]);
    const [gate] = gates(desk);
    const closing = { status: "approved", decidedBy: "ada", reason: null, metadata: null } as const;
    desk.records.approvals.close(gate?.id ?? "", closing, NOON);
    for (const state of ["open", "over"] as const) look([wait({ state })]);
    expect(gates(desk)).toMatchObject([{ status: "approved", decided_by: "ada" }]);
  });

  test("tells an instance that has ended nothing", () => {
    const { desk, look } = openUnheard();
    force(desk, "r-1", "complete");
    look([wait()]);
    expect([gates(desk), desk.published.flat()]).toEqual([[], []]);
  });
});

describe("a run that tells after it was looked at", () => {
  test("asks at the very gate that was seen, and is given the type under which it waits", () => {
    const { desk, look, hear } = openUnheard();
    look([wait()]);
    hear();
    const [seen] = gates(desk);
    expect(desk.ask("r-1")).toEqual({ approvalId: seen?.id, eventType: "approval" });
    expect(gates(desk)).toHaveLength(1);
  });

  test("does not ask at a gate that it had passed", () => {
    const { desk, look, hear } = openUnheard();
    look([wait({ state: "over" })]);
    hear();
    const gate = { stepName: "manager", occurrence: 1, summary: null, details: null, timeoutMs: 1 };
    const report = {
      type: "gate-opened",
      gate: { ...gate, sdkEventType: "approval", terms: OPEN_TERMS },
    } as const;
    expect(desk.report("r-1", report).answer).toEqual({ passed: true, eventType: "approval" });
    expect(gates(desk)).toEqual([]);
  });

  test("makes a gate of a wait whose type nobody had told to be one", () => {
    const { desk, look, hear } = openUnheard();
    look([wait({ eventType: "manager-spoke" })]);
    hear();
    expect(waitingFor(desk)).toMatchObject({ type: "event", eventType: "manager-spoke" });
    expect(desk.ask("r-1")).toMatchObject({ eventType: "manager-spoke" });
    expect(waitingFor(desk)).toMatchObject({ type: "approval" });
  });

  test("waits under the type of the SDK where the engine could not be looked at, and otherwise under one of its own", () => {
    const { desk, hear } = openUnheard();
    expect(desk.ask("r-1", { sdkEventType: "manager-spoke" })).toMatchObject({ eventType: "manager-spoke" });
    hear();
    expect(desk.ask("r-1", { occurrence: 2 }).eventType).toMatch(/^approval-/);
  });

  test("closes a gate that it passes though nobody decided it here", () => {
    const { desk, look, hear } = openUnheard();
    look([wait()]);
    hear();
    const { approvalId } = desk.ask("r-1");
    const decision = { approved: false, reason: "too dear", metadata: undefined };
    for (let n = 0; n < 2; n += 1) desk.report("r-1", { type: "gate-passed", approvalId, decision });
    expect(gates(desk)).toMatchObject([{ status: "rejected", decided_by: null, reason: '"too dear"' }]);
    expect(desk.types().filter((type) => type === "approval.decided")).toHaveLength(1);
  });

  test("lets a gate expire of which nobody knew the deadline", () => {
    const { desk, look, hear } = openUnheard();
    look([wait()]);
    hear();
    const { approvalId } = desk.ask("r-1");
    expect(desk.report("r-1", { type: "gate-timed-out", approvalId }).answer).toBeUndefined();
    expect(gates(desk)).toMatchObject([{ status: "expired" }]);
  });
});
