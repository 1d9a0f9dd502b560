import type { EventType, GatewayEvent } from "../contract/event";
import { ProblemError } from "../contract/problem";
import type { EventsAnswer, EventsRequest } from "../port";
import { type EventCursor, formatEventCursor, parseEventCursor } from "../stream/cursor";
import { type InstanceRow, iso, json } from "./ledger";
import { takeWithinBudget } from "./page";
import type { Row, Store } from "./store";

interface EventRow extends Row {
  seq: number;
  instance_id: string;
  workflow: string;
  attempt: number;
  type: EventType;
  time: number;
  data: string;
}

/** The events of one agent, in the order in which they happened. */
export class Journal {
  readonly #store: Store;
  readonly #agent: string;
  #unpublished: EventRow[] = [];

  constructor(store: Store, agent: string) {
    this.#store = store;
    this.#agent = agent;
  }

  /**
   * Appends an event, inside the transaction of the change it tells of.
   *
   * @param key the same key twice in one attempt is one event; null is always a new one.
   * @returns false if the journal has the key.
   */
  append(
    instance: InstanceRow,
    type: EventType,
    data: unknown,
    now: number,
    key: string | null = null,
  ): boolean {
    const [row] = this.#store.rows<EventRow>(
      `INSERT INTO switchyard_events (instance_id, workflow, attempt, type, time, data, key) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING RETURNING seq, instance_id, workflow, attempt, type, time, data`,
      instance.id,
      instance.workflow,
      instance.attempt,
      type,
      now,
      json(data),
      key,
    );
    if (row === undefined) return false;
    this.#unpublished.push(row);
    return true;
  }

  /** Takes what was appended since the last call; after a rollback, to forget it. */
  takeUnpublished(): GatewayEvent[] {
    const rows = this.#unpublished;
    this.#unpublished = [];
    return rows.map((row) => this.#toEvent(row));
  }

  /** Reads a stretch after a cursor. @throws ProblemError `invalid_cursor` if it is not a cursor. */
  read(request: EventsRequest): Omit<EventsAnswer, "ended" | "tailKey"> {
    const epoch = this.#store.meta("epoch");
    const given = request.after === undefined ? { epoch, seq: 0 } : requireCursor(request.after);
    // A cursor of an earlier life of this name: what it stood behind is gone.
    const gap = given.epoch !== epoch;
    const after = gap ? 0 : given.seq;
    const rows =
      request.instanceId === undefined
        ? this.#store.rows<EventRow>(
            "SELECT * FROM switchyard_events WHERE seq > ? ORDER BY seq LIMIT ?",
            after,
            request.limit + 1,
          )
        : this.#store.rows<EventRow>(
            "SELECT * FROM switchyard_events WHERE instance_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            request.instanceId,
            after,
            request.limit + 1,
          );
    const taken = takeWithinBudget(rows, request.limit);
    const events = taken.map((row) => this.#toEvent(row));
    const from = formatEventCursor({ epoch, seq: after });
    return { events, from, cursor: events.at(-1)?.id ?? from, more: rows.length > taken.length, gap };
  }

  #toEvent(row: EventRow): GatewayEvent {
    return {
      id: formatEventCursor({ epoch: this.#store.meta("epoch"), seq: row.seq }),
      type: row.type,
      agent: this.#agent,
      instanceId: row.instance_id,
      workflow: row.workflow,
      attempt: row.attempt,
      time: iso(row.time),
      data: JSON.parse(row.data) as unknown,
    };
  }
}

function requireCursor(text: string): EventCursor {
  const cursor = parseEventCursor(text);
  if (cursor === undefined) {
    throw new ProblemError("invalid_cursor", {
      detail: "Use the id of an event, or nextCursor of a page of events.",
    });
  }
  return cursor;
}
