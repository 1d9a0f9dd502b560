import type { GatewayEvent } from "../contract/event";
import { isOfInstance } from "../contract/event";
import type { EventsRequest } from "../port";
import { formatEventCursor } from "../stream/cursor";
import { readWithinBudget } from "./budget";
import { allOf, type Condition } from "./route";
import type { Row, Store } from "../durable/store";
import { readStretch, type Stretch } from "./stretch";

/** One event of an agent or of one below it, as its ancestor keeps it. */
interface FeedRow extends Row {
  seq: number;
  agent: string;
  instance_id: string | null;
  type: string;
  workflow: string | null;
  /** The event as JSON, but for its id, which is that of this list. */
  event: string;
}

/** An instance whose events are to be forgotten; without an id, those of an agent and of all below it. */
export interface Forgotten {
  readonly agent: string;
  readonly instanceId: string | null;
}

/** So many events are kept, the newest; fewer, where some were forgotten with their instance. */
const KEEP = 10_000;
/** What is too much is dropped each time that this many more have come. */
const DROP_EVERY = 64;

/**
 * The events of an agent and of all below it, in the order in which they arrived here: what the stream of a subtree is read
 * from. An agent that has sub-agents keeps one.
 */
export class Feed {
  readonly #store: Store;
  #unpublished: GatewayEvent[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /** Appends events, inside the transaction in which they came to be, or came up. */
  add(events: readonly GatewayEvent[]): void {
    for (const event of events) {
      const { id: _, ...kept } = event;
      const about = isOfInstance(event) ? event : undefined;
      const [row] = this.#store.rows<FeedRow>(
        `INSERT INTO switchyard_feed (agent, instance_id, type, workflow, event) VALUES (?, ?, ?, ?, ?) RETURNING *`,
        event.agent,
        about?.instanceId ?? null,
        event.type,
        about?.workflow ?? null,
        JSON.stringify(kept),
      );
      if (row === undefined) throw new Error("an event could not be kept");
      this.#unpublished.push(this.#toEvent(row));
      if (row.seq % DROP_EVERY === 0) this.#dropUntil(row.seq - KEEP);
    }
  }

  /** Removes what is kept of an instance, or of an agent and all below it. Inside a change. */
  forget({ agent, instanceId }: Forgotten): void {
    const [condition, ...bindings]: Condition =
      instanceId === null
        ? // All paths that go on after this one: a slash is followed by a zero in ASCII.
          ["(agent = ? OR (agent >= ? AND agent < ?))", agent, `${agent}/`, `${agent}0`]
        : ["agent = ? AND instance_id = ?", agent, instanceId];
    const [last] = this.#store.rows<{ seq: number | null }>(
      `SELECT max(seq) AS seq FROM switchyard_feed WHERE ${condition}`,
      ...bindings,
    );
    this.#store.run(`DELETE FROM switchyard_feed WHERE ${condition}`, ...bindings);
    this.#noteDropped(last?.seq ?? 0);
  }

  /** Forgets what was appended and not published: it was rolled back. */
  takeBack(): void {
    this.#unpublished = [];
  }

  /** Takes what was appended since the last call. */
  takeUnpublished(): GatewayEvent[] {
    return this.#unpublished.splice(0);
  }

  /** Reads a stretch after a cursor. @throws ProblemError `invalid_cursor` if it is not a cursor. */
  read(request: EventsRequest): Stretch {
    return readStretch<FeedRow>(
      {
        epoch: this.#epoch(),
        dropped: this.#dropped(),
        rowsAfter: (seq, conditions, limit) => this.#rowsAfter(seq, limit, conditions),
        further: (seq, rows) =>
          this.#store.rows<{ seq: number }>(
            "SELECT seq FROM switchyard_feed WHERE seq > ? ORDER BY seq LIMIT 1 OFFSET ?",
            seq,
            rows - 1,
          )[0]?.seq,
        last: () => this.last(),
        toEvent: (row) => this.#toEvent(row),
      },
      request,
    );
  }

  /** The first events after a place, with the place of each: no more than one call takes. */
  after(seq: number, limit: number): { readonly seq: number; readonly event: GatewayEvent }[] {
    return this.#rowsAfter(seq, limit).rows.map((row) => ({ seq: row.seq, event: this.#toEvent(row) }));
  }

  /** The place of the last event. */
  last(): number {
    const [row] = this.#store.rows<{ seq: number | null }>("SELECT max(seq) AS seq FROM switchyard_feed");
    return row?.seq ?? this.#dropped();
  }

  #rowsAfter(seq: number, limit: number, conditions: readonly Condition[] = []) {
    const list = allOf([["seq > ?", seq], ...conditions]);
    return readWithinBudget<FeedRow>(
      this.#store,
      { table: "switchyard_feed", large: ["event"], ...list, orderBy: "seq" },
      limit,
    );
  }

  #dropUntil(seq: number): void {
    const dropped = this.#store.change("DELETE FROM switchyard_feed WHERE seq <= ?", seq);
    if (dropped > 0) this.#noteDropped(seq);
  }

  #noteDropped(seq: number): void {
    if (seq > this.#dropped()) this.#store.setMeta("feed_dropped", String(seq));
  }

  #dropped(): number {
    return Number(this.#store.findMeta("feed_dropped") ?? 0);
  }

  /** Another one than that of the journal: a cursor is good for one of the two. */
  #epoch(): string {
    return this.#store.meta("feed_epoch");
  }

  #toEvent({ seq, event }: FeedRow): GatewayEvent {
    const id = formatEventCursor({ epoch: this.#epoch(), seq });
    return { id, ...(JSON.parse(event) as Omit<GatewayEvent, "id">) } as GatewayEvent;
  }
}
