import { createHash } from "node:crypto";
import type { Store } from "../durable/store";

/** Stands for all instances together where the id of one would stand. */
const WHOLE_AGENT = "";

/** What a journal remembers of the events that it no longer keeps: their keys, and up to where some are missing. */
export class Dropped {
  readonly #store: Store;
  /** Whether there may be any key; undefined until somebody has looked since the last rollback. */
  #isAnyKey: boolean | undefined;
  #rollbacks = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether an event with this key was dropped in the present attempt of an instance. @param instance its ordinal. */
  hasKey(instance: number, key: string): boolean {
    if (this.#rollbacks !== this.#store.rollbacks) this.#isAnyKey = undefined;
    this.#rollbacks = this.#store.rollbacks;
    this.#isAnyKey ??=
      this.#store.rows("SELECT 1 FROM switchyard_dropped_keys WHERE instance > 0 LIMIT 1").length > 0;
    if (!this.#isAnyKey) return false;
    const query = "SELECT 1 FROM switchyard_dropped_keys WHERE instance = ? AND digest = ?";
    return this.#store.rows(query, instance, digestOf(key)).length > 0;
  }

  /** Keeps the key of an event that is dropped, so that it does not come back as a new one. */
  keepKey(instance: number, key: string): void {
    this.#isAnyKey = true;
    this.#store.run(
      "INSERT INTO switchyard_dropped_keys VALUES (?, ?) ON CONFLICT DO NOTHING",
      instance,
      digestOf(key),
    );
  }

  /** Forgets the keys of an instance: of an attempt that is over, nothing is told any more. */
  forgetKeys(instance: number): void {
    this.#store.run("DELETE FROM switchyard_dropped_keys WHERE instance = ?", instance);
  }

  /** Notes that events are gone, of which this is the last. @param instanceId null if they are of none, or it goes too. */
  note(instanceId: string | null, seq: number): void {
    for (const place of instanceId === null ? [WHOLE_AGENT] : [WHOLE_AGENT, instanceId]) {
      this.#store.run(
        `INSERT INTO switchyard_dropped_events VALUES (?, ?)
         ON CONFLICT (instance_id) DO UPDATE SET seq = max(seq, excluded.seq)`,
        place,
        seq,
      );
    }
  }

  /** The last event that was dropped of an instance, or of the whole agent; 0 if all are kept. */
  until(instanceId: string | undefined): number {
    const query = "SELECT seq FROM switchyard_dropped_events WHERE instance_id = ?";
    return this.#store.rows<{ seq: number }>(query, instanceId ?? WHOLE_AGENT)[0]?.seq ?? 0;
  }

  /** Forgets an instance. What is missing of the whole agent stays known. */
  forget(instanceId: string, instance: number): void {
    this.forgetKeys(instance);
    this.#store.run("DELETE FROM switchyard_dropped_events WHERE instance_id = ?", instanceId);
  }
}

/** Sixteen characters for a key of any length: two keys of one attempt do not share 96 bits. */
function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url").slice(0, 16);
}
