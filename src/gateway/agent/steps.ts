import type { StepChange, StepEvent, StepEventType } from "../contract/step-event";
import { type InstanceRow, iso } from "./ledger";
import { readWithinBudget } from "./budget";
import { allOf } from "./route";
import type { Row, Store } from "../durable/store";

/** One event of a step as it is stored. */
export interface StepRow extends Row {
  seq: number;
  instance_id: string;
  attempt: number;
  /** The engine's own number of it, which begins anew with each attempt. */
  engine_event: number;
  type: StepEventType;
  step_name: string;
  occurrence: number;
  time: number;
  /** The rest of what is told of it, as JSON. */
  data: string;
}

/** How far the steps of an instance were read from the engine; there is none as long as nobody has asked for them. */
export interface StepReading extends Row {
  instance_id: string;
  attempt: number;
  /** The last event of the attempt that was read, shown or not. */
  engine_event: number;
  /** 1 once the attempt is over and nothing of it is left to read. */
  complete: number;
  copied: number;
  /** The last that was dropped, and when it happened. */
  dropped_seq: number;
  dropped_time: number;
}

/** What a step does of which another event will tell. */
export type OpenStep = Pick<StepRow, "type" | "time" | "data">;

/** What is too much is dropped each time that this many more have come. */
const DROP_EVERY = 64;

/** What the engine told of the steps of instances, as far as anybody asked for it. */
export class Steps {
  readonly #store: Store;
  readonly #agent: string;
  readonly #keep: (workflow: string) => number;

  /** @param keep how many events of steps of one instance of this workflow are kept. */
  constructor(store: Store, agent: string, keep: (workflow: string) => number) {
    this.#store = store;
    this.#agent = agent;
    this.#keep = keep;
  }

  /** How far an instance was read; undefined if it never was. */
  reading(instanceId: string): StepReading | undefined {
    return this.#store.rows<StepReading>(
      "SELECT * FROM switchyard_step_readings WHERE instance_id = ?",
      instanceId,
    )[0];
  }

  /** The instances that are being read, and are not through. */
  unfinished(): string[] {
    return this.#store
      .rows<Pick<StepReading, "instance_id">>(
        "SELECT instance_id FROM switchyard_step_readings WHERE complete = 0",
      )
      .map(({ instance_id: id }) => id);
  }

  /** Begins to read the present attempt of an instance, from the beginning. Inside a change. */
  beginAttempt({ id, attempt }: InstanceRow): void {
    this.#store.run(
      `INSERT INTO switchyard_step_readings VALUES (?, ?, 0, 0, 0, 0, 0)
       ON CONFLICT (instance_id) DO UPDATE SET attempt = excluded.attempt, engine_event = 0, complete = 0`,
      id,
      attempt,
    );
  }

  /** Notes that nothing is left to read of an attempt. Inside a change. */
  complete(instanceId: string, attempt: number): void {
    this.#store.run(
      "UPDATE switchyard_step_readings SET complete = 1 WHERE instance_id = ? AND attempt = ?",
      instanceId,
      attempt,
    );
  }

  /**
   * Takes the next event of the attempt that is read. Inside a change.
   *
   * @param change what is shown of it; undefined if nothing is.
   * @returns the event, unless it is not shown, or known: a restart from a step leaves what was before it in the history.
   */
  append(
    { id, workflow }: InstanceRow,
    { eventId, timestamp }: Pick<WorkflowInstanceEvent, "eventId" | "timestamp">,
    change: StepChange | undefined,
  ): StepRow | undefined {
    const [reading] = this.#store.rows<StepReading>(
      "UPDATE switchyard_step_readings SET engine_event = ? WHERE instance_id = ? RETURNING *",
      eventId,
      id,
    );
    if (reading === undefined || change === undefined || timestamp <= reading.dropped_time) return undefined;
    const { stepName, occurrence, ...rest } = change.data;
    const [row] = this.#store.rows<StepRow>(
      `INSERT INTO switchyard_steps (instance_id, attempt, engine_event, type, step_name, occurrence, time, data)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING *`,
      id,
      reading.attempt,
      eventId,
      change.type,
      stepName,
      occurrence,
      timestamp,
      JSON.stringify(rest),
    );
    if (row !== undefined) this.#count(id, reading.copied + 1, this.#keep(workflow));
    return row;
  }

  /** Reads what came after an event. */
  after(instanceId: string, seq: number, limit: number): { rows: StepRow[]; more: boolean } {
    const list = allOf([
      ["instance_id = ?", instanceId],
      ["seq > ?", seq],
    ]);
    return readWithinBudget<StepRow>(
      this.#store,
      { table: "switchyard_steps", large: ["data"], ...list, orderBy: "seq" },
      limit,
    );
  }

  /** The last event of the steps of an instance, kept or not; 0 if there was none. */
  lastOf(instanceId: string): number {
    const query = "SELECT seq FROM switchyard_steps WHERE instance_id = ? ORDER BY seq DESC LIMIT 1";
    return this.#store.rows<{ seq: number }>(query, instanceId)[0]?.seq ?? 0;
  }

  /** The steps of an attempt that are not over. */
  open(instanceId: string, attempt: number): OpenStep[] {
    return this.#store.rows<StepRow>(
      `SELECT type, time, data FROM
         (SELECT type, time, data, max(seq) FROM switchyard_steps WHERE instance_id = ? AND attempt = ?
          GROUP BY step_name, occurrence)
       WHERE type NOT IN ('step.completed', 'step.errored', 'step.expired')`,
      instanceId,
      attempt,
    );
  }

  /** Forgets the steps of an instance. Inside a change. */
  forget(instanceId: string): void {
    for (const table of ["steps", "step_readings"]) {
      this.#store.run(`DELETE FROM switchyard_${table} WHERE instance_id = ?`, instanceId);
    }
  }

  /** An event as clients see it. @param id the cursor after it. */
  toEvent(row: StepRow, workflow: string, id: string): StepEvent {
    const { type, instance_id: instanceId, attempt, step_name: stepName, occurrence } = row;
    const data = { stepName, occurrence, ...(JSON.parse(row.data) as object) };
    // What is stored of a type was made of a change of that type.
    const change = { type, data } as StepChange;
    return { id, agent: this.#agent, instanceId, workflow, attempt, time: iso(row.time), ...change };
  }

  /** Notes how many there were, and drops the oldest if it is time to. */
  #count(instanceId: string, copied: number, keep: number): void {
    this.#store.run(
      "UPDATE switchyard_step_readings SET copied = ? WHERE instance_id = ?",
      copied,
      instanceId,
    );
    if (copied <= keep || copied % DROP_EVERY !== 0) return;
    const [last] = this.#store.rows<Pick<StepRow, "seq" | "time">>(
      "SELECT seq, time FROM switchyard_steps WHERE instance_id = ? ORDER BY seq DESC LIMIT 1 OFFSET ?",
      instanceId,
      keep,
    );
    if (last === undefined) return;
    this.#store.run("DELETE FROM switchyard_steps WHERE instance_id = ? AND seq <= ?", instanceId, last.seq);
    this.#store.run(
      "UPDATE switchyard_step_readings SET dropped_seq = ?, dropped_time = max(dropped_time, ?) WHERE instance_id = ?",
      last.seq,
      last.time,
      instanceId,
    );
  }
}
