import type { WaitingFor } from "../contract/instance";
import { type InstanceRow, iso } from "./ledger";
import type { Row, Store } from "./store";

interface WaitRow extends Row {
  key: string;
  step_name: string;
  event_type: string | null;
  deadline: number | null;
}

/** What a step of a workflow waits for, other than a person: an event, or a time. */
export interface Wait {
  /** The same each time the engine replays the step. */
  readonly key: string;
  readonly stepName: string;
  /** Undefined if it waits for a time alone. */
  readonly eventType: string | undefined;
  /** In milliseconds. */
  readonly deadline: number;
}

/** Where the instances of one agent wait. A wait that is over does not begin again when it is replayed. */
export class Waits {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @returns false if the wait is known. */
  begin(instance: InstanceRow, { key, stepName, eventType, deadline }: Wait): boolean {
    return (
      this.#store.run(
        `INSERT INTO switchyard_waits (instance_id, attempt, key, step_name, event_type, deadline, open)
         VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`,
        instance.id,
        instance.attempt,
        key,
        stepName,
        eventType ?? null,
        deadline,
      ) > 0
    );
  }

  /** @returns false if the wait is over already. */
  end(instance: InstanceRow, key: string): boolean {
    return (
      this.#store.run(
        "UPDATE switchyard_waits SET open = 0 WHERE instance_id = ? AND attempt = ? AND key = ? AND open = 1",
        instance.id,
        instance.attempt,
        key,
      ) > 0
    );
  }

  /** What the instance waits for longest, and its key; undefined if it waits for nothing. */
  current(instance: InstanceRow): { readonly key: string; readonly waitingFor: WaitingFor } | undefined {
    const [row] = this.#open(instance, "");
    if (row === undefined) return undefined;
    const { key, step_name: stepName, event_type: eventType } = row;
    const deadline = iso(row.deadline);
    return {
      key,
      waitingFor:
        eventType === null
          ? { type: "time", stepName, deadline }
          : { type: "event", eventType, stepName, deadline },
    };
  }

  /** Whether a step waits for events of this type. */
  isAwaited(instance: InstanceRow, eventType: string): boolean {
    return this.#open(instance, "AND event_type = ?", eventType).length > 0;
  }

  #open(instance: InstanceRow, where: string, ...bindings: SqlStorageValue[]): WaitRow[] {
    return this.#store.rows<WaitRow>(
      `SELECT * FROM switchyard_waits WHERE instance_id = ? AND attempt = ? AND open = 1 ${where} ORDER BY ordinal`,
      instance.id,
      instance.attempt,
      ...bindings,
    );
  }
}
