import { LONGEST_TOKEN_SECONDS } from "../contract/stream-token";
import type { Store } from "../durable/store";

/** Stream tokens that were revoked: kept for as long as any token can live. */
export class RevokedTokens {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @returns false if it was revoked before. */
  revoke(id: string, now: number): boolean {
    const insert = "INSERT OR IGNORE INTO switchyard_revoked_tokens VALUES (?, ?)";
    const isNew = this.#store.change(insert, id, now) > 0;
    // Nobody is told by an alarm: the next one to be revoked takes the old ones along.
    const expired = now - LONGEST_TOKEN_SECONDS * 1000;
    this.#store.run("DELETE FROM switchyard_revoked_tokens WHERE at < ?", expired);
    return isNew;
  }

  has(id: string): boolean {
    return this.#store.rows("SELECT 1 FROM switchyard_revoked_tokens WHERE id = ?", id).length > 0;
  }
}
