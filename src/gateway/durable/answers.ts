import { ProblemError } from "../contract/problem";
import type { Once } from "../port";
import type { Row, Store } from "./store";

interface AnswerRow extends Row {
  fingerprint: string;
  /** JSON; null while the answer is still being made. */
  answer: string | null;
}

/** The migration that makes their table. */
export const ANSWERS_TABLE = `
  CREATE TABLE switchyard_answers (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    answer TEXT,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX switchyard_answers_by_time ON switchyard_answers (at);
`;

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

  /**
   * @throws ProblemError `idempotency_key_reused` if the key was used for another request, `request_in_progress` if that
   *   request is not answered yet.
   */
  find({ key, fingerprint }: Once): { readonly answer: unknown } | undefined {
    const [row] = this.#store.rows<AnswerRow>("SELECT * FROM switchyard_answers WHERE key = ?", key);
    if (row === undefined) return undefined;
    if (row.fingerprint !== fingerprint) throw new ProblemError("idempotency_key_reused");
    if (row.answer === null) throw new ProblemError("request_in_progress");
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

  /** The answer that was given; otherwise notes that it is being made. Inside a change. */
  findOrBegin(once: Once, now: number): { readonly answer: unknown } | undefined {
    const given = this.find(once);
    if (given === undefined) {
      this.#store.run(
        "INSERT INTO switchyard_answers VALUES (?, ?, NULL, ?)",
        once.key,
        once.fingerprint,
        now,
      );
    }
    return given;
  }

  /** Keeps the answer to what was begun. */
  finish({ key }: Once, answer: unknown): void {
    this.#store.run("UPDATE switchyard_answers SET answer = ? WHERE key = ?", json(answer), key);
  }

  /** Forgets that something was begun: it failed, and the same request may try again. */
  abandon({ key }: Once): void {
    this.#store.run("DELETE FROM switchyard_answers WHERE key = ? AND answer IS NULL", key);
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

function json(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
