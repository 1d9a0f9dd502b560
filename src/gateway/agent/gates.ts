import { isTerminal, type WaitingFor } from "../contract/instance";
import type { InstanceEventType } from "../contract/event";
import { type ApprovalRow, type Closing, type Question } from "./approvals";
import { type InstanceRow, iso } from "./ledger";
import type { Records } from "./records";

const CLOSED_EVENT: Record<Closing["status"], InstanceEventType> = {
  approved: "approval.decided",
  rejected: "approval.decided",
  expired: "approval.expired",
  cancelled: "approval.cancelled",
};

const UNDECIDED = { decidedBy: null, reason: null, metadata: null };

/** Opens a gate, and the instance waits for it. Inside a change. */
export function openGate(
  records: Records,
  instance: InstanceRow,
  question: Question,
  now: number,
): ApprovalRow {
  const { gate, isNew } = records.approvals.open(instance, question, now);
  if (isNew) {
    const waiting = showWaiting(records, instance, now);
    records.journal.append(waiting, "approval.requested", { approval: records.approvals.view(gate) }, now);
  }
  return gate;
}

/** Closes a pending gate. Inside a change. @returns the gate as closed, or undefined if it was closed already. */
export function closeGate(
  records: Records,
  instance: InstanceRow,
  id: string,
  closing: Closing,
  now: number,
): ApprovalRow | undefined {
  const gate = records.approvals.close(id, closing, now);
  if (gate === undefined) return undefined;
  records.journal.append(
    instance,
    CLOSED_EVENT[closing.status],
    { approval: records.approvals.view(gate) },
    now,
  );
  if (!isTerminal(instance.status)) showWaiting(records, instance, now);
  return gate;
}

/**
 * Closes a pending gate whose deadline has passed. Inside a change.
 *
 * @param unknown what its deadline is taken to be if nobody knows it.
 * @returns whether that was so.
 */
export function expireGate(
  records: Records,
  instance: InstanceRow,
  id: string,
  now: number,
  unknown: number = Number.POSITIVE_INFINITY,
): boolean {
  const deadline = records.approvals.find(id)?.deadline ?? unknown;
  if (deadline > now) return false;
  return closeGate(records, instance, id, { ...UNDECIDED, status: "expired" }, now) !== undefined;
}

/** Cancels the open gates of this attempt of an instance, for which nobody will wait any more. Inside a change. */
export function cancelGates(records: Records, instance: InstanceRow, now: number): void {
  for (const { id, attempt } of records.approvals.pendingOf(instance.id)) {
    if (attempt !== instance.attempt) continue;
    const gate = records.approvals.close(id, { ...UNDECIDED, status: "cancelled" }, now);
    if (gate === undefined) continue;
    records.journal.append(instance, "approval.cancelled", { approval: records.approvals.view(gate) }, now);
  }
}

/**
 * Makes the ledger say what is true: the instance waits for its oldest gate, or else for its oldest wait, or runs; if it is
 * paused, it stays so. That it waits for something else than before is told once. Inside a change.
 */
export function showWaiting(records: Records, instance: InstanceRow, now: number): InstanceRow {
  const [gate] = records.approvals.pendingOf(instance.id);
  const current =
    gate === undefined ? records.waits.current(instance) : { key: gate.id, waitingFor: toWaitingFor(gate) };
  const waitingFor = current?.waitingFor ?? null;
  if (instance.status === "paused") return records.ledger.change(instance, { waitingFor }, now);
  if (current === undefined) return records.ledger.change(instance, { status: "running", waitingFor }, now);
  const waiting = records.ledger.change(instance, { status: "waiting", waitingFor }, now);
  records.journal.append(waiting, "instance.waiting", { waitingFor }, now, `waiting:${current.key}`);
  return waiting;
}

function toWaitingFor(gate: ApprovalRow): WaitingFor {
  return { type: "approval", approvalId: gate.id, stepName: gate.step_name, deadline: iso(gate.deadline) };
}
