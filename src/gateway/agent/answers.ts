import { ProblemError } from "../contract/problem";
import type { Once } from "../port";
import { json } from "./ledger";
import type { Row, Store } from "./store";

interface AnswerRow extends Row {
  fingerprint: string;
  answer: string;
}

/** The answers that were given under an idempotency key. */
export class Answers {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws ProblemError `idempotency_key_reused` if the key was used for another request. */
  find({ key, fingerprint }: Once): { readonly answer: unknown } | undefined {
    const [row] = this.#store.rows<AnswerRow>("SELECT * FROM switchyard_answers WHERE key = ?", key);
    if (row === undefined) return undefined;
    if (row.fingerprint !== fingerprint) throw new ProblemError("idempotency_key_reused");
    return { answer: JSON.parse(row.answer) as unknown };
  }

  /** Keeps an answer, inside the transaction of what it tells of. */
  keep({ key, fingerprint }: Once, answer: unknown, now: number): void {
    this.#store.run(
      "INSERT INTO switchyard_answers VALUES (?, ?, ?, ?)",
      key,
      fingerprint,
      json(answer),
      now,
    );
  }

  /** Forgets answers given before a time. */
  forgetBefore(time: number): void {
    this.#store.run("DELETE FROM switchyard_answers WHERE at < ?", time);
  }
}
