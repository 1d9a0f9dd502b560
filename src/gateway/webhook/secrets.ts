import type { Row, Store } from "../durable/store";
import { newSecret } from "./signature";

interface SecretRow extends Row {
  ordinal: number;
  made_by: string;
  secret: string;
  valid_until: number | null;
}

/** How long a secret is good for after another one was made, in milliseconds. */
const OVERLAP_MS = 86_400_000;
/** So long a secret is kept beyond that, for whoever asks again what a request made. */
const KEPT_MS = 2 * 86_400_000;

/** The secrets of one endpoint. They are kept nowhere else. */
export class Secrets {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Makes a secret, and ends the one before it a day later. Inside a change.
   *
   * @param madeBy names the request: the same again gives the same secret.
   */
  make(madeBy: string, now: number): string {
    const [made] = this.#store.rows<SecretRow>("SELECT * FROM switchyard_secrets WHERE made_by = ?", madeBy);
    if (made !== undefined) return made.secret;
    this.#store.run("DELETE FROM switchyard_secrets WHERE valid_until <= ?", now - KEPT_MS);
    this.#store.run(
      "UPDATE switchyard_secrets SET valid_until = ? WHERE valid_until IS NULL",
      now + OVERLAP_MS,
    );
    const secret = newSecret();
    this.#store.run("INSERT INTO switchyard_secrets (made_by, secret) VALUES (?, ?)", madeBy, secret);
    return secret;
  }

  /** Those that are good at a time, newest first. */
  validAt(now: number): string[] {
    return this.#store
      .rows<SecretRow>(
        "SELECT * FROM switchyard_secrets WHERE valid_until IS NULL OR valid_until > ? ORDER BY ordinal DESC",
        now,
      )
      .map(({ secret }) => secret);
  }
}
