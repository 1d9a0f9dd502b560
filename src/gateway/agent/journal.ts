import type { AgentEventType, EventType, GatewayEvent, InstanceEventType } from "../contract/event";
import { LIMITS } from "../contract/limits";
import type { EventsRequest } from "../port";
import { formatEventCursor } from "../stream/cursor";
import { Dropped } from "./dropped";
import { type InstanceRow, iso, json } from "./ledger";
import { readWithinBudget } from "./budget";
import { allOf, type Condition } from "./route";
import type { Row, Store } from "../durable/store";
import { readStretch, type Stretch } from "./stretch";

/** One event as it is stored; what tells of the agent itself has no instance. */
interface EventRow extends Row {
  seq: number;
  instance_id: string | null;
  /** Place among the events of its instance, or of the agent itself: without a hole, also after the oldest are dropped. */
  number: number;
  workflow: string | null;
  attempt: number | null;
  type: EventType;
  time: number;
  data: string;
  key: string | null;
}

/** What is needed of the newest and the oldest event of an instance. */
type Edge = Pick<EventRow, "seq" | "number">;
/** What is needed of an event that is dropped. */
type Gone = Pick<EventRow, "seq" | "attempt" | "key">;

/** Whom an event tells of. */
type About = Pick<EventRow, "instance_id" | "workflow" | "attempt">;

const OF_AGENT: About = { instance_id: null, workflow: null, attempt: null };

/** Events that tell of the agent itself are kept up to this number. */
const KEEP_OF_AGENT = LIMITS.agentEvents.most;
/** What is too much is dropped each time that this many more have come. */
const DROP_EVERY = 64;

/** The place of the next event among those of an instance, or of the agent itself. */
const NEXT_NUMBER =
  "ifnull((SELECT number + 1 FROM switchyard_events WHERE instance_id IS ? ORDER BY seq DESC LIMIT 1), 1)";

/** The events of one agent, in the order in which they happened. */
export class Journal {
  readonly #store: Store;
  readonly #agent: string;
  readonly #keepEvents: (workflow: string) => number;
  readonly #dropped: Dropped;
  #unpublished: EventRow[] = [];

  /** @param keepEvents how many events of an instance of this workflow are kept. */
  constructor(store: Store, agent: string, keepEvents: (workflow: string) => number) {
    this.#store = store;
    this.#agent = agent;
    this.#keepEvents = keepEvents;
    this.#dropped = new Dropped(store);
  }

  /**
   * Appends an event of an instance, inside the transaction of the change it tells of.
   *
   * @param key the same key twice in one attempt is one event; null is always a new one.
   * @returns false if the journal has the key, or had it.
   */
  append(
    instance: InstanceRow,
    type: InstanceEventType,
    data: unknown,
    now: number,
    key: string | null = null,
  ): boolean {
    if (key !== null && this.#dropped.hasKey(instance.ordinal, key)) return false;
    const { id, workflow, attempt } = instance;
    const row = this.#insert({ instance_id: id, workflow, attempt }, type, data, now, key);
    if (row === undefined) return false;
    for (const old of this.#drop(row, this.#keepEvents(workflow))) {
      if (old.key !== null && old.attempt === attempt) this.#dropped.keepKey(instance.ordinal, old.key);
    }
    return true;
  }

  /** Appends an event of the agent itself, inside the transaction of the change it tells of. */
  appendOfAgent(type: AgentEventType, data: unknown, now: number): void {
    const row = this.#insert(OF_AGENT, type, data, now, null);
    if (row !== undefined) this.#drop(row, KEEP_OF_AGENT);
  }

  /** Notes that a new attempt of an instance began: what the one before reported does not count as known. Inside a change. */
  beginAttempt({ ordinal }: InstanceRow): void {
    this.#dropped.forgetKeys(ordinal);
  }

  /** Removes the events of an instance. Inside a change. */
  forget({ id, ordinal }: InstanceRow): void {
    const last = this.#edge(id, "DESC");
    if (last !== undefined) this.#dropped.note(null, last.seq);
    this.#store.run("DELETE FROM switchyard_events WHERE instance_id = ?", id);
    this.#dropped.forget(id, ordinal);
  }

  /** The last event of an instance; 0 if none is kept. */
  lastOf(instanceId: string): number {
    return this.#edge(instanceId, "DESC")?.seq ?? 0;
  }

  /** How many appended events were not published yet. */
  get unpublished(): number {
    return this.#unpublished.length;
  }

  /** Forgets what was appended after that many unpublished events: it was rolled back. */
  takeBack(unpublished: number): void {
    this.#unpublished.length = unpublished;
  }

  /** What was appended since it was last taken, from a place on. */
  appendedSince(unpublished: number): GatewayEvent[] {
    return this.#unpublished.slice(unpublished).map((row) => this.#toEvent(row));
  }

  /** Takes what was appended since the last call. */
  takeUnpublished(): GatewayEvent[] {
    const rows = this.#unpublished;
    this.#unpublished = [];
    return rows.map((row) => this.#toEvent(row));
  }

  /** Reads a stretch after a cursor. @throws ProblemError `invalid_cursor` if it is not a cursor. */
  read(request: EventsRequest): Stretch {
    const { instanceId } = request;
    const of: Condition[] = instanceId === undefined ? [] : [["instance_id = ?", instanceId]];
    return readStretch<EventRow>(
      {
        epoch: this.#store.meta("epoch"),
        dropped: this.#dropped.until(instanceId),
        rowsAfter: (seq, conditions, limit) =>
          this.#rowsAfter([...of, ["seq > ?", seq], ...conditions], limit),
        further: (seq, rows) => {
          const { where, bindings } = allOf([...of, ["seq > ?", seq]]);
          const query = `SELECT seq FROM switchyard_events ${where} ORDER BY seq LIMIT 1 OFFSET ?`;
          return this.#store.rows<{ seq: number }>(query, ...bindings, rows - 1)[0]?.seq;
        },
        last: () =>
          this.#store.rows<{ seq: number }>("SELECT seq FROM switchyard_events ORDER BY seq DESC LIMIT 1")[0]
            ?.seq ?? this.#dropped.until(undefined),
        toEvent: (row) => this.#toEvent(row),
      },
      request,
    );
  }

  /** The first events after a place, with the place of each: no more than one call takes. */
  after(seq: number, limit: number): { readonly seq: number; readonly event: GatewayEvent }[] {
    const { rows } = this.#rowsAfter([["seq > ?", seq]], limit);
    return rows.map((row) => ({ seq: row.seq, event: this.#toEvent(row) }));
  }

  #rowsAfter(conditions: readonly Condition[], limit: number) {
    const list = { table: "switchyard_events", large: ["data"], ...allOf(conditions), orderBy: "seq" };
    return readWithinBudget<EventRow>(this.#store, list, limit);
  }

  /** @returns undefined if the key is there. */
  #insert(
    about: About,
    type: EventType,
    data: unknown,
    now: number,
    key: string | null,
  ): EventRow | undefined {
    const { instance_id: instanceId, workflow, attempt } = about;
    const [row] = this.#store.rows<EventRow>(
      `INSERT INTO switchyard_events (instance_id, number, workflow, attempt, type, time, data, key)
       VALUES (?, ${NEXT_NUMBER}, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING *`,
      instanceId,
      instanceId,
      workflow,
      attempt,
      type,
      now,
      json(data),
      key,
    );
    if (row !== undefined) this.#unpublished.push(row);
    return row;
  }

  /** Drops the oldest events beside `newest`, if it is time to, so that `keep` are left. @returns what was dropped. */
  #drop({ instance_id: instanceId, number }: EventRow, keep: number): Gone[] {
    if (number <= keep || number % DROP_EVERY !== 0) return [];
    const oldest = this.#edge(instanceId, "ASC")?.number ?? number;
    const gone = this.#store.rows<Gone>(
      `DELETE FROM switchyard_events WHERE seq IN
         (SELECT seq FROM switchyard_events WHERE instance_id IS ? ORDER BY seq LIMIT ?) RETURNING seq, attempt, key`,
      instanceId,
      Math.max(number - oldest + 1 - keep, 0),
    );
    if (gone.length > 0) this.#dropped.note(instanceId, Math.max(...gone.map(({ seq }) => seq)));
    return gone;
  }

  /** The newest or the oldest event of an instance, or of the agent itself. */
  #edge(instanceId: string | null, direction: "ASC" | "DESC"): Edge | undefined {
    return this.#store.rows<Edge>(
      `SELECT seq, number FROM switchyard_events WHERE instance_id IS ? ORDER BY seq ${direction} LIMIT 1`,
      instanceId,
    )[0];
  }

  #toEvent(row: EventRow): GatewayEvent {
    const { instance_id: instanceId, workflow, attempt, type } = row;
    const id = formatEventCursor({ epoch: this.#store.meta("epoch"), seq: row.seq });
    const agent = this.#agent;
    const rest = { time: iso(row.time), data: JSON.parse(row.data) as unknown };
    // What is of an instance was appended with all three, and with a type of instances.
    return instanceId === null || workflow === null || attempt === null
      ? { id, type: type as AgentEventType, agent, ...rest }
      : { id, type: type as InstanceEventType, agent, instanceId, workflow, attempt, ...rest };
  }
}
