import { describe, expect, test } from "vitest";
import { cancelGates, closeGate, expireGate, openGate } from "../../src/gateway/agent/gates.ts";
import type { Question } from "../../src/gateway/agent/approvals.ts";
import { type Desk, force, NOON, openDesk, RefundEvent } from "./stand-ins.ts";

const approved = { status: "approved", decidedBy: "ada", reason: null, metadata: { note: "n" } } as const;

/** An instance that runs, with a gate for each step name. */
function deskAt(...stepNames: string[]) {
  const desk = openDesk();
  desk.accept("r-1");
  force(desk, "r-1", "running");
  const gates = stepNames.map((stepName) => open(desk, { stepName }).id);
  return { desk, gates, first: gates[0] ?? "", second: gates[1] ?? "" };
}

function open({ records, row }: Desk, changes: Partial<Question> = {}, now = NOON) {
  const question = {
    stepName: "manager",
    occurrence: 1,
    summary: null,
    details: null,
    deadline: NOON + 1_000,
    ...changes,
  };
  return records.change(() => openGate(records, row("r-1"), question, now));
}
const close = ({ records, row }: Desk, id: string, closing: Parameters<typeof closeGate>[3] = approved) =>
  records.change(() => closeGate(records, row("r-1"), id, closing, NOON));
const expire = ({ records, row }: Desk, id: string, now: number) =>
  records.change(() => expireGate(records, row("r-1"), id, now));
const cancel = ({ records, row }: Desk) => records.change(() => cancelGates(records, row("r-1"), NOON));
const waitsAt = ({ row }: Desk) => {
  const { status, waiting_for: waitingFor } = row("r-1");
  return { status, stepName: (JSON.parse(waitingFor ?? "null") as { stepName: string } | null)?.stepName };
};

describe("an open gate", () => {
  test("makes its instance wait, and both are told", () => {
    const { desk, first } = deskAt("manager");
    expect(desk.row("r-1").status).toBe("waiting");
    expect(JSON.parse(desk.row("r-1").waiting_for ?? "null")).toEqual({
      type: "approval",
      approvalId: first,
      stepName: "manager",
      deadline: "2026-04-01T12:00:01.000Z",
    });
    expect(desk.types()).toEqual(["instance.waiting", "approval.requested"]);
  });

  test("that a replay opens again is told once, and the instance waits as before", () => {
    const { desk, first } = deskAt("manager");
    expect(open(desk).id).toBe(first);
    expect(desk.types()).toEqual(["instance.waiting", "approval.requested"]);
  });

  test("that a replay opens again after its decision does not make the instance wait again", () => {
    const { desk, first } = deskAt("manager");
    close(desk, first);
    open(desk);
    expect(waitsAt(desk)).toEqual({ status: "running", stepName: undefined });
  });

  test("beside another leaves its instance waiting for the older one, and then for itself", () => {
    const { desk, first, second } = deskAt("manager", "legal");
    expect(waitsAt(desk)).toEqual({ status: "waiting", stepName: "manager" });
    close(desk, first);
    expect(waitsAt(desk)).toEqual({ status: "waiting", stepName: "legal" });
    close(desk, second);
    expect(waitsAt(desk)).toEqual({ status: "running", stepName: undefined });
    expect(desk.types()).toEqual([
      "instance.waiting",
      "approval.requested",
      "approval.requested",
      "approval.decided",
      "instance.waiting",
      "approval.decided",
    ]);
  });

  test("that is decided before the older one leaves its instance waiting for that", () => {
    const { desk, second } = deskAt("manager", "legal");
    close(desk, second);
    expect(waitsAt(desk)).toEqual({ status: "waiting", stepName: "manager" });
    expect(desk.types().filter((type) => type === "instance.waiting")).toHaveLength(1);
  });
});

describe("a gate is closed", () => {
  test.each([
    ["approved", "approval.decided"],
    ["rejected", "approval.decided"],
    ["expired", "approval.expired"],
    ["cancelled", "approval.cancelled"],
  ] as const)("as %s, which is told as %s", (status, type) => {
    const { desk, first } = deskAt("manager");
    close(desk, first, { ...approved, status });
    const told = desk.published.flat().at(-1);
    expect(told).toMatchObject({ type, data: { approval: { id: first, status } } });
    expect(desk.published.flat().filter((event) => !RefundEvent.safeParse(event).success)).toEqual([]);
  });

  test("once: what comes later changes nothing and is not told", () => {
    const { desk, first } = deskAt("manager");
    expect(close(desk, first)).toMatchObject({ status: "approved" });
    const told = desk.types();
    expect(close(desk, first, { ...approved, status: "rejected", decidedBy: "bob" })).toBeUndefined();
    expect(expire(desk, first, NOON + 9_999)).toBe(false);
    cancel(desk);
    expect(desk.records.approvals.find(first)).toMatchObject({ status: "approved", decided_by: "ada" });
    expect(desk.types()).toEqual(told);
  });

  test("and an instance that has ended does not come back to life by it", () => {
    const { desk, first } = deskAt("manager");
    force(desk, "r-1", "errored");
    close(desk, first, { ...approved, status: "cancelled" });
    expect(desk.row("r-1").status).toBe("errored");
  });
});

describe("a gate expires", () => {
  test("only when its deadline has come", () => {
    const { desk, first } = deskAt("manager");
    expect(expire(desk, first, NOON + 999)).toBe(false);
    expect(desk.records.approvals.find(first)?.status).toBe("pending");
    expect(waitsAt(desk).status).toBe("waiting");
    expect(expire(desk, first, NOON + 1_000)).toBe(true);
    expect(desk.records.approvals.find(first)).toMatchObject({ status: "expired", decided_by: null });
    expect(waitsAt(desk).status).toBe("running");
  });

  test("never, if it has no deadline", () => {
    const { desk } = deskAt();
    const { id } = open(desk, { deadline: null });
    expect(expire(desk, id, Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  test("not at all, if there is none", () => {
    expect(expire(deskAt("manager").desk, "apr_x", Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

test("all open gates of an instance are cancelled, those of another stay open", () => {
  const { desk, first, second } = deskAt("manager", "legal", "cfo");
  close(desk, second);
  desk.accept("r-2");
  const other = desk.ask("r-2");
  cancel(desk);
  expect(desk.records.approvals.find(first)?.status).toBe("cancelled");
  expect(desk.records.approvals.find(second)?.status).toBe("approved");
  expect(desk.records.approvals.pendingOf("r-1")).toEqual([]);
  expect(desk.records.approvals.find(other.approvalId)?.status).toBe("pending");
});
