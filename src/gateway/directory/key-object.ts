import { timingSafeEqual } from "node:crypto";
import type { KeyHolder } from "../contract/key";
import type { Row, Schema, Store } from "../durable/store";

/** The tables of the object of one key. */
export const KEY_SCHEMA: Schema = {
  migrations: [
    `
    CREATE TABLE switchyard_key (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      name TEXT,
      scopes TEXT,
      agents TEXT,
      expires_at INTEGER,
      revoked_at INTEGER
    ) STRICT;
    CREATE TABLE switchyard_key_secrets (
      digest TEXT PRIMARY KEY,
      made_at INTEGER NOT NULL,
      valid_until INTEGER
    ) STRICT;
  `,
  ],
};

/** So many secrets that were replaced are good at once, the newest; the others end before their time. */
const MOST_PREVIOUS = 5;

interface KeyRow extends Row {
  name: string;
  scopes: string;
  agents: string;
  expires_at: number | null;
  revoked_at: number | null;
}

interface SecretRow extends Row {
  digest: string;
  valid_until: number | null;
}

/** A key as it is made. Times are in milliseconds. */
export interface NewKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly agents: readonly string[];
  readonly expiresAt: number | null;
  readonly digest: string;
  readonly now: number;
}

/** A new secret of a key, and until when the one before is good. */
export interface NewSecret {
  readonly digest: string;
  readonly now: number;
  readonly previousUntil: number;
}

/**
 * One key, in a Durable Object of its own: what a request with it is checked against. Every change may come twice. What was
 * revoked stays so, also for a change that was on its way.
 */
export class KeyObject {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Who holds this key. An id that was never given has no tables, and gets none. */
  async check({ digest, now }: { digest: string; now: number }): Promise<KeyHolder | null> {
    const key = this.#store.exists() ? this.#find() : undefined;
    if (key === undefined || key.revoked_at !== null) return null;
    if (key.expires_at !== null && key.expires_at <= now) return null;
    const secret = this.#secrets().find((one) => isSame(one.digest, digest));
    if (secret === undefined || (secret.valid_until !== null && secret.valid_until <= now)) return null;
    return {
      name: key.name,
      scopes: JSON.parse(key.scopes) as string[],
      agents: JSON.parse(key.agents) as string[],
      expiresAt: earliest(key.expires_at, secret.valid_until),
    };
  }

  async create({ name, scopes, agents, expiresAt, digest, now }: NewKey): Promise<null> {
    return this.#change(() => {
      if (this.#find() !== undefined) return;
      this.#store.run(
        "INSERT INTO switchyard_key (one, name, scopes, agents, expires_at) VALUES (1, ?, ?, ?, ?)",
        name,
        JSON.stringify(scopes),
        JSON.stringify(agents),
        expiresAt,
      );
      this.#addSecret(digest, now);
    });
  }

  async rotate({ digest, now, previousUntil }: NewSecret): Promise<null> {
    return this.#change(() => {
      const known = this.#secrets().some((secret) => secret.digest === digest);
      if (known || this.#find()?.revoked_at !== null) return;
      // At once means all of them: they are replaced because somebody else has one.
      if (previousUntil <= now) this.#store.run("DELETE FROM switchyard_key_secrets");
      this.#store.run(
        "UPDATE switchyard_key_secrets SET valid_until = ? WHERE valid_until IS NULL",
        previousUntil,
      );
      this.#store.run("DELETE FROM switchyard_key_secrets WHERE valid_until <= ?", now);
      this.#store.run(
        `DELETE FROM switchyard_key_secrets WHERE digest NOT IN
           (SELECT digest FROM switchyard_key_secrets ORDER BY made_at DESC LIMIT ?)`,
        MOST_PREVIOUS,
      );
      this.#addSecret(digest, now);
    });
  }

  async revoke({ now }: { now: number }): Promise<null> {
    return this.#change(() => {
      this.#store.run(
        `INSERT INTO switchyard_key (one, revoked_at) VALUES (1, ?)
         ON CONFLICT (one) DO UPDATE SET revoked_at = excluded.revoked_at WHERE revoked_at IS NULL`,
        now,
      );
      this.#store.run("DELETE FROM switchyard_key_secrets");
    });
  }

  async #change(work: () => void): Promise<null> {
    this.#store.open();
    this.#store.transact(work);
    return null;
  }

  #find(): KeyRow | undefined {
    return this.#store.rows<KeyRow>("SELECT * FROM switchyard_key")[0];
  }

  #secrets(): SecretRow[] {
    return this.#store.rows<SecretRow>("SELECT digest, valid_until FROM switchyard_key_secrets");
  }

  #addSecret(digest: string, now: number): void {
    this.#store.run("INSERT INTO switchyard_key_secrets (digest, made_at) VALUES (?, ?)", digest, now);
  }
}

/** How long it takes to compare tells nothing of the digest. */
function isSame(digest: string, given: string): boolean {
  const [a, b] = [new TextEncoder().encode(digest), new TextEncoder().encode(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function earliest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
