import { type Approval, type ApprovalStatus, type GateTerms, OPEN_TERMS } from "../contract/approval";
import type { Door } from "../contract/audit";
import type { Page } from "../contract/page";
import type { StandingDecision } from "../contract/problem";
import type { ApprovalFilter } from "../port";
import { instanceAddress, type InstanceRow, iso, json, textOf } from "./ledger";
import { nameOf, routesOf } from "./approval-filter";
import { type PageBounds, readPage } from "./page";
import type { Row, Store } from "../durable/store";
import type { JsonSchema } from "../registry/json-schema";
import { toVote, type Votes } from "./votes";

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
  /** {@link GateTerms} as JSON; null if nothing was said of them. */
  terms: string | null;
}

/** The JSON Schema of the metadata that a workflow takes with an approval; null if it is not declared any more. */
export type MetadataSchema = (workflow: string) => JsonSchema | null;

/** What is asked at a gate. */
export interface Question {
  readonly stepName: string;
  readonly occurrence: number;
  readonly summary: string | null;
  readonly details: unknown;
  readonly deadline: number | null;
  /** What is asked of those who decide; anybody may, alone, if it is left out. */
  readonly terms?: GateTerms;
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
  readonly #agent: string;
  readonly #votes: Votes;
  readonly #metadataSchema: MetadataSchema;

  /** @param agent path of the agent, as clients see it. */
  constructor(store: Store, agent: string, votes: Votes, metadataSchema: MetadataSchema) {
    this.#store = store;
    this.#agent = agent;
    this.#votes = votes;
    this.#metadataSchema = metadataSchema;
  }

  /** Opens a gate; the same question of the same attempt is the same gate. @returns it, and whether it is new. */
  open(instance: InstanceRow, question: Question, now: number): { gate: ApprovalRow; isNew: boolean } {
    const uuid = crypto.randomUUID();
    const inserted = this.#store.change(
      `INSERT INTO switchyard_approvals
         (id, instance_id, workflow, attempt, step_name, occurrence, event_type, summary, details, status, requested_at, deadline, terms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?) ON CONFLICT DO NOTHING`,
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
      json(question.terms),
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

  /** The gate of an instance that was opened last. */
  lastOf(instanceId: string): ApprovalRow | undefined {
    const query = "SELECT * FROM switchyard_approvals WHERE instance_id = ? ORDER BY ordinal DESC LIMIT 1";
    return this.#store.rows<ApprovalRow>(query, instanceId)[0];
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
  list(filter: PageBounds & ApprovalFilter): Page<Approval> {
    const list = { name: nameOf(filter), routes: routesOf(this.#store, filter) };
    return readPage<ApprovalRow, Approval>(this.#store, list, filter, (row) => this.view(row));
  }

  /** A gate as clients see it. */
  view(row: ApprovalRow): Approval {
    const agent = this.#agent;
    const self = `${agent}/approvals/${row.id}`;
    const terms = termsOf(row);
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
      metadataSchema: this.#metadataSchema(row.workflow),
      ...terms,
      votes: terms.required === 1 ? [] : this.#votes.of(row.id).map(toVote),
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
}

/** What a gate asks of those who decide it. */
export function termsOf({ terms }: ApprovalRow): GateTerms {
  return (JSON.parse(terms ?? "null") as GateTerms | null) ?? OPEN_TERMS;
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
