import { isTerminal } from "../contract/instance";
import { ProblemError } from "../contract/problem";
import { textOf } from "./approvals";
import type { AuthorCallback } from "./callbacks";
import { complete, fail } from "./endings";
import { expireGate, openGate, showWaiting } from "./gates";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";
import type { DecisionPayload, GateReport, OpenedGate, Report } from "./reports";

/** What is told beside the answer: to the author's class, or to its clients. */
export type Told = AuthorCallback | { readonly type: "broadcast"; readonly message: unknown };

/** What a report leads to: the answer to the workflow, and what the author is told if it is new. */
export interface Received {
  readonly answer: OpenedGate | DecisionPayload | undefined;
  readonly callback: Told | undefined;
}

const NOTHING: Received = { answer: undefined, callback: undefined };

/** Takes a report of a running instance into the records. Inside a change. */
export function receive(records: Records, row: InstanceRow, report: Report, now: number): Received {
  if (isTerminal(row.status)) return NOTHING;
  // The old attempt speaks: the engine is about to end it. It asks again, and is gone by then.
  if (row.intent === "restart")
    throw new ProblemError("agent_unavailable", { detail: "The instance is being restarted." });
  const instance = row.started_at === null ? start(records, row, now) : row;
  switch (report.type) {
    case "started":
      return NOTHING;
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

function start(records: Records, row: InstanceRow, now: number): InstanceRow {
  const instance = records.ledger.change(
    row,
    { status: row.status === "queued" ? "running" : row.status, startedAt: now },
    now,
  );
  records.journal.append(instance, "instance.started", {}, now, "started");
  // A restart from a step may find gates open that were asked before it.
  return records.approvals.pendingOf(instance.id).length === 0
    ? instance
    : showWaiting(records, instance, now);
}

function ask(records: Records, instance: InstanceRow, gate: GateReport, now: number): OpenedGate {
  const { stepName, occurrence, summary, details, timeoutMs } = gate;
  const question = { stepName, occurrence, summary, details, deadline: now + timeoutMs };
  const opened = openGate(records, instance, question, now);
  return { approvalId: opened.id, eventType: opened.event_type };
}

/** The engine stopped waiting at a gate: what stands, stands; what is open has expired, if its deadline has passed. */
function settle(
  records: Records,
  instance: InstanceRow,
  approvalId: string,
  now: number,
): DecisionPayload | undefined {
  expireGate(records, instance, approvalId, now);
  const gate = records.approvals.find(approvalId);
  if (gate === undefined || (gate.status !== "approved" && gate.status !== "rejected")) return undefined;
  return {
    approved: gate.status === "approved",
    reason: textOf(gate.reason) ?? undefined,
    metadata: JSON.parse(gate.metadata ?? "null") as unknown,
  };
}
