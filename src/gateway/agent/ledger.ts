import {
  type Instance,
  type InstanceError,
  type InstanceStatus,
  isTerminal,
  type Metadata,
  type WaitingFor,
} from "../contract/instance";
import type { InstanceFilter, InstancePage, ListOrder } from "../port";
import { nameOf, routesOf } from "./instance-filter";
import type { Labels } from "./labels";
import { type PageBounds, readPage } from "./page";
import { chooseRoute, countEntries, DIRECTIONS, readEntries } from "./route";
import type { Row, Store } from "../durable/store";

/** One instance as it is stored. Times are milliseconds; JSON is text. */
export interface InstanceRow extends Row {
  ordinal: number;
  id: string;
  engine_id: string;
  workflow: string;
  binding: string;
  attempt: number;
  status: InstanceStatus;
  /** What was asked for and is not reached yet. */
  intent: Intent | null;
  voice: Voice;
  waiting_for: string | null;
  params: string;
  metadata: string;
  progress: string | null;
  output: string | null;
  error: string | null;
  created_at: number;
  updated_at: number;
  started_at: number | null;
  completed_at: number | null;
  /** When the engine is asked next whether this is still true; null once the instance has ended, and its end is certain. */
  check_at: number | null;
  /** How long after the last look that is: it doubles while nothing changes. */
  check_after: number;
  /** Name of the principal who started it, as JSON; null if that is not known. */
  started_by: string | null;
}

/** What was asked for and is not reached yet. */
export type Intent = "pause" | "restart";

/**
 * Who tells what a run does. `gateway`: the run itself, which is of `GatewayWorkflow`. `unheard`: it has not been heard yet,
 * and never will be if its class is the SDK's own. `adopted`: likewise, and it was begun before there was a gateway. As long
 * as a run does not tell, where it waits is read from the engine.
 */
export type Voice = "gateway" | "unheard" | "adopted";

const FIRST_CHECK_MS = 60_000;
const LONGEST_CHECK_MS = 6 * 3_600_000;

/** What a change sets; fields left out stay. */
export interface InstanceChange {
  readonly status?: InstanceStatus;
  readonly attempt?: number;
  readonly intent?: Intent | null;
  readonly voice?: Voice;
  readonly waitingFor?: WaitingFor | null;
  readonly progress?: unknown;
  readonly output?: unknown;
  readonly error?: InstanceError | null;
  readonly createdAt?: number;
  readonly startedAt?: number | null;
  readonly completedAt?: number | null;
}

/** The instances of one agent: the truth about them. */
export class Ledger {
  readonly #store: Store;
  readonly #labels: Labels;

  constructor(store: Store, labels: Labels) {
    this.#store = store;
    this.#labels = labels;
  }

  /** @returns undefined if the id is taken. */
  insert(row: {
    id: string;
    engineId: string;
    workflow: string;
    binding: string;
    params: unknown;
    metadata: Metadata;
    /** Left out if it is not known. */
    startedBy?: string;
    now: number;
  }): InstanceRow | undefined {
    const [inserted] = this.#store.rows<InstanceRow>(
      `INSERT INTO switchyard_instances (id, engine_id, workflow, binding, attempt, status, params, metadata, created_at, updated_at, check_at, check_after, started_by)
       VALUES (?, ?, ?, ?, 1, 'queued', ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING *`,
      row.id,
      row.engineId,
      row.workflow,
      row.binding,
      JSON.stringify(row.params),
      JSON.stringify(row.metadata),
      row.now,
      row.now,
      row.now + FIRST_CHECK_MS,
      FIRST_CHECK_MS,
      row.startedBy === undefined ? null : json(row.startedBy),
    );
    if (inserted !== undefined) this.#labels.add(inserted.ordinal, row.metadata);
    return inserted;
  }

  find(id: string): InstanceRow | undefined {
    return this.#store.rows<InstanceRow>("SELECT * FROM switchyard_instances WHERE id = ?", id)[0];
  }

  findByEngineId(engineId: string): InstanceRow | undefined {
    return this.#store.rows<InstanceRow>(
      "SELECT * FROM switchyard_instances WHERE engine_id = ?",
      engineId,
    )[0];
  }

  /** Lists by when instances were first started. */
  list(
    filter: PageBounds & InstanceFilter & { readonly order?: ListOrder; readonly count?: boolean },
    agent: string,
  ): InstancePage {
    const { order = "newest", count = false } = filter;
    const routes = routesOf(this.#store, filter);
    const page = readPage<InstanceRow, Instance>(
      this.#store,
      { name: nameOf(filter), routes, order },
      filter,
      (row) => toInstance(row, agent),
    );
    return count ? { ...page, total: this.count(filter) } : page;
  }

  /** The instances that match, oldest first, by their `ordinal`. */
  matching(filter: InstanceFilter, limit: number): number[] {
    const { start: after } = DIRECTIONS.oldest;
    const { route } = chooseRoute(this.#store, routesOf(this.#store, filter), "oldest", after);
    const entries = readEntries(this.#store, route, { order: "oldest", after, until: undefined, limit });
    return entries.map(({ ordinal }) => ordinal);
  }

  /** The instances that were started first, by their `ordinal`. */
  oldest(limit: number): number[] {
    const query = "SELECT ordinal FROM switchyard_instances ORDER BY ordinal LIMIT ?";
    return this.#store.rows<{ ordinal: number }>(query, limit).map(({ ordinal }) => ordinal);
  }

  /** The instances themselves, one after the other: many of them at once may be more than fits into memory. */
  *each(ordinals: Iterable<number>): Generator<InstanceRow> {
    const query = "SELECT * FROM switchyard_instances WHERE ordinal = ?";
    for (const ordinal of ordinals) yield* this.#store.rows<InstanceRow>(query, ordinal);
  }

  /** How many instances match. */
  count(filter: InstanceFilter): number {
    const [route] = routesOf(this.#store, filter);
    return route === undefined ? 0 : countEntries(this.#store, route);
  }

  /** Applies a change. @returns the row as it is afterwards. */
  change(row: InstanceRow, change: InstanceChange, now: number): InstanceRow {
    const next: InstanceRow = {
      ...row,
      status: change.status ?? row.status,
      attempt: change.attempt ?? row.attempt,
      intent: change.intent === undefined ? row.intent : change.intent,
      voice: change.voice ?? row.voice,
      waiting_for: change.waitingFor === undefined ? row.waiting_for : json(change.waitingFor),
      progress: "progress" in change ? json(change.progress) : row.progress,
      output: "output" in change ? json(change.output) : row.output,
      error: change.error === undefined ? row.error : json(change.error),
      created_at: change.createdAt ?? row.created_at,
      started_at: change.startedAt === undefined ? row.started_at : change.startedAt,
      completed_at: change.completedAt === undefined ? row.completed_at : change.completedAt,
      updated_at: now,
      check_at: isTerminal(change.status ?? row.status) ? null : now + FIRST_CHECK_MS,
      check_after: FIRST_CHECK_MS,
    };
    this.#store.run(
      `UPDATE switchyard_instances SET status = ?, attempt = ?, intent = ?, voice = ?, waiting_for = ?, progress = ?,
         output = ?, error = ?, created_at = ?, started_at = ?, completed_at = ?, updated_at = ?, check_at = ?, check_after = ?
       WHERE id = ?`,
      next.status,
      next.attempt,
      next.intent,
      next.voice,
      next.waiting_for,
      next.progress,
      next.output,
      next.error,
      next.created_at,
      next.started_at,
      next.completed_at,
      next.updated_at,
      next.check_at,
      next.check_after,
      next.id,
    );
    return next;
  }

  /** Forgets an instance. */
  delete(id: string): void {
    const row = this.find(id);
    if (row === undefined) return;
    this.#labels.remove(row.ordinal, JSON.parse(row.metadata) as Metadata);
    this.#store.run("DELETE FROM switchyard_instances WHERE id = ?", id);
  }

  /** Ids of instances of which the engine was not heard for longest. */
  dueForCheck(now: number, limit: number): string[] {
    const query = "SELECT id FROM switchyard_instances WHERE check_at <= ? ORDER BY check_at LIMIT ?";
    return this.#store.rows<{ id: string }>(query, now, limit).map(({ id }) => id);
  }

  /**
   * Notes that the engine was asked, and that all is as it was. How soon it is asked again follows from the time since the
   * last news, not from how often it was asked: readers do not put it off.
   */
  checked(row: InstanceRow, now: number): void {
    const sinceNews = now - row.updated_at + FIRST_CHECK_MS;
    const after =
      row.check_after < FIRST_CHECK_MS ? row.check_after * 2 : Math.min(sinceNews, LONGEST_CHECK_MS);
    this.#store.run(
      "UPDATE switchyard_instances SET check_at = ?, check_after = ? WHERE id = ? AND check_at IS NOT NULL",
      now + after,
      after,
      row.id,
    );
  }

  /** Has the engine asked at a time. @param after how long that is after the last look. */
  checkAt({ id }: InstanceRow, at: number, after: number = FIRST_CHECK_MS): void {
    const check = "UPDATE switchyard_instances SET check_at = ?, check_after = ? WHERE id = ?";
    this.#store.run(check, at, after, id);
  }

  /** Notes what an instance was created with, if that was not known. */
  rememberParams({ id }: InstanceRow, params: unknown): void {
    const remember = "UPDATE switchyard_instances SET params = ? WHERE id = ? AND params = 'null'";
    if (params !== undefined) this.#store.run(remember, json(params), id);
  }

  /** When the engine is to be asked next, in milliseconds; undefined if every instance has ended. */
  nextCheckAt(): number | undefined {
    const [row] = this.#store.rows<{ at: number | null }>(
      "SELECT min(check_at) AS at FROM switchyard_instances",
    );
    return row?.at ?? undefined;
  }
}

/** JSON text of a value; what JSON cannot say is null. */
export function json(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** A text that is stored as JSON. */
export function textOf(stored: string | null): string | null {
  return JSON.parse(stored ?? "null") as string | null;
}

/** A time as clients see it. */
export function iso(milliseconds: number): string;
export function iso(milliseconds: number | null): string | null;
export function iso(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}

/** Where an instance is found. @param agent path of the agent that owns it. */
export function instanceAddress(id: string, agent: string): string {
  return `${agent}/instances/${encodeURIComponent(id)}`;
}

/** An instance as clients see it. */
export function toInstance(row: InstanceRow, agent: string): Instance {
  const self = instanceAddress(row.id, agent);
  const common = {
    id: row.id,
    workflow: row.workflow,
    agent,
    // Overwritten below; here it decides where a reader of the JSON finds it.
    status: row.status,
    attempt: row.attempt,
    metadata: JSON.parse(row.metadata) as Metadata,
    startedBy: textOf(row.started_by),
    progress: row.progress === null ? null : (JSON.parse(row.progress) as unknown),
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
    startedAt: iso(row.started_at),
    completedAt: iso(row.completed_at),
    links: { self, events: `${self}/events` },
  };
  switch (row.status) {
    case "waiting":
      return {
        ...common,
        status: "waiting",
        waitingFor: JSON.parse(row.waiting_for ?? "null") as WaitingFor,
      };
    case "complete":
      return { ...common, status: "complete", output: JSON.parse(row.output ?? "null") as unknown };
    case "errored":
      return { ...common, status: "errored", error: JSON.parse(row.error ?? "null") as InstanceError };
    default:
      return { ...common, status: row.status };
  }
}
