import { isTerminal } from "../contract/instance";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import type { EngineHistory, EngineWait } from "./engine-history";
import { closeGate, openGate, showWaiting } from "./gates";
import type { InstanceRow } from "./ledger";
import { begin } from "./reception";
import type { Records } from "./records";
import { waitKey } from "./waits";

/** Why a gate is closed at which the engine waits no more, though nobody decided it here. */
const PASSED_ELSEWHERE = "It was passed without a decision at the gateway.";

/**
 * Takes where a run waits from the engine's history, for a run that does not tell it itself. What is taken has the very names
 * that the run would give it: if it tells later, it is the same gate, or the same wait. Inside a change.
 */
export function recordHistory(
  records: Records,
  row: InstanceRow,
  { startedAt, waits }: EngineHistory,
  workflow: WorkflowDefinition | undefined,
  now: number,
): void {
  if (isTerminal(row.status)) return;
  const instance =
    startedAt !== undefined && row.started_at === null ? begin(records, row, now, startedAt) : row;
  const changed = waits.map((wait) =>
    isGate(wait, workflow) ? recordGate(records, instance, wait, now) : recordWait(records, instance, wait),
  );
  const current = records.ledger.find(instance.id);
  if (changed.includes(true) && current !== undefined) showWaiting(records, current, now);
}

/** The engine does not tell an approval from any other event: its type does. */
function isGate(
  wait: EngineWait,
  workflow: WorkflowDefinition | undefined,
): wait is EngineWait & { readonly eventType: string } {
  return wait.eventType !== undefined && workflow?.approvalEventTypes.includes(wait.eventType) === true;
}

function recordGate(
  records: Records,
  instance: InstanceRow,
  wait: EngineWait & { readonly eventType: string },
  now: number,
): boolean {
  const { stepName, occurrence, eventType, since, state } = wait;
  if (state === "open") {
    const question = { stepName, occurrence, summary: null, details: null, deadline: null };
    openGate(records, instance, { ...question, eventType, requestedAt: since }, now);
    return false;
  }
  const gate = records.approvals.findAsked(instance, stepName, occurrence);
  if (gate === undefined) {
    records.waits.pass(instance, stepName, occurrence, eventType);
    return false;
  }
  const undecided = { decidedBy: null, metadata: null };
  closeGate(
    records,
    instance,
    gate.id,
    state === "timed-out"
      ? { ...undecided, status: "expired", reason: null }
      : { ...undecided, status: "cancelled", reason: PASSED_ELSEWHERE },
    now,
  );
  return false;
}

/** @returns whether it is news. */
function recordWait(records: Records, instance: InstanceRow, wait: EngineWait): boolean {
  const { stepName, occurrence, eventType, deadline, state } = wait;
  const key = waitKey(eventType === undefined ? "time" : "event", stepName, occurrence);
  return state === "open"
    ? records.waits.begin(instance, { key, stepName, eventType, deadline })
    : records.waits.end(instance, key);
}
