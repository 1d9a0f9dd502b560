import type { Decision, Vote } from "../contract/approval";
import type { Door } from "../contract/audit";
import type { Row, Store } from "../durable/store";
import { iso, json, textOf } from "./ledger";

/** One vote as it is stored. The time is in milliseconds; what people write is JSON. */
export interface VoteRow extends Row {
  ordinal: number;
  approval_id: string;
  principal: string;
  decision: Decision;
  door: Door;
  reason: string | null;
  shown: string | null;
  metadata: string | null;
  at: number;
}

/** Who says what at a gate. */
export interface NewVote {
  readonly approvalId: string;
  readonly principal: string;
  readonly decision: Decision;
  readonly door: Door;
  readonly reason: string | null;
  /** What whoever votes was shown. */
  readonly shown?: string | undefined;
  readonly metadata: unknown;
}

/** The votes at the gates of one agent that take several. A principal has one of each kind at a gate. */
export class Votes {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Counts a vote. @returns false if this principal has cast it before. */
  cast(vote: NewVote, now: number): boolean {
    const { approvalId, principal, decision, door, reason, shown, metadata } = vote;
    return (
      this.#store.change(
        `INSERT INTO switchyard_votes (approval_id, principal, decision, door, reason, shown, metadata, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        approvalId,
        json(principal),
        decision,
        door,
        json(reason),
        json(shown),
        json(metadata),
        now,
      ) > 0
    );
  }

  /** How many principals have approved. */
  countApprovals(approvalId: string): number {
    const query = "SELECT count(*) AS n FROM switchyard_votes WHERE approval_id = ? AND decision = 'approve'";
    return this.#store.rows<{ n: number }>(query, approvalId)[0]?.n ?? 0;
  }

  /** Oldest first. */
  of(approvalId: string): VoteRow[] {
    const query = "SELECT * FROM switchyard_votes WHERE approval_id = ?";
    // At most one more than can be required: they are sorted here.
    return this.#store.rows<VoteRow>(query, approvalId).toSorted((a, b) => a.ordinal - b.ordinal);
  }

  /** Forgets the votes at all gates of an instance. */
  forget(instanceId: string): void {
    this.#store.run(
      "DELETE FROM switchyard_votes WHERE approval_id IN (SELECT id FROM switchyard_approvals WHERE instance_id = ?)",
      instanceId,
    );
  }
}

/** A vote as clients see it wherever its gate is shown. */
export function toVote({ principal, decision, door, reason, at }: VoteRow): Vote {
  return { principal: textOf(principal) ?? "", decision, door, reason: textOf(reason), votedAt: iso(at) };
}
