import type { Decision } from "../contract/approval";
import type { Actor } from "../contract/audit";
import type { ApprovalLink, LinkStatus } from "../contract/link";
import type { Row, Store } from "../durable/store";
import { iso } from "./ledger";

/** One link as it is stored. Times are milliseconds; what people write is JSON, since SQLite changes a text that is no Unicode. */
export interface LinkRow extends Row {
  ordinal: number;
  id: string;
  approval_id: string;
  instance_id: string;
  /** JSON */
  holder: string;
  /** JSON: decisions. */
  decisions: string;
  /** JSON: the scopes of whoever made it. */
  scopes: string;
  /** JSON */
  created_by: string;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
  used_at: number | null;
}

/** What a link is made of. */
export interface NewLink {
  readonly approvalId: string;
  readonly instanceId: string;
  readonly holder: string;
  readonly decisions: readonly Decision[];
  readonly expiresAt: number;
}

/** Links that cannot be used any more are shown for a while: so many of each approval. */
const KEPT_CLOSED = 50;

const IS_OPEN = "used_at IS NULL AND revoked_at IS NULL AND expires_at > ?";

/** The links by which approvals of one agent can be decided. Of their tokens nothing is kept. */
export class Links {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Makes a link with the scopes of whoever asks for it. Inside a change. */
  add(link: NewLink, { name, scopes }: Actor, now: number): LinkRow {
    this.#forgetClosed(link.approvalId, now);
    const id = `lnk_${crypto.randomUUID()}`;
    this.#store.run(
      `INSERT INTO switchyard_links (id, approval_id, instance_id, holder, decisions, scopes, created_by, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      link.approvalId,
      link.instanceId,
      JSON.stringify(link.holder),
      JSON.stringify(link.decisions),
      JSON.stringify(scopes),
      JSON.stringify(name),
      now,
      link.expiresAt,
    );
    const row = this.find(link.approvalId, id);
    if (row === undefined) throw new Error("the link that was just made is not there");
    return row;
  }

  /** A link of that approval. */
  find(approvalId: string, id: string): LinkRow | undefined {
    const query = "SELECT * FROM switchyard_links WHERE id = ? AND approval_id = ?";
    return this.#store.rows<LinkRow>(query, id, approvalId)[0];
  }

  /** The links of an approval, newest first. */
  of(approvalId: string): LinkRow[] {
    const query = "SELECT * FROM switchyard_links WHERE approval_id = ? ORDER BY ordinal DESC";
    return this.#store.rows<LinkRow>(query, approvalId);
  }

  /** How many links of an approval can be used. */
  countOpen(approvalId: string, now: number): number {
    const query = `SELECT count(*) AS n FROM switchyard_links WHERE approval_id = ? AND ${IS_OPEN}`;
    return this.#store.rows<{ n: number }>(query, approvalId, now)[0]?.n ?? 0;
  }

  /** @returns whether it could be used until now. */
  revoke(id: string, now: number): boolean {
    const update = `UPDATE switchyard_links SET revoked_at = ? WHERE id = ? AND ${IS_OPEN}`;
    return this.#store.change(update, now, id, now) > 0;
  }

  markUsed(id: string, now: number): void {
    this.#store.run("UPDATE switchyard_links SET used_at = ? WHERE id = ?", now, id);
  }

  #forgetClosed(approvalId: string, now: number): void {
    this.#store.run(
      `DELETE FROM switchyard_links WHERE ordinal IN (
         SELECT ordinal FROM switchyard_links WHERE approval_id = ? AND NOT (${IS_OPEN})
         ORDER BY ordinal DESC LIMIT -1 OFFSET ?)`,
      approvalId,
      now,
      KEPT_CLOSED,
    );
  }
}

/** Whether a link can be used, and if not, why. */
export function statusOf({ used_at: used, revoked_at: revoked, expires_at: expires }: LinkRow, now: number) {
  const status: LinkStatus =
    used !== null ? "used" : revoked !== null ? "revoked" : expires <= now ? "expired" : "open";
  return status;
}

/** Name of whoever a link is for. */
export function holderOf({ holder }: LinkRow): string {
  return JSON.parse(holder) as string;
}

/** What a link may decide. */
export function decisionsOf({ decisions }: LinkRow): Decision[] {
  return JSON.parse(decisions) as Decision[];
}

/** Scopes of whoever made a link. */
export function scopesOf({ scopes }: LinkRow): Actor["scopes"] {
  return JSON.parse(scopes) as Actor["scopes"];
}

/** A link as clients see it. */
export function toLink(row: LinkRow, now: number): ApprovalLink {
  return {
    id: row.id,
    approvalId: row.approval_id,
    for: holderOf(row),
    decisions: decisionsOf(row),
    status: statusOf(row, now),
    createdBy: JSON.parse(row.created_by) as string,
    createdAt: iso(row.created_at),
    expiresAt: iso(row.expires_at),
    revokedAt: iso(row.revoked_at),
    usedAt: iso(row.used_at),
  };
}
