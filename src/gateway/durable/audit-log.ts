import { createHash } from "node:crypto";
import type { Actor, AuditEntry, AuditVerification, Door } from "../contract/audit";
import type { Page } from "../contract/page";
import { placeOfCursor, sealCursor } from "./sealed-cursor";
import type { Row, Store } from "./store";

/** The migration that makes the table of a log. */
export const AUDIT_TABLE = `
  CREATE TABLE switchyard_audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    principal TEXT NOT NULL,
    door TEXT NOT NULL,
    address TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
`;

/** How many entries one call checks. */
const CHECKED_AT_ONCE = 2_000;

interface AuditRow extends Row {
  seq: number;
  time: number;
  /** What people write is JSON, since SQLite changes a text that is no Unicode. */
  principal: string;
  door: Door;
  address: string | null;
  request_id: string | null;
  action: string;
  target: string;
  detail: string;
  hash: string;
}

/** What was done to what. */
export interface Deed {
  /** `noun.verb` */
  readonly action: string;
  /** Path of what it was done to. */
  readonly target: string;
  /** What else matters; never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * Who did what, entry after entry. Each holds a hash of itself and of the one before it, so that none can be changed or taken
 * out unnoticed by whoever has not the whole log rewritten.
 */
export class AuditLog {
  readonly #store: Store;
  readonly #owner: string;

  /** @param owner path of what the log is of: the first hash is of it. */
  constructor(store: Store, owner: string) {
    this.#store = store;
    this.#owner = owner;
  }

  /** Writes an entry, inside the transaction of what it tells of. */
  write({ action, target, detail = {} }: Deed, actor: Actor, now: number): void {
    const last = this.#rowsBefore(Number.MAX_SAFE_INTEGER, 1)[0];
    const row = {
      seq: (last?.seq ?? 0) + 1,
      time: now,
      principal: JSON.stringify(actor.name),
      door: actor.door,
      address: actor.address,
      request_id: actor.requestId,
      action,
      target,
      detail: JSON.stringify(detail),
    };
    this.#store.run(
      `INSERT INTO switchyard_audit (seq, time, principal, door, address, request_id, action, target, detail, hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...Object.values(row),
      hashOf(row, last?.hash ?? this.#firstHash()),
    );
  }

  /** A page, newest first. @throws ProblemError `invalid_cursor` */
  page({ limit, cursor }: { readonly limit: number; readonly cursor: string | undefined }): Page<AuditEntry> {
    if (!this.#store.exists()) return { items: [], nextCursor: null };
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : this.#placeOf(cursor, "page");
    const rows = this.#rowsBefore(before, limit + 1);
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      items: shown.map(toEntry),
      nextCursor: last === undefined ? null : this.#seal(last.seq, "page"),
    };
  }

  /** Checks the oldest entries, or those after a cursor. @throws ProblemError `invalid_cursor` */
  verify(cursor: string | undefined): AuditVerification {
    if (!this.#store.exists())
      return { valid: true, checked: 0, brokenAt: null, head: null, nextCursor: null };
    const after = cursor === undefined ? 0 : this.#placeOf(cursor, "check");
    let last: AuditRow | undefined = after === 0 ? undefined : this.#rowsBefore(after + 1, 1)[0];
    const rows = this.#store.rows<AuditRow>(
      "SELECT * FROM switchyard_audit WHERE seq > ? ORDER BY seq LIMIT ?",
      after,
      CHECKED_AT_ONCE,
    );
    let checked = 0;
    const found = (brokenAt: number | null, nextCursor: string | null): AuditVerification => ({
      valid: brokenAt === null,
      checked,
      brokenAt,
      head: last === undefined ? null : { seq: last.seq, hash: last.hash },
      nextCursor,
    });
    for (const row of rows) {
      const expected = (last?.seq ?? after) + 1;
      if (row.seq !== expected) return found(expected, null);
      if (row.hash !== hashOf(row, last?.hash ?? this.#firstHash())) return found(row.seq, null);
      last = row;
      checked += 1;
    }
    const seen = last?.seq ?? after;
    if (rows.length === CHECKED_AT_ONCE) return found(null, this.#seal(seen, "check"));
    return found(this.#everWritten() > seen ? seen + 1 : null, null);
  }

  #rowsBefore(seq: number, limit: number): AuditRow[] {
    const query = "SELECT * FROM switchyard_audit WHERE seq < ? ORDER BY seq DESC LIMIT ?";
    return this.#store.rows<AuditRow>(query, seq, limit);
  }

  /** The last number that was ever given, which SQLite remembers also of an entry that is gone. */
  #everWritten(): number {
    const query = "SELECT seq FROM sqlite_sequence WHERE name = 'switchyard_audit'";
    return this.#store.rows<{ seq: number }>(query)[0]?.seq ?? 0;
  }

  #firstHash(): string {
    return sha256(this.#owner);
  }

  #seal(seq: number, list: string): string {
    return sealCursor(seq.toString(36), `audit ${list}`, this.#store);
  }

  #placeOf(cursor: string, list: string): number {
    return Number.parseInt(placeOfCursor(cursor, `audit ${list}`, this.#store), 36);
  }
}

function hashOf(row: Omit<AuditRow, "hash">, before: string): string {
  const { seq, time, principal, door, address, request_id: requestId, action, target, detail } = row;
  return sha256(
    `${before}\n${JSON.stringify([seq, time, principal, door, address, requestId, action, target, detail])}`,
  );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function toEntry(row: AuditRow): AuditEntry {
  return {
    seq: row.seq,
    time: new Date(row.time).toISOString(),
    principal: JSON.parse(row.principal) as string,
    door: row.door,
    address: row.address,
    requestId: row.request_id,
    action: row.action,
    target: row.target,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    hash: row.hash,
  };
}
