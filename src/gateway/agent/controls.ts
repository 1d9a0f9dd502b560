import { type Control, CONTROLS } from "../contract/control";
import { ProblemError } from "../contract/problem";
import { complete, fail, terminate } from "./endings";
import { type EngineView, isEngineTerminal, type RestartPoint } from "./engine";
import { cancelGates, showWaiting } from "./gates";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";

/**
 * Does what was asked of an instance, as far as the ledger goes, and leaves the rest to the outbox. Inside a change.
 *
 * @returns false if it was so already, or on its way.
 * @throws ProblemError `status_conflict` if the status does not allow it.
 */
export function applyControl(
  records: Records,
  instance: InstanceRow,
  control: Control,
  now: number,
): boolean {
  const { acts, done } = CONTROLS[control.action];
  const callsOffPause = control.action === "resume" && instance.intent === "pause";
  // A pause that waits behind a restart is called off too.
  const callsOffLaterPause =
    control.action === "resume" && instance.intent === "restart" && records.outbox.has(instance.id, "pause");
  if (callsOffLaterPause) records.outbox.drop(instance.id, ["pause"]);
  if (done.includes(instance.status) && !callsOffPause) return callsOffLaterPause;
  if (!acts.includes(instance.status) && !callsOffPause) throw conflict(instance, control.action);

  switch (control.action) {
    case "pause":
      if (instance.intent === "pause") return false;
      // Behind a restart the pause waits its turn: the courier makes it the intent then.
      if (instance.intent === "restart" && records.outbox.has(instance.id, "pause")) return false;
      if (instance.intent === null) records.ledger.change(instance, { intent: "pause" }, now);
      records.outbox.add({ kind: "pause", instanceId: instance.id, payload: {} }, now);
      return true;
    case "resume":
      resume(records, instance, now);
      return true;
    case "terminate": {
      const { rollback } = control;
      records.outbox.drop(instance.id, ["event", "pause", "resume", "restart"]);
      records.outbox.hastenCreate(instance.id, now);
      records.outbox.add({ kind: "terminate", instanceId: instance.id, payload: { rollback } }, now);
      terminate(records, instance, now);
      return true;
    }
    case "restart":
      restart(records, instance, control, now);
      return true;
  }
}

/** Notes that an instance is paused. Inside a change. */
export function showPaused(records: Records, instance: InstanceRow, now: number): void {
  const paused = records.ledger.change(instance, { status: "paused", intent: null }, now);
  records.journal.append(paused, "instance.paused", {}, now);
}

/** Notes that an instance goes on after a pause. Inside a change. */
export function showResumed(records: Records, instance: InstanceRow, now: number): void {
  records.journal.append(instance, "instance.resumed", {}, now);
  showWaiting(records, { ...instance, status: "running" }, now);
}

function resume(records: Records, instance: InstanceRow, now: number): void {
  records.outbox.drop(instance.id, ["pause"]);
  records.outbox.add({ kind: "resume", instanceId: instance.id, payload: {} }, now);
  const called = records.ledger.change(instance, { intent: null }, now);
  if (instance.status === "paused") showResumed(records, called, now);
}

/**
 * Begins a new attempt. What the old one says from now on is refused, until the engine has restarted it: the intent says so.
 */
function restart(
  records: Records,
  instance: InstanceRow,
  { from, resetClock }: Extract<Control, { action: "restart" }>,
  now: number,
): void {
  const attempt = instance.attempt + 1;
  // A gate that was asked before the step is not asked again: the engine remembers that it was.
  if (from !== undefined) records.approvals.carryOver(instance.id, attempt, from.name);
  cancelGates(records, instance, now);
  records.outbox.drop(instance.id, ["event", "pause", "resume", "terminate", "restart"]);
  // A run that was heard was created, whatever the outbox does not know yet.
  const toBeCreated = instance.started_at === null && records.outbox.hastenCreate(instance.id, now);
  if (!toBeCreated) {
    const point = from && pointOf(records, instance, from);
    records.outbox.add({ kind: "restart", instanceId: instance.id, payload: { from: point, attempt } }, now);
  }
  const restarted = records.ledger.change(
    instance,
    {
      status: "queued",
      intent: toBeCreated ? null : "restart",
      attempt,
      waitingFor: null,
      progress: null,
      output: null,
      error: null,
      startedAt: null,
      completedAt: null,
      ...(resetClock ? { createdAt: now } : {}),
    },
    now,
  );
  records.journal.beginAttempt(restarted);
  records.journal.append(restarted, "instance.restarted", { from: from?.name ?? null }, now, "restarted");
}

/** A gate is begun where it is asked, not where it is waited for: the old question was cancelled. */
function pointOf(
  records: Records,
  instance: InstanceRow,
  { name, count, type }: NonNullable<Extract<Control, { action: "restart" }>["from"]>,
): RestartPoint {
  const point = { ...(count === undefined ? {} : { count }), ...(type === undefined ? {} : { type }) };
  if (type === "do" || !records.approvals.wasAsked(instance.id, name)) return { name, ...point };
  return { ...point, name: `__gateway_ask_${name}`, type: "do" };
}

function conflict({ status }: InstanceRow, action: Control["action"]): ProblemError {
  const { acts } = CONTROLS[action];
  return new ProblemError("status_conflict", {
    detail: `The instance is ${status}; to ${action} it, it must be ${acts.join(", ")}.`,
    instanceStatus: status,
  });
}

/**
 * Makes the ledger say what the engine says, where that is news: ends that nobody told us of, and pauses from elsewhere.
 * Inside a change. @returns whether anything was news.
 */
export function reconcile(
  records: Records,
  instance: InstanceRow,
  view: EngineView | undefined,
  now: number,
): boolean {
  if (view === undefined) {
    fail(
      records,
      instance,
      { name: "InstanceLost", message: "The workflow engine has no such instance." },
      now,
    );
    return true;
  }
  const { status, output, error } = view;
  if (isEngineTerminal(status)) {
    // What a run of the SDK's own class reported is its output, if it returned none.
    if (status === "complete") complete(records, instance, output ?? reportedOutput(instance), now);
    else if (status === "terminated") terminate(records, instance, now);
    else fail(records, instance, { name: error?.name ?? "Error", message: error?.message ?? "" }, now);
    return true;
  }
  if (status === "paused" && instance.status !== "paused") {
    showPaused(records, instance, now);
    return true;
  }
  if (instance.status === "paused" && (status === "running" || status === "waiting" || status === "queued")) {
    showResumed(records, instance, now);
    return true;
  }
  return false;
}

function reportedOutput({ output }: InstanceRow): unknown {
  return JSON.parse(output ?? "null");
}
