import { holds, missingOf } from "../auth/grant";
import type { Actor } from "../contract/audit";
import type { Grant } from "../contract/grant";
import type { ApiKey } from "../contract/key";
import type { Page } from "../contract/page";
import { ProblemError } from "../contract/problem";
import type { AuditLog } from "../durable/audit-log";
import { placeOfCursor, sealCursor } from "../durable/sealed-cursor";
import type { Row, Store } from "../durable/store";
import type { KeysPort } from "../directory-port";
import type { KeyObject } from "./key-object";

/** The migration that makes the list of keys. */
export const KEYS_TABLE = `
  CREATE TABLE switchyard_keys (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    agents TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER,
    rotated_at INTEGER,
    previous_until INTEGER,
    revoked_at INTEGER,
    intent TEXT
  ) STRICT;
  CREATE INDEX switchyard_keys_by_name ON switchyard_keys (name);
  CREATE INDEX switchyard_keys_by_intent ON switchyard_keys (ordinal) WHERE intent IS NOT NULL;
`;

/** Reaches the object of one key. */
export type OpenKey = (id: string) => Pick<KeyObject, "create" | "rotate" | "revoke">;

/** What was begun with a key, and is not done. */
type Intent =
  | { readonly kind: "create"; readonly now: number; readonly digest: string; readonly actor: Actor }
  | {
      readonly kind: "rotate";
      readonly now: number;
      readonly digest: string;
      readonly previousUntil: number;
      readonly actor: Actor;
    }
  | { readonly kind: "revoke"; readonly now: number; readonly actor: Actor };

interface KeyRow extends Row {
  ordinal: number;
  id: string;
  name: string;
  scopes: string;
  agents: string;
  created_at: number;
  created_by: string;
  expires_at: number | null;
  rotated_at: number | null;
  previous_until: number | null;
  revoked_at: number | null;
  intent: string | null;
}

/** Entries that are looked at for one page, of which a caller may be shown few. */
const LOOKED_AT = 1_000;

/**
 * The keys of the gateway. What one may do is in an object of its own, and here too, for people. A change is first noted here,
 * then made there, where it counts, then told here and in the audit log. Whatever dies in between, the note stays, and the
 * next call here finishes the change: but for a key that nobody was shown, which is taken back.
 *
 * Who asks sees the keys that may do no more than it may itself; any other is not there for it.
 */
export class KeyList {
  readonly #store: Store;
  readonly #audit: AuditLog;
  readonly #open: OpenKey;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: Store, audit: AuditLog, open: OpenKey) {
    this.#store = store;
    this.#audit = audit;
    this.#open = open;
  }

  listKeys({ holder, limit, cursor }: Parameters<KeysPort["listKeys"]>[0]): Promise<Page<ApiKey>> {
    return this.#inTurn(async () => {
      if (!this.#store.exists()) return { items: [], nextCursor: null };
      const before =
        cursor === undefined
          ? Number.MAX_SAFE_INTEGER
          : Number.parseInt(placeOfCursor(cursor, "keys", this.#store), 36);
      const query = "SELECT * FROM switchyard_keys WHERE ordinal < ? ORDER BY ordinal DESC LIMIT ?";
      const rows = this.#store.rows<KeyRow>(query, before, LOOKED_AT);
      const seen = rows.filter((row) => holds(holder, grantOf(row)));
      const shown = seen.slice(0, limit);
      const last = seen.length > limit ? shown.at(-1) : rows.length === LOOKED_AT ? rows.at(-1) : undefined;
      return {
        items: shown.map(toApiKey),
        nextCursor: last === undefined ? null : sealCursor(last.ordinal.toString(36), "keys", this.#store),
      };
    });
  }

  getKey({ id, holder }: Parameters<KeysPort["getKey"]>[0]): Promise<ApiKey> {
    return this.#inTurn(async () => toApiKey(this.#find(id, holder)));
  }

  createKey(input: Parameters<KeysPort["createKey"]>[0], actor: Actor): Promise<ApiKey> {
    return this.#inTurn(async () => {
      const { id, digest, holder, name, scopes, agents, expiresAt } = input;
      const now = Date.now();
      const missing = missingOf(holder, { scopes, agents });
      if (missing.length > 0)
        throw new ProblemError("forbidden", {
          detail: `A key may be given no more than you hold yourself: not ${missing.join(", ")}.`,
        });
      if (expiresAt !== null && expiresAt <= now)
        throw new ProblemError("invalid_request", {
          errors: [{ in: "body", pointer: "/expiresAt", message: "must be in the future" }],
        });
      this.#store.open();
      const query = `SELECT 1 FROM switchyard_keys WHERE name = ? AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > ?)`;
      if (this.#store.rows(query, name, now).length > 0) throw new ProblemError("key_exists");
      this.#store.run(
        `INSERT INTO switchyard_keys (id, name, scopes, agents, created_at, created_by, expires_at, intent)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        name,
        JSON.stringify(scopes),
        JSON.stringify(agents),
        now,
        JSON.stringify(actor.name),
        expiresAt,
        JSON.stringify({ kind: "create", now, digest, actor } satisfies Intent),
      );
      return this.#finish(id);
    });
  }

  rotateKey(
    { id, digest, holder, graceMs }: Parameters<KeysPort["rotateKey"]>[0],
    actor: Actor,
  ): Promise<ApiKey> {
    return this.#inTurn(async () => {
      const row = this.#find(id, holder);
      const now = Date.now();
      if (statusOf(row, now) !== "active") throw new ProblemError("key_ended");
      return this.#begin(id, { kind: "rotate", now, digest, previousUntil: now + graceMs, actor });
    });
  }

  revokeKey({ id, holder }: Parameters<KeysPort["revokeKey"]>[0], actor: Actor): Promise<ApiKey> {
    return this.#inTurn(async () => {
      const row = this.#find(id, holder);
      if (row.revoked_at !== null) return toApiKey(row);
      return this.#begin(id, { kind: "revoke", now: Date.now(), actor });
    });
  }

  #begin(id: string, intent: Intent): Promise<ApiKey> {
    this.#store.run("UPDATE switchyard_keys SET intent = ? WHERE id = ?", JSON.stringify(intent), id);
    return this.#finish(id);
  }

  /** Makes the change that is noted where it counts, and tells of it here. */
  async #finish(id: string): Promise<ApiKey> {
    const row = this.#rowOf(id);
    if (row === undefined) throw new ProblemError("key_not_found");
    const intent = intentOf(row);
    if (intent === undefined) return toApiKey(row);
    await this.#carryOut(row, intent);
    return this.#store.transact(() => {
      this.#tell(row, intent);
      return toApiKey(this.#rowOf(id) ?? row);
    });
  }

  async #carryOut(row: KeyRow, intent: Intent): Promise<void> {
    const key = this.#open(row.id);
    switch (intent.kind) {
      case "create": {
        const { scopes, agents } = grantOf(row);
        const { now, digest } = intent;
        await key.create({ name: row.name, scopes, agents, expiresAt: row.expires_at, digest, now });
        return;
      }
      case "rotate":
        await key.rotate(intent);
        return;
      case "revoke":
        await key.revoke(intent);
    }
  }

  #tell({ id, name, scopes, agents, expires_at: expiresAt }: KeyRow, intent: Intent): void {
    const { kind, now, actor } = intent;
    this.#store.run("UPDATE switchyard_keys SET intent = NULL WHERE id = ?", id);
    const about: Record<string, unknown> = { name };
    switch (kind) {
      case "create":
        Object.assign(about, {
          scopes: JSON.parse(scopes),
          agents: JSON.parse(agents),
          expiresAt: timeOf(expiresAt),
        });
        break;
      case "rotate":
        about["previousSecretUntil"] = timeOf(intent.previousUntil);
        this.#store.run(
          "UPDATE switchyard_keys SET rotated_at = ?, previous_until = ? WHERE id = ?",
          now,
          intent.previousUntil,
          id,
        );
        break;
      case "revoke":
        this.#store.run(
          "UPDATE switchyard_keys SET revoked_at = ?, previous_until = NULL WHERE id = ?",
          now,
          id,
        );
    }
    this.#audit.write({ action: `key.${kind}`, target: `/keys/${id}`, detail: about }, actor, now);
  }

  /** Finishes what a death has left. What cannot be finished now stays noted, and keeps nobody else waiting. */
  async #repair(): Promise<void> {
    if (!this.#store.exists()) return;
    this.#store.open();
    const left = this.#store.rows<KeyRow>("SELECT * FROM switchyard_keys WHERE intent IS NOT NULL");
    for (const { id, intent } of left) {
      try {
        if ((JSON.parse(intent ?? "null") as Intent | null)?.kind === "create") await this.#takeBack(id);
        else await this.#finish(id);
      } catch (failure) {
        console.warn(`switchyard: what was begun with the key ${id} is not done yet`, failure);
      }
    }
  }

  /** Nobody has the secret of a key whose making was not answered: it would only take its name. */
  async #takeBack(id: string): Promise<void> {
    await this.#open(id).revoke({ now: Date.now() });
    this.#store.run("DELETE FROM switchyard_keys WHERE id = ?", id);
  }

  #rowOf(id: string): KeyRow | undefined {
    return this.#store.rows<KeyRow>("SELECT * FROM switchyard_keys WHERE id = ?", id)[0];
  }

  #find(id: string, holder: Grant): KeyRow {
    const row = this.#store.exists() ? this.#rowOf(id) : undefined;
    if (row === undefined || !holds(holder, grantOf(row))) throw new ProblemError("key_not_found");
    return row;
  }

  /** One after the other: what one call left half done is never what another is just doing. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(async () => {
      await this.#repair();
      return work();
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function intentOf({ intent }: KeyRow): Intent | undefined {
  return intent === null ? undefined : (JSON.parse(intent) as Intent);
}

function grantOf({ scopes, agents }: KeyRow): { scopes: string[]; agents: string[] } {
  return { scopes: JSON.parse(scopes) as string[], agents: JSON.parse(agents) as string[] };
}

function statusOf({ revoked_at: revokedAt, expires_at: expiresAt }: KeyRow, now: number): ApiKey["status"] {
  if (revokedAt !== null) return "revoked";
  return expiresAt !== null && expiresAt <= now ? "expired" : "active";
}

function toApiKey(row: KeyRow): ApiKey {
  const now = Date.now();
  const { previous_until: previousUntil } = row;
  return {
    id: row.id,
    name: row.name,
    ...grantOf(row),
    status: statusOf(row, now),
    createdAt: new Date(row.created_at).toISOString(),
    createdBy: JSON.parse(row.created_by) as string,
    expiresAt: timeOf(row.expires_at),
    rotatedAt: timeOf(row.rotated_at),
    previousSecretUntil: previousUntil !== null && previousUntil > now ? timeOf(previousUntil) : null,
    revokedAt: timeOf(row.revoked_at),
    links: { self: `/keys/${row.id}` },
  };
}

function timeOf(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
