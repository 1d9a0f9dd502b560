import { isTerminal } from "../contract/instance";
import { ProblemError } from "../contract/problem";
import type { AuthorCallback } from "./callbacks";
import { complete, fail } from "./endings";
import { closeGate, expireGate, openGate, showWaiting } from "./gates";
import { type InstanceRow, textOf } from "./ledger";
import type { Records } from "./records";
import type { DecisionPayload, GateReport, Identity, OpenedGate, PassedGate, Report } from "./reports";
import { waitKey } from "./waits";

/** What is told beside the answer: to the author's class, or to its clients. */
export type Told = AuthorCallback | { readonly type: "broadcast"; readonly message: unknown };

/** What a report leads to: the answer to the workflow, and what the author is told if it is new. */
export interface Received {
  readonly answer: OpenedGate | PassedGate | DecisionPayload | Identity | undefined;
  readonly callback: Told | undefined;
}

const NOTHING: Received = { answer: undefined, callback: undefined };

/** Takes a report of a running instance into the records. Inside a change. */
export function receive(records: Records, row: InstanceRow, report: Report, now: number): Received {
  if (isTerminal(row.status)) return NOTHING;
  // The old attempt speaks: the engine is about to end it. It asks again, and is gone by then.
  if (row.intent === "restart")
    throw new ProblemError("agent_unavailable", { detail: "The instance is being restarted." });
  const instance = row.started_at === null ? begin(records, row, now) : row;
  switch (report.type) {
    case "started":
      return { answer: { id: instance.id, workflow: instance.workflow }, callback: undefined };
    case "progress": {
      const { progress, key } = report;
      const isNew = records.journal.append(instance, "instance.progress", { progress }, now, key);
      if (isNew) records.ledger.change(instance, { progress }, now);
      return told({ type: "progress", progress }, isNew);
    }
    case "message": {
      const { message, key } = report;
      return told(
        { type: "broadcast", message },
        records.journal.append(instance, "instance.message", { message }, now, key),
      );
    }
    case "event": {
      const { event, key } = report;
      return told(
        { type: "event", event },
        records.journal.append(instance, "instance.event", { event }, now, key),
      );
    }
    case "error":
      return told({ type: "error", error: report.message }, true);
    case "wait-began":
      if (records.waits.begin(instance, report.wait)) showWaiting(records, instance, now);
      return NOTHING;
    case "wait-ended":
      if (records.waits.end(instance, report.key)) showWaiting(records, instance, now);
      return NOTHING;
    case "gate-opened":
      return { answer: ask(records, instance, report.gate, now), callback: undefined };
    case "gate-passed":
      pass(records, instance, report, now);
      return NOTHING;
    case "gate-timed-out":
      return { answer: settle(records, instance, report.approvalId, now), callback: undefined };
    case "completed":
      complete(records, instance, report.output, now);
      return told({ type: "complete", result: report.output }, true);
    case "failed":
      fail(records, instance, report.error, now);
      return told({ type: "error", error: report.error.message }, !report.announced);
  }
}

function told(callback: Told, isNew: boolean): Received {
  return { answer: undefined, callback: isNew ? callback : undefined };
}

/** Notes that an attempt runs. Inside a change. @param startedAt since when. */
export function begin(records: Records, row: InstanceRow, now: number, startedAt: number = now): InstanceRow {
  const instance = records.ledger.change(
    row,
    { status: row.status === "queued" ? "running" : row.status, startedAt },
    now,
  );
  records.journal.append(instance, "instance.started", {}, startedAt, "started");
  // A restart from a step may find gates open that were asked before it.
  return records.approvals.pendingOf(instance.id).length === 0
    ? instance
    : showWaiting(records, instance, now);
}

function ask(
  records: Records,
  instance: InstanceRow,
  gate: GateReport,
  now: number,
): OpenedGate | PassedGate {
  const { stepName, occurrence, summary, details, timeoutMs, terms } = gate;
  const passedType = records.waits.passedType(instance, stepName, occurrence);
  if (passedType !== undefined) return { passed: true, eventType: passedType };
  const eventType = awaitedType(records, instance, gate);
  const opened = openGate(
    records,
    instance,
    {
      stepName,
      occurrence,
      summary,
      details,
      deadline: now + timeoutMs,
      terms,
      ...(eventType === undefined ? {} : { eventType }),
    },
    now,
  );
  return { approvalId: opened.id, eventType: opened.event_type };
}

/** The type under which the engine waits at a gate already, since before there was a gateway. */
function awaitedType(
  records: Records,
  instance: InstanceRow,
  { stepName, occurrence, sdkEventType }: GateReport,
): string | undefined {
  // Where it waits could not be read: if it waits here, then as the SDK's class would.
  if (instance.voice === "adopted") return sdkEventType;
  return records.waits.take(instance, waitKey("event", stepName, occurrence));
}

/** The run went on past a gate that nobody decided here: it had passed before the gate was asked, or was let through. */
function pass(
  records: Records,
  instance: InstanceRow,
  { approvalId, decision }: Extract<Report, { type: "gate-passed" }>,
  now: number,
): void {
  const { approved, reason = null, metadata } = decision;
  const status = approved ? "approved" : "rejected";
  closeGate(records, instance, approvalId, { status, decidedBy: null, reason, metadata }, now);
}

/**
 * The engine stopped waiting at a gate: what stands, stands; what is open has expired, if its deadline has passed or nobody
 * knows it.
 */
function settle(
  records: Records,
  instance: InstanceRow,
  approvalId: string,
  now: number,
): DecisionPayload | undefined {
  expireGate(records, instance, approvalId, now, now);
  const gate = records.approvals.find(approvalId);
  if (gate === undefined || (gate.status !== "approved" && gate.status !== "rejected")) return undefined;
  return {
    approved: gate.status === "approved",
    reason: textOf(gate.reason) ?? undefined,
    metadata: JSON.parse(gate.metadata ?? "null") as unknown,
  };
}
