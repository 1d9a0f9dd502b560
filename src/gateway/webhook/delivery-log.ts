import type { Page } from "../contract/page";
import { ProblemError } from "../contract/problem";
import type {
  Attempt,
  Delivery,
  DeliveryStatus,
  DeliveryWithAttempts,
  Redelivered,
} from "../contract/webhook";
import { placeOfCursor, sealCursor } from "../durable/sealed-cursor";
import type { EndpointRecords } from "./deliveries";
import type { AttemptRow, MessageFilter, MessageRow } from "./messages";

/** Most messages that one call sends again. */
export const REDELIVERED_AT_ONCE = 500;

/** Which messages are sent again. */
export interface RedeliveryRequest extends MessageFilter {
  readonly cursor: string | undefined;
  /** Names the request: what it began for a message, it does not begin again. */
  readonly round: string;
}

/** What one endpoint was sent, as clients see it, and how it is sent again. */
export class DeliveryLog {
  readonly #records: EndpointRecords;

  constructor(records: EndpointRecords) {
    this.#records = records;
  }

  /** A page, newest first. @throws ProblemError `invalid_cursor` */
  page({
    statuses,
    limit,
    cursor,
  }: {
    readonly statuses: readonly DeliveryStatus[];
    readonly limit: number;
    readonly cursor: string | undefined;
  }): Page<Delivery> {
    const list = `deliveries ${statuses.join()}`;
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : this.#placeOf(cursor, list);
    const rows = this.#records.messages.newest({ statuses }, before, limit + 1);
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      items: shown.map((row) => this.#toDelivery(row)),
      nextCursor: last === undefined ? null : this.#seal(last.ordinal, list),
    };
  }

  /** @throws ProblemError `delivery_not_found` */
  find(id: string): DeliveryWithAttempts {
    const row = this.#require(id);
    return { ...this.#toDelivery(row), attempts: this.#records.messages.attemptsOf(row).map(toAttempt) };
  }

  /** Begins to send a message again. Inside a change. @throws ProblemError `delivery_not_found` */
  redeliver(id: string, round: string, now: number): Delivery {
    this.#records.messages.sendAgain(this.#require(id), round, now);
    return this.#toDelivery(this.#require(id));
  }

  /** Begins to send the oldest of those again that match. Inside a change. @throws ProblemError `invalid_cursor` */
  redeliverMany({ cursor, round, ...filter }: RedeliveryRequest, now: number): Redelivered {
    const { statuses, since = 0, until } = filter;
    const list = `redelivery ${statuses.join()} ${since} ${until ?? "now"}`;
    const after = cursor === undefined ? 0 : this.#placeOf(cursor, list);
    const rows = this.#records.messages.oldest(filter, after, REDELIVERED_AT_ONCE + 1);
    const chosen = rows.slice(0, REDELIVERED_AT_ONCE);
    for (const row of chosen) this.#records.messages.sendAgain(row, round, now);
    const last = rows.length > REDELIVERED_AT_ONCE ? chosen.at(-1) : undefined;
    return {
      redelivered: chosen.length,
      nextCursor: last === undefined ? null : this.#seal(last.ordinal, list),
    };
  }

  #require(id: string): MessageRow {
    const row = this.#records.messages.find(id);
    if (row === undefined) throw new ProblemError("delivery_not_found");
    return row;
  }

  #toDelivery(row: MessageRow): Delivery {
    const last = this.#records.messages.lastAttemptOf(row);
    const self = `/webhooks/endpoints/${this.#records.target.config()?.id ?? ""}/deliveries/${row.id}`;
    return {
      id: row.id,
      type: row.type,
      status: row.status,
      createdAt: iso(row.created_at),
      attemptCount: row.attempts,
      lastAttempt: last === undefined ? null : toAttempt(last),
      nextAttemptAt: row.due_at === null ? null : iso(row.due_at),
      endedAt: row.ended_at === null ? null : iso(row.ended_at),
      links: { self, redeliver: `${self}/redeliver` },
    };
  }

  #seal(ordinal: number, list: string): string {
    return sealCursor(ordinal.toString(36), list, this.#records.store);
  }

  #placeOf(cursor: string, list: string): number {
    return Number.parseInt(placeOfCursor(cursor, list, this.#records.store), 36);
  }
}

function toAttempt(row: AttemptRow): Attempt {
  return {
    at: iso(row.at),
    durationMs: row.duration_ms,
    status: row.status,
    error: row.error,
    nextAttemptAt: row.next_at === null ? null : iso(row.next_at),
  };
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
