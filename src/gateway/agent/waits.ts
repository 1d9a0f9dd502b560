import type { WaitingFor } from "../contract/instance";
import { type InstanceRow, iso } from "./ledger";
import type { Row, Store } from "../durable/store";

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
  /** In milliseconds; null if it is not known. */
  readonly deadline: number | null;
}

/** The key of a wait: the first of its kind under this name, the second, and so on, as the engine counts them. */
export function waitKey(kind: "event" | "time", stepName: string, occurrence: number): string {
  return `${kind}:${stepName}:${occurrence}`;
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
      this.#store.change(
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
      this.#store.change(
        "UPDATE switchyard_waits SET open = 0 WHERE instance_id = ? AND attempt = ? AND key = ? AND open = 1",
        instance.id,
        instance.attempt,
        key,
      ) > 0
    );
  }

  /** Ends a wait that turns out to be the one of a gate. @returns its type; undefined if there is no such open wait. */
  take(instance: InstanceRow, key: string): string | undefined {
    return (
      this.#store.rows<{ event_type: string | null }>(
        `UPDATE switchyard_waits SET open = 0 WHERE instance_id = ? AND attempt = ? AND key = ? AND open = 1
       RETURNING event_type`,
        instance.id,
        instance.attempt,
        key,
      )[0]?.event_type ?? undefined
    );
  }

  /** Notes that a gate was passed before it was ever asked here, and under which type the engine waited. */
  pass(instance: InstanceRow, stepName: string, occurrence: number, eventType: string): void {
    this.#store.run(
      `INSERT INTO switchyard_waits (instance_id, attempt, key, step_name, event_type, deadline, open)
       VALUES (?, ?, ?, ?, ?, NULL, 0) ON CONFLICT DO NOTHING`,
      instance.id,
      instance.attempt,
      passedKey(stepName, occurrence),
      stepName,
      eventType,
    );
  }

  /** The type under which the engine waited at a gate that was passed before it was asked here; undefined if it was not. */
  passedType(instance: InstanceRow, stepName: string, occurrence: number): string | undefined {
    const passed =
      "SELECT event_type FROM switchyard_waits WHERE instance_id = ? AND attempt = ? AND key = ?";
    return this.#store.rows<{ event_type: string }>(
      passed,
      instance.id,
      instance.attempt,
      passedKey(stepName, occurrence),
    )[0]?.event_type;
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

function passedKey(stepName: string, occurrence: number): string {
  return `gate:${stepName}:${occurrence}`;
}
