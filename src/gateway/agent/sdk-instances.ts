import { type InstanceError, InstanceStatus, isTerminal, Metadata } from "../contract/instance";
import { isEngineStop } from "./engine";
import type { Row, Store } from "../durable/store";

/** Where the SDK keeps the instances that it started. */
const TABLE = "cf_agents_workflows";

/** An instance as the SDK's table has it. Its times are seconds. */
interface SdkRow extends Row {
  workflow_id: string;
  workflow_name: string;
  status: string;
  metadata: string | null;
  error_name: string | null;
  error_message: string | null;
  created_at: number;
  updated_at: number;
  completed_at: number | null;
}

/** An instance that the SDK started, in the gateway's terms. Times are milliseconds. */
export interface SdkInstance {
  readonly engineId: string;
  readonly binding: string;
  readonly status: InstanceStatus;
  readonly metadata: Metadata;
  readonly error: InstanceError | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly completedAt: number | null;
}

const LONGEST_KEY = 64;
const LONGEST_TEXT = 512;
const MOST_LABELS = 50;

/** The instances that the SDK has on record. */
export class SdkInstances {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  isAny(): boolean {
    return this.#store.hasTable(TABLE) && this.#store.rows(`SELECT 1 FROM ${TABLE} LIMIT 1`).length > 0;
  }

  /** Those of some bindings, oldest first. @param engineId only this one. */
  of(bindings: readonly string[], limit: number, engineId?: string): SdkInstance[] {
    if (bindings.length === 0 || !this.#store.hasTable(TABLE)) return [];
    const names = bindings.map(() => "?").join(", ");
    return this.#store
      .rows<SdkRow>(
        `SELECT * FROM ${TABLE} WHERE workflow_name IN (${names}) ${engineId === undefined ? "" : "AND workflow_id = ?"}
         ORDER BY created_at, rowid LIMIT ?`,
        ...bindings,
        ...(engineId === undefined ? [] : [engineId]),
        limit,
      )
      .map(toInstance);
  }

  delete(engineId: string): void {
    this.#store.run(`DELETE FROM ${TABLE} WHERE workflow_id = ?`, engineId);
  }

  /** Gives the instances of a binding that was renamed its present name. @returns how many there are. */
  rename(from: string, to: string): number {
    if (!this.#store.hasTable(TABLE)) return 0;
    return this.#store.change(`UPDATE ${TABLE} SET workflow_name = ? WHERE workflow_name = ?`, to, from);
  }
}

function toInstance(row: SdkRow): SdkInstance {
  const status = statusOf(row);
  return {
    engineId: row.workflow_id,
    binding: row.workflow_name,
    status,
    metadata: labelsOf(row.metadata),
    error:
      status === "errored" ? { name: row.error_name ?? "Error", message: row.error_message ?? "" } : null,
    createdAt: row.created_at * 1000,
    updatedAt: row.updated_at * 1000,
    completedAt: isTerminal(status) ? (row.completed_at ?? row.updated_at) * 1000 : null,
  };
}

/** What it waits for, and whether it is about to pause, is not on record: the engine knows. */
function statusOf({ status, error_message: message }: SdkRow): InstanceStatus {
  if (status === "errored" && message !== null && isEngineStop(message)) return "running";
  const { data = "running" } = InstanceStatus.safeParse(status);
  return data === "waiting" ? "running" : data;
}

/** The SDK takes any JSON: what is no label is made one. */
function labelsOf(text: string | null): Metadata {
  const metadata = JSON.parse(text ?? "null") as object | null;
  const fitting = Metadata.safeParse(metadata);
  if (fitting.success) return fitting.data;
  return Object.fromEntries(
    Object.entries(metadata ?? {})
      .filter(([key]) => key !== "")
      .slice(0, MOST_LABELS)
      .map(([key, value]) => [key.slice(0, LONGEST_KEY), labelOf(value)] as const),
  );
}

function labelOf(value: unknown): string | number | boolean {
  if (typeof value === "number" || typeof value === "boolean") return value;
  return (typeof value === "string" ? value : JSON.stringify(value)).slice(0, LONGEST_TEXT);
}
