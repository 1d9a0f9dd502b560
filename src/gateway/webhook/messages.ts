import type { AttemptError, DeliveryStatus, WebhookType } from "../contract/webhook";
import type { Row, Store } from "../durable/store";

/** One message, without its body. */
export interface MessageRow extends Row {
  /** Order in which they came. */
  ordinal: number;
  id: string;
  type: WebhookType;
  status: DeliveryStatus;
  created_at: number;
  /** When it is sent next; null once it has ended. */
  due_at: number | null;
  ended_at: number | null;
  /** Names the request for which it is sent again; the first round has no name. */
  round: string;
  /** Attempts of this round that failed. */
  failures: number;
  /** Attempts of all rounds. */
  attempts: number;
}

export interface AttemptRow extends Row {
  message: number;
  number: number;
  at: number;
  duration_ms: number;
  status: number | null;
  error: AttemptError | null;
  next_at: number | null;
}

/** A message as it is handed over. */
export interface Message {
  readonly id: string;
  readonly type: WebhookType;
  readonly body: string;
}

/** Which messages are listed, or sent again. */
export interface MessageFilter {
  readonly statuses: readonly DeliveryStatus[];
  /** From this time on, in milliseconds. */
  readonly since?: number;
  /** Before this time. */
  readonly until?: number | undefined;
}

/** What came of one attempt. */
export interface Tried {
  readonly at: number;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: AttemptError | null;
}

const COLUMNS = "ordinal, id, type, status, created_at, due_at, ended_at, round, failures, attempts";
/** The newest messages are kept, this many. */
export const MOST_MESSAGES = 100_000;
/** The newest attempts of a message are kept, this many. */
const MOST_ATTEMPTS = 100;
const DAY_MS = 86_400_000;
/** How long what has ended is kept, in milliseconds. */
export const KEPT_MS = { delivered: 7 * DAY_MS, failed: 30 * DAY_MS } as const;
/** What has ended is deleted together, not each at its own time. */
const TOGETHER_MS = 3_600_000;
const SWEPT_AT_ONCE = 1_000;

/** What one endpoint is to be sent, and was. */
export class Messages {
  readonly #store: Store;
  readonly #most: number;

  constructor(store: Store, most: number = MOST_MESSAGES) {
    this.#store = store;
    this.#most = most;
  }

  /** Takes a message that is due at once; one that is there already stays as it is. Inside a change. */
  add({ id, type, body }: Message, now: number): void {
    const [row] = this.#store.rows<{ ordinal: number }>(
      `INSERT INTO switchyard_messages (id, type, status, created_at, due_at, round, failures, attempts, body)
       VALUES (?, ?, 'pending', ?, ?, '', 0, 0, ?) ON CONFLICT (id) DO NOTHING RETURNING ordinal`,
      id,
      type,
      now,
      now,
      body,
    );
    if (row !== undefined) this.#deleteBefore(row.ordinal - this.#most + 1);
  }

  find(id: string): MessageRow | undefined {
    return this.#store.rows<MessageRow>(`SELECT ${COLUMNS} FROM switchyard_messages WHERE id = ?`, id)[0];
  }

  bodyOf({ ordinal }: MessageRow): string {
    const query = "SELECT body FROM switchyard_messages WHERE ordinal = ?";
    return this.#store.rows<{ body: string }>(query, ordinal)[0]?.body ?? "";
  }

  /** What is due, the longest due first, without what is being sent. */
  due(now: number, without: ReadonlySet<string>, limit: number): MessageRow[] {
    const query = `SELECT ${COLUMNS} FROM switchyard_messages WHERE due_at <= ? ORDER BY due_at, ordinal LIMIT ?`;
    const rows = this.#store.rows<MessageRow>(query, now, limit + without.size);
    return rows.filter(({ id }) => !without.has(id)).slice(0, limit);
  }

  /** When the next is due, in milliseconds; undefined if none waits. */
  nextDueAt(): number | undefined {
    const query = "SELECT min(due_at) AS at FROM switchyard_messages WHERE due_at IS NOT NULL";
    return this.#store.rows<{ at: number | null }>(query)[0]?.at ?? undefined;
  }

  /**
   * Notes what came of an attempt. Inside a change. A message that was asked for again meanwhile stays due for that.
   *
   * @param nextAt when it is tried again; undefined if it is not.
   */
  tried(message: MessageRow, attempt: Tried, nextAt: number | undefined, now: number): void {
    const { ordinal, round } = message;
    const [row] = this.#store.rows<{ attempts: number }>(
      "UPDATE switchyard_messages SET attempts = attempts + 1 WHERE ordinal = ? RETURNING attempts",
      ordinal,
    );
    if (row === undefined) return;
    this.#store.run(
      "INSERT INTO switchyard_attempts VALUES (?, ?, ?, ?, ?, ?, ?)",
      ordinal,
      row.attempts,
      attempt.at,
      attempt.durationMs,
      attempt.status,
      attempt.error,
      nextAt ?? null,
    );
    this.#store.run(
      "DELETE FROM switchyard_attempts WHERE message = ? AND number <= ?",
      ordinal,
      row.attempts - MOST_ATTEMPTS,
    );
    const isDelivered = attempt.error === null;
    const status: DeliveryStatus = isDelivered ? "delivered" : nextAt === undefined ? "failed" : "pending";
    this.#store.run(
      `UPDATE switchyard_messages SET status = ?, due_at = ?, ended_at = ?, failures = failures + ?
       WHERE ordinal = ? AND round = ?`,
      status,
      nextAt ?? null,
      status === "pending" ? null : now,
      isDelivered ? 0 : 1,
      ordinal,
      round,
    );
  }

  /** Begins a new round with a message, at once. Inside a change. @param round names what asked for it; it counts once. */
  sendAgain({ ordinal }: MessageRow, round: string, now: number): void {
    this.#store.run(
      `UPDATE switchyard_messages SET status = 'pending', due_at = ?, ended_at = NULL, failures = 0, round = ?
       WHERE ordinal = ? AND round <> ?`,
      now,
      round,
      ordinal,
      round,
    );
  }

  /** The newest first, before a place. */
  newest({ statuses }: MessageFilter, before: number, limit: number): MessageRow[] {
    const query = `SELECT ${COLUMNS} FROM switchyard_messages WHERE ordinal < ? AND status = ? ORDER BY ordinal DESC LIMIT ?`;
    return statuses
      .flatMap((status) => this.#store.rows<MessageRow>(query, before, status, limit))
      .toSorted((one, other) => other.ordinal - one.ordinal)
      .slice(0, limit);
  }

  /** The oldest first, after a place. */
  oldest(
    { statuses, since = 0, until = Number.MAX_SAFE_INTEGER }: MessageFilter,
    after: number,
    limit: number,
  ): MessageRow[] {
    return this.#store.rows<MessageRow>(
      `SELECT ${COLUMNS} FROM switchyard_messages
       WHERE ordinal > ? AND created_at >= ? AND created_at < ? AND status IN (SELECT value FROM json_each(?))
       ORDER BY ordinal LIMIT ?`,
      after,
      since,
      until,
      JSON.stringify(statuses),
      limit,
    );
  }

  /** What was tried of a message, oldest first. */
  attemptsOf({ ordinal }: MessageRow): AttemptRow[] {
    const query = "SELECT * FROM switchyard_attempts WHERE message = ? ORDER BY number";
    return this.#store.rows<AttemptRow>(query, ordinal);
  }

  lastAttemptOf({ ordinal }: MessageRow): AttemptRow | undefined {
    const query = "SELECT * FROM switchyard_attempts WHERE message = ? ORDER BY number DESC LIMIT 1";
    return this.#store.rows<AttemptRow>(query, ordinal)[0];
  }

  /** Deletes what ended long ago. Inside a change. */
  sweep(now: number): void {
    for (const [status, keptMs] of Object.entries(KEPT_MS)) {
      const over = this.#store.rows<{ ordinal: number }>(
        "SELECT ordinal FROM switchyard_messages WHERE status = ? AND ended_at <= ? ORDER BY ended_at LIMIT ?",
        status,
        now - keptMs,
        SWEPT_AT_ONCE,
      );
      for (const { ordinal } of over) this.#delete(ordinal);
    }
  }

  /** When there is something to delete next, in milliseconds; undefined if nothing has ended. */
  nextSweepAt(): number | undefined {
    const times = Object.entries(KEPT_MS).flatMap(([status, keptMs]) => {
      const query =
        "SELECT min(ended_at) AS at FROM switchyard_messages WHERE status = ? AND ended_at IS NOT NULL";
      const at = this.#store.rows<{ at: number | null }>(query, status)[0]?.at;
      return typeof at === "number" ? [at + keptMs + TOGETHER_MS] : [];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** What is too much goes, whether it was sent or not. */
  #deleteBefore(ordinal: number): void {
    const query = "SELECT ordinal FROM switchyard_messages WHERE ordinal < ? ORDER BY ordinal LIMIT 10";
    for (const { ordinal: old } of this.#store.rows<{ ordinal: number }>(query, ordinal)) this.#delete(old);
  }

  #delete(ordinal: number): void {
    this.#store.run("DELETE FROM switchyard_attempts WHERE message = ?", ordinal);
    this.#store.run("DELETE FROM switchyard_messages WHERE ordinal = ?", ordinal);
  }
}
