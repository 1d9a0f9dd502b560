import { ProblemError } from "../contract/problem";
import type { Once } from "../port";
import { json } from "./ledger";
import type { Row, Store } from "./store";

interface AnswerRow extends Row {
  fingerprint: string;
  answer: string;
}

/** How long an answer is kept, in milliseconds. */
export const ANSWERS_KEPT_MS = 86_400_000;
/** Answers are forgotten together, not each at its own time: so many wake their agent no oftener than this. */
const FORGOTTEN_TOGETHER_MS = 3_600_000;

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

  /** Forgets the answers whose time is over. */
  sweep(now: number): void {
    this.#store.run("DELETE FROM switchyard_answers WHERE at <= ?", now - ANSWERS_KEPT_MS);
  }

  /** When there is something to forget next, in milliseconds; undefined if nothing is kept. */
  nextSweepAt(): number | undefined {
    const [row] = this.#store.rows<{ at: number | null }>("SELECT min(at) AS at FROM switchyard_answers");
    return typeof row?.at === "number" ? row.at + ANSWERS_KEPT_MS + FORGOTTEN_TOGETHER_MS : undefined;
  }
}
