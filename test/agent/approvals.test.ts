import { describe, expect, test } from "vitest";
import { type Closing, type Question, toStandingDecision } from "../../src/gateway/agent/approvals.ts";
import { Approval, OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import { StandingDecision } from "../../src/gateway/contract/problem.ts";
import { AGENT, NOON, openDesk } from "./stand-ins.ts";

const question: Question = {
  stepName: "manager",
  occurrence: 1,
  summary: "Pay?",
  details: { amount: 5 },
  deadline: NOON + 60_000,
};
const approved: Closing = { status: "approved", decidedBy: "ada", reason: "fine", metadata: { note: "n" } };
const rejected: Closing = { status: "rejected", decidedBy: "bob", reason: "no", metadata: null };

function open() {
  const desk = openDesk();
  const instance = desk.accept("r-1");
  const { approvals } = desk.records;
  const ask = (changes: Partial<Question> = {}, attempt = 1) =>
    approvals.open({ ...instance, attempt }, { ...question, ...changes }, NOON);
  return { approvals, ask, desk };
}

describe("a gate", () => {
  test("is opened once for a question, however often a replay asks it", () => {
    const { approvals, ask } = open();
    const first = ask();
    const again = ask({ summary: "Pay now?", deadline: NOON + 99 });
    expect([first.isNew, again.isNew]).toEqual([true, false]);
    expect(again.gate).toEqual(first.gate);
    expect(approvals.pendingOf("r-1")).toHaveLength(1);
  });

  test("is another one for another step, for the next use of the same step, and for the next attempt", () => {
    const { ask } = open();
    const gates = [ask(), ask({ stepName: "legal" }), ask({ occurrence: 2 }), ask({}, 2)];
    expect(gates.map(({ isNew }) => isNew)).toEqual([true, true, true, true]);
    expect(new Set(gates.map(({ gate }) => gate.id)).size).toBe(4);
    expect(new Set(gates.map(({ gate }) => gate.event_type)).size).toBe(4);
  });

  test("still gives the closed gate to a replay that asks again, and does not open it again", () => {
    const { approvals, ask } = open();
    const { gate } = ask();
    approvals.close(gate.id, approved, NOON + 1);
    const again = ask();
    expect(again.isNew).toBe(false);
    expect(again.gate).toMatchObject({ id: gate.id, status: "approved" });
  });

  test("is closed once: the first decision stands, whoever comes second gets nothing", () => {
    const { approvals, ask } = open();
    const { gate } = ask();
    expect(approvals.close(gate.id, approved, NOON + 1)).toMatchObject({
      status: "approved",
      decided_by: "ada",
    });
    expect(approvals.close(gate.id, rejected, NOON + 2)).toBeUndefined();
    expect(approvals.close(gate.id, approved, NOON + 3)).toBeUndefined();
    expect(approvals.find(gate.id)).toMatchObject({
      status: "approved",
      decided_by: "ada",
      decided_at: NOON + 1,
      reason: '"fine"',
    });
  });

  test("that is not there is not closed, and closing one leaves the others open", () => {
    const { approvals, ask } = open();
    const [first, second] = [ask().gate, ask({ occurrence: 2 }).gate];
    expect(approvals.close("apr_x", approved, NOON)).toBeUndefined();
    approvals.close(first.id, approved, NOON);
    expect(approvals.pendingOf("r-1").map(({ id }) => id)).toEqual([second.id]);
  });
});

test("open gates are counted, and those of an instance are told oldest first", () => {
  const { approvals, ask, desk } = open();
  const [first, second] = [ask({ stepName: "z" }).gate, ask({ stepName: "a" }).gate];
  approvals.open(desk.accept("r-2"), question, NOON);
  expect(approvals.countPending()).toBe(3);
  expect(approvals.pendingOf("r-1").map(({ id }) => id)).toEqual([first.id, second.id]);
  approvals.close(first.id, rejected, NOON);
  expect(approvals.countPending()).toBe(2);
  expect(approvals.pendingOf("nobody")).toEqual([]);
});

describe("a gate as clients see it", () => {
  test("matches the contract, open and closed", () => {
    const { approvals, ask } = open();
    const { gate } = ask();
    expect(approvals.view(gate)).toEqual({
      id: gate.id,
      instanceId: "r-1",
      workflow: "refund",
      agent: AGENT,
      attempt: 1,
      stepName: "manager",
      occurrence: 1,
      summary: "Pay?",
      details: { amount: 5 },
      metadataSchema: null,
      ...OPEN_TERMS,
      votes: [],
      status: "pending",
      requestedAt: "2026-04-01T12:00:00.000Z",
      deadline: "2026-04-01T12:01:00.000Z",
      decidedBy: null,
      decidedVia: null,
      decidedAt: null,
      reason: null,
      shown: null,
      metadata: null,
      links: {
        self: `${AGENT}/approvals/${gate.id}`,
        instance: `${AGENT}/instances/r-1`,
        approve: `${AGENT}/approvals/${gate.id}/approve`,
        reject: `${AGENT}/approvals/${gate.id}/reject`,
      },
    });
    const closed = approvals.close(gate.id, approved, NOON + 1);
    expect(closed && approvals.view(closed)).toMatchObject({
      status: "approved",
      decidedBy: "ada",
      metadata: { note: "n" },
    });
    for (const row of [gate, closed])
      expect(row && Approval.safeParse(approvals.view(row)).error).toBeUndefined();
  });

  test("says what people wrote as they wrote it, also what is no Unicode", () => {
    const { approvals, ask } = open();
    const text = "\uD800 a\u0000b \uDFFF";
    const { gate } = ask({ summary: text });
    const closed = approvals.close(gate.id, { ...approved, reason: text }, NOON);
    expect(closed && approvals.view(closed)).toMatchObject({ summary: text, reason: text });
    expect(closed && toStandingDecision(closed)).toMatchObject({ reason: text });
  });

  test("does not show the event that the engine waits for: whoever knew it could decide past the gateway", () => {
    const { approvals, ask } = open();
    const { gate } = ask();
    expect(JSON.stringify(approvals.view(gate))).not.toContain(gate.event_type);
  });

  test("has an id that the address of an approval takes", () => {
    expect(open().ask().gate.id).toMatch(/^apr_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  test("tells whoever comes late how it was decided, and nothing while it is open", () => {
    const { approvals, ask } = open();
    const { gate } = ask();
    expect(toStandingDecision(gate)).toBeUndefined();
    const closed = approvals.close(gate.id, rejected, NOON);
    const standing = closed && toStandingDecision(closed);
    expect(StandingDecision.parse(standing)).toEqual({
      approvalId: gate.id,
      status: "rejected",
      decidedBy: "bob",
      decidedAt: "2026-04-01T12:00:00.000Z",
      reason: "no",
    });
  });
});

test("gates are listed newest first, in pages, by status", () => {
  const { approvals, ask } = open();
  const gates = [1, 2, 3, 4].map((occurrence) => ask({ occurrence }).gate.id);
  approvals.close(gates[1] ?? "", approved, NOON);
  const list = (status: ("pending" | "approved")[], cursor?: string) =>
    approvals.list({ status, limit: 2, cursor });
  const first = list(["pending"]);
  expect(first.items.map(({ occurrence }) => occurrence)).toEqual([4, 3]);
  const second = list(["pending"], first.nextCursor ?? undefined);
  expect(second.items.map(({ occurrence }) => occurrence)).toEqual([1]);
  expect(second.nextCursor).toBeNull();
  expect(list(["approved"]).items.map(({ occurrence }) => occurrence)).toEqual([2]);
  expect(list(["approved", "pending"]).items.map(({ occurrence }) => occurrence)).toEqual([4, 3]);
});
