import type { AgentStep } from "../contract/names";
import type { EngineEvent, RestartPoint } from "./engine";
import type { Row, Store } from "../durable/store";

/** What must still be told, and to whom. */
export type Message =
  | {
      readonly kind: "create";
      readonly instanceId: string;
      readonly payload: { readonly params: Record<string, unknown> };
    }
  | { readonly kind: "event"; readonly instanceId: string; readonly payload: EngineEvent }
  | {
      readonly kind: "pause" | "resume";
      readonly instanceId: string;
      readonly payload: Record<string, never>;
    }
  | {
      readonly kind: "terminate";
      readonly instanceId: string;
      readonly payload: { readonly rollback: boolean };
    }
  | {
      readonly kind: "restart";
      readonly instanceId: string;
      readonly payload: { readonly from: RestartPoint | undefined; readonly attempt: number };
    }
  | {
      readonly kind: "delete";
      readonly instanceId: string;
      readonly payload: { readonly binding: string; readonly engineId: string };
    }
  | {
      readonly kind: "dissolve";
      /** No instance, but a name that no instance has. */
      readonly instanceId: string;
      readonly payload: AgentStep;
    };

/** Who messages are for: the engine, or sub-agents that end. */
export type Addressee = "engine" | "children";

/** A message with its place in the outbox, how often it was tried, and how often in a row that failed. */
export type Due = Message & {
  readonly ordinal: number;
  readonly tries: number;
  readonly failures: number;
};

interface OutboxRow extends Row {
  ordinal: number;
  instance_id: string;
  kind: Message["kind"];
  payload: string;
  tries: number;
  failures: number;
  due_at: number;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 60_000;
/** A message that failed this often in a row, over some minutes, does not fail by chance. */
export const MOST_FAILURES = 10;
/** A start is given up sooner, within a minute, an alarm that rings late included: somebody waits to see it begin. */
export const MOST_FAILURES_OF_START = 7;
/** How long a message waits at most that goes on failing. */
const LONGEST_DELAY_OF_FAILING_MS = 3_600_000;

/** A later message of an instance is not due before the earlier ones are taken. */
const HEADS = `FROM switchyard_outbox AS message WHERE NOT EXISTS (
  SELECT 1 FROM switchyard_outbox AS earlier
  WHERE earlier.instance_id = message.instance_id AND earlier.ordinal < message.ordinal
)`;

const FOR: Readonly<Record<Addressee | "anybody", string>> = {
  engine: "AND kind <> 'dissolve'",
  children: "AND kind = 'dissolve'",
  anybody: "",
};

/** Messages written with the change they follow from, and sent after it until they are taken. */
export class Outbox {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Adds a message, inside the transaction of its change. @param dueAt when it is sent, in milliseconds. */
  add({ kind, instanceId, payload }: Message, dueAt: number): void {
    this.#store.run(
      "INSERT INTO switchyard_outbox (instance_id, kind, payload, tries, failures, due_at) VALUES (?, ?, ?, 0, 0, ?)",
      instanceId,
      kind,
      JSON.stringify(payload),
      dueAt,
    );
  }

  /** Drops what an instance need not be told any more. */
  drop(instanceId: string, kinds: readonly Message["kind"][]): void {
    for (const kind of kinds) {
      this.#store.run("DELETE FROM switchyard_outbox WHERE instance_id = ? AND kind = ?", instanceId, kind);
    }
  }

  /** Whether an instance is still to be told this. */
  has(instanceId: string, kind: Message["kind"]): boolean {
    const query = "SELECT 1 FROM switchyard_outbox WHERE instance_id = ? AND kind = ? LIMIT 1";
    return this.#store.rows(query, instanceId, kind).length > 0;
  }

  /** What is to be deleted is looked for under the present name of its binding. */
  renameBinding(from: string, to: string): void {
    this.#store.run(
      `UPDATE switchyard_outbox SET payload = json_set(payload, '$.binding', ?)
       WHERE kind = 'delete' AND payload ->> '$.binding' = ?`,
      to,
      from,
    );
  }

  /** Makes the creation of an instance due now. @returns whether it was still to be created. */
  hastenCreate(instanceId: string, now: number): boolean {
    const hasten = "UPDATE switchyard_outbox SET due_at = ? WHERE instance_id = ? AND kind = 'create'";
    return this.#store.change(hasten, now, instanceId) > 0;
  }

  /** Whether an instance has still to be told something. */
  hasAny(instanceId: string): boolean {
    return (
      this.#store.rows("SELECT 1 FROM switchyard_outbox WHERE instance_id = ? LIMIT 1", instanceId).length > 0
    );
  }

  /** Whether the engine was never told of an instance: its creation is not due yet, and was not tried. */
  isUntold(instanceId: string, now: number): boolean {
    const untold =
      "SELECT 1 FROM switchyard_outbox WHERE instance_id = ? AND kind = 'create' AND tries = 0 AND due_at > ?";
    return this.#store.rows(untold, instanceId, now).length > 0;
  }

  /** The messages to send now: of each instance the oldest, so that an instance is told in order. */
  due(now: number, limit: number, addressee: keyof typeof FOR = "anybody"): Due[] {
    return this.#store
      .rows<OutboxRow>(
        `SELECT * ${HEADS} ${FOR[addressee]} AND due_at <= ? ORDER BY due_at, ordinal LIMIT ?`,
        now,
        limit,
      )
      .map((row) => ({
        ordinal: row.ordinal,
        tries: row.tries,
        failures: row.failures,
        ...({ kind: row.kind, instanceId: row.instance_id, payload: JSON.parse(row.payload) } as Message),
      }));
  }

  /** Forgets a message that was taken. */
  remove({ ordinal }: Due): void {
    this.#store.run("DELETE FROM switchyard_outbox WHERE ordinal = ?", ordinal);
  }

  /** Has a message that was taken in part sent again at once, and put off for as little as one that is new. */
  goOn({ ordinal }: Due, now: number): void {
    this.#store.run(
      "UPDATE switchyard_outbox SET tries = 0, failures = 0, due_at = ? WHERE ordinal = ?",
      now,
      ordinal,
    );
  }

  /** Puts off a message that was not taken: half a second, doubled each time, a minute at most. */
  putOff({ ordinal, tries }: Due, now: number): void {
    this.#defer(ordinal, 0, now + delayAfter(tries));
  }

  /** Puts off a message whose telling failed: the same, and, from the tenth time in a row, up to an hour. */
  fail({ ordinal, tries, failures }: Due, now: number): void {
    const delay =
      failures < MOST_FAILURES
        ? delayAfter(tries)
        : Math.min(LONGEST_DELAY_MS * 2 ** (failures - MOST_FAILURES + 1), LONGEST_DELAY_OF_FAILING_MS);
    this.#defer(ordinal, failures + 1, now + delay);
  }

  #defer(ordinal: number, failures: number, dueAt: number): void {
    this.#store.run(
      "UPDATE switchyard_outbox SET tries = tries + 1, failures = ?, due_at = ? WHERE ordinal = ?",
      failures,
      dueAt,
      ordinal,
    );
  }

  /** How many messages are left. */
  size(): number {
    return this.#store.rows<{ left: number }>("SELECT count(*) AS left FROM switchyard_outbox")[0]?.left ?? 0;
  }

  /** When the next message is due, in milliseconds; undefined if nothing is left to tell. */
  nextDueAt(addressee: keyof typeof FOR = "anybody"): number | undefined {
    const next = `SELECT due_at ${HEADS} ${FOR[addressee]} ORDER BY due_at LIMIT 1`;
    return this.#store.rows<{ due_at: number }>(next)[0]?.due_at;
  }
}

function delayAfter(tries: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** tries, LONGEST_DELAY_MS);
}
