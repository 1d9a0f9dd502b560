import type { Approval, ApprovalStatus } from "../contract/approval";
import type { Door } from "../contract/audit";
import type { Page } from "../contract/page";
import type { StandingDecision } from "../contract/problem";
import { instanceAddress, type InstanceRow, iso, json, textOf } from "./ledger";
import { type PageBounds, readPage } from "./page";
import type { Condition, Range } from "./route";
import type { Row, Store } from "../durable/store";

/** One gate as it is stored. Times are milliseconds; what people write is JSON, since SQLite changes a text that is no Unicode. */
export interface ApprovalRow extends Row {
  ordinal: number;
  id: string;
  instance_id: string;
  workflow: string;
  attempt: number;
  step_name: string;
  occurrence: number;
  event_type: string;
  summary: string | null;
  details: string | null;
  status: ApprovalStatus;
  requested_at: number;
  deadline: number | null;
  decided_by: string | null;
  decided_at: number | null;
  reason: string | null;
  metadata: string | null;
  decided_via: Door | null;
  shown: string | null;
}

/** What is asked at a gate. */
export interface Question {
  readonly stepName: string;
  readonly occurrence: number;
  readonly summary: string | null;
  readonly details: unknown;
  readonly deadline: number | null;
  /** The type that the engine waits under already; the gate gets one of its own if there is none. */
  readonly eventType?: string;
  /** When it was asked, in milliseconds, if not now. */
  readonly requestedAt?: number;
}

/** How a gate is closed. */
export interface Closing {
  readonly status: Exclude<ApprovalStatus, "pending">;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  readonly metadata: unknown;
  /** By which door the decision came; left out where nobody knows. */
  readonly decidedVia?: Door;
  /** What whoever decided was shown. */
  readonly shown?: string | undefined;
}

/** The gates of one agent. A gate is closed once: whoever closes it first decided. */
export class Approvals {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Opens a gate; the same question of the same attempt is the same gate. @returns it, and whether it is new. */
  open(instance: InstanceRow, question: Question, now: number): { gate: ApprovalRow; isNew: boolean } {
    const uuid = crypto.randomUUID();
    const inserted = this.#store.run(
      `INSERT INTO switchyard_approvals
         (id, instance_id, workflow, attempt, step_name, occurrence, event_type, summary, details, status, requested_at, deadline)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?) ON CONFLICT DO NOTHING`,
      `apr_${uuid}`,
      instance.id,
      instance.workflow,
      instance.attempt,
      question.stepName,
      question.occurrence,
      question.eventType ?? `approval-${uuid}`,
      json(question.summary),
      json(question.details),
      question.requestedAt ?? now,
      question.deadline,
    );
    const gate = this.findAsked(instance, question.stepName, question.occurrence);
    if (gate === undefined) throw new Error("the gate that was just opened is not there");
    return { gate, isNew: inserted > 0 };
  }

  /** Closes a pending gate. @returns the gate as closed, or undefined if it was closed already. */
  close(id: string, closing: Closing, now: number): ApprovalRow | undefined {
    return this.#store.rows<ApprovalRow>(
      `UPDATE switchyard_approvals SET status = ?, decided_by = ?, decided_at = ?, reason = ?, metadata = ?,
         decided_via = ?, shown = ?
       WHERE id = ? AND status = 'pending' RETURNING *`,
      closing.status,
      closing.decidedBy,
      now,
      json(closing.reason),
      json(closing.metadata),
      closing.decidedVia ?? null,
      json(closing.shown),
      id,
    )[0];
  }

  find(id: string): ApprovalRow | undefined {
    return this.#store.rows<ApprovalRow>("SELECT * FROM switchyard_approvals WHERE id = ?", id)[0];
  }

  /** The open gates of an instance, oldest first. */
  pendingOf(instanceId: string): ApprovalRow[] {
    return this.#store.rows<ApprovalRow>(
      "SELECT * FROM switchyard_approvals WHERE status = 'pending' AND instance_id = ? ORDER BY ordinal",
      instanceId,
    );
  }

  /** Moves the open gates of an instance to a new attempt, but for those of one step. */
  carryOver(instanceId: string, attempt: number, exceptStep: string): void {
    this.#store.run(
      "UPDATE switchyard_approvals SET attempt = ? WHERE instance_id = ? AND status = 'pending' AND step_name <> ?",
      attempt,
      instanceId,
      exceptStep,
    );
  }

  /** The gate of an instance that has this event type; undefined if there is none. */
  findByEventType(instanceId: string, eventType: string): ApprovalRow | undefined {
    const query = "SELECT * FROM switchyard_approvals WHERE instance_id = ? AND event_type = ?";
    return this.#store.rows<ApprovalRow>(query, instanceId, eventType)[0];
  }

  /** Whether a step of the instance asked for approval itself, in any attempt: its gate has an event type of its own. */
  wasAsked(instanceId: string, stepName: string): boolean {
    const asked = `SELECT 1 FROM switchyard_approvals WHERE instance_id = ? AND step_name = ?
      AND event_type = 'approval-' || substr(id, 5) LIMIT 1`;
    return this.#store.rows(asked, instanceId, stepName).length > 0;
  }

  /** The gate of a step of this attempt, open or closed. */
  findAsked(instance: InstanceRow, stepName: string, occurrence: number): ApprovalRow | undefined {
    return this.#store.rows<ApprovalRow>(
      "SELECT * FROM switchyard_approvals WHERE instance_id = ? AND attempt = ? AND step_name = ? AND occurrence = ?",
      instance.id,
      instance.attempt,
      stepName,
      occurrence,
    )[0];
  }

  countPending(): number {
    const [row] = this.#store.rows<{ n: number }>(
      "SELECT count(*) AS n FROM switchyard_approvals WHERE status = 'pending'",
    );
    return row?.n ?? 0;
  }

  /** Newest first. */
  list(filter: PageBounds & { readonly status: readonly ApprovalStatus[] }, agent: string): Page<Approval> {
    const status = [...new Set(filter.status)].toSorted();
    const statuses: Condition[][] = status.length === 0 ? [[]] : status.map((one) => [["status = ?", one]]);
    const ranges = statuses.map((within): Range => ({ index: "switchyard_approvals", within }));
    const list = { name: ["switchyard_approvals", status], routes: [{ ranges, checks: [] }] };
    return readPage<ApprovalRow, Approval>(this.#store, list, filter, (row) => toApproval(row, agent));
  }
}

/** A gate as clients see it. */
export function toApproval(row: ApprovalRow, agent: string): Approval {
  const self = `${agent}/approvals/${row.id}`;
  return {
    id: row.id,
    instanceId: row.instance_id,
    workflow: row.workflow,
    agent,
    attempt: row.attempt,
    stepName: row.step_name,
    occurrence: row.occurrence,
    summary: textOf(row.summary),
    details: JSON.parse(row.details ?? "null") as unknown,
    status: row.status,
    requestedAt: iso(row.requested_at),
    deadline: iso(row.deadline),
    decidedBy: row.decided_by,
    decidedVia: row.decided_via,
    decidedAt: iso(row.decided_at),
    reason: textOf(row.reason),
    shown: textOf(row.shown),
    metadata: JSON.parse(row.metadata ?? "null") as unknown,
    links: {
      self,
      instance: instanceAddress(row.instance_id, agent),
      approve: `${self}/approve`,
      reject: `${self}/reject`,
    },
  };
}

/** What a late decision is told. */
export function toStandingDecision(row: ApprovalRow): StandingDecision | undefined {
  if (row.status === "pending") return undefined;
  return {
    approvalId: row.id,
    status: row.status,
    decidedBy: row.decided_by,
    decidedAt: iso(row.decided_at),
    reason: textOf(row.reason),
  };
}
