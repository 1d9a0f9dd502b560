import type { ListOrder, Span } from "../port";
import type { Row, Store } from "../durable/store";
import { sizeOf } from "./budget";

/** A condition of SQL, and what its question marks stand for. */
export type Condition = readonly [sql: string, ...bindings: SqlStorageValue[]];

/** A range of an index that has its entries in the order of their `ordinal`. In SQL its entries are called `entry`. */
export interface Range {
  /** The table of the index. */
  readonly index: "switchyard_instances" | "switchyard_approvals" | "switchyard_labels";
  /** Where the range lies in its index. */
  readonly within: readonly Condition[];
}

/** One way to read a list: through ranges that hold all that is listed, and perhaps more. */
export interface Route {
  readonly ranges: readonly Range[];
  /** What tells the entries that are listed from the others in the ranges. */
  readonly checks: readonly Condition[];
  /** Whether the ranges hold so few entries that all may be looked at. */
  readonly isShort?: boolean;
}

const LABELS = "switchyard_labels";

/** Most entries of an index that one page goes through. */
export const STRETCH = 5_000;

export const DIRECTIONS = {
  newest: { start: Number.MAX_SAFE_INTEGER, beyond: "<", upTo: ">=", sort: "DESC", sign: -1 },
  oldest: { start: 0, beyond: ">", upTo: "<=", sort: "ASC", sign: 1 },
} as const satisfies Record<ListOrder, unknown>;

/**
 * Chooses the route on which a page gets farthest when it goes through a stretch of entries at most.
 *
 * @returns it, and the last entry of that stretch; undefined if nothing is beyond, or nothing has to be looked for.
 */
export function chooseRoute(
  store: Store,
  routes: readonly Route[],
  order: ListOrder,
  after: number,
): { readonly route: Route; readonly until: number | undefined } {
  const { sign } = DIRECTIONS[order];
  let best: { readonly route: Route; readonly until: number | undefined } | undefined;
  for (const route of routes) {
    const isDirect = route.isShort === true || route.checks.length === 0;
    const until = isDirect ? undefined : stretchFrom(store, route, order, after);
    if (until === undefined) return { route, until };
    if (best?.until === undefined || (until - best.until) * sign > 0) best = { route, until };
  }
  if (best === undefined) throw new Error("a list has no route");
  return best;
}

/** The entry at which a stretch ends; undefined if the route ends sooner. */
function stretchFrom(store: Store, { ranges }: Route, order: ListOrder, after: number): number | undefined {
  const { beyond, sort, sign } = DIRECTIONS[order];
  const ends = ranges.flatMap(({ index, within }) => {
    const { where, bindings } = allOf([...within, [`entry.ordinal ${beyond} ?`, after]]);
    const query = `SELECT entry.ordinal AS at FROM ${index} AS entry ${where} ORDER BY entry.ordinal ${sort} LIMIT 1 OFFSET ?`;
    return store.rows<{ at: number }>(query, ...bindings, STRETCH - 1).map(({ at }) => at);
  });
  // The ranges are merged: the stretch ends where the first of them does.
  return ends.toSorted((a, b) => (a - b) * sign)[0];
}

/** How far a route is read. */
interface Reading {
  readonly order: ListOrder;
  readonly after: number;
  readonly until: number | undefined;
  readonly limit: number;
}

/** One entry of a list, before its row is read. */
export interface Entry extends Row {
  ordinal: number;
  /** Bytes of what may be large in its row. */
  size: number;
}

/** The first entries of a route that pass its checks; its ranges are merged. */
export function readEntries(
  store: Store,
  { ranges, checks }: Route,
  { order, after, until, limit }: Reading,
): Entry[] {
  const { beyond, upTo, sort, sign } = DIRECTIONS[order];
  const span: Condition[] = [
    [`entry.ordinal ${beyond} ?`, after],
    ...(until === undefined ? [] : [[`entry.ordinal ${upTo} ?`, until] as const]),
  ];
  return ranges
    .flatMap(({ index, within }) => {
      const { where, bindings } = allOf([...within, ...span, ...checks]);
      const size = sizeOf(LARGE[tableOf(index)], index === LABELS ? "item" : "entry");
      const query = `SELECT entry.ordinal, ${size} AS size FROM ${itemsOf(index)} ${where} ORDER BY entry.ordinal ${sort} LIMIT ?`;
      return store.rows<Entry>(query, ...bindings, limit);
    })
    .toSorted((a, b) => (a.ordinal - b.ordinal) * sign)
    .slice(0, limit);
}

/** The rows of the entries of a route, in their order. */
export function rowsOf<Source extends Row & { ordinal: number }>(
  store: Store,
  { ranges }: Route,
  entries: readonly Entry[],
): Source[] {
  const [range] = ranges;
  if (range === undefined || entries.length === 0) return [];
  // Numbers that were read from the table: there may be more of them than a query has room for as bindings.
  const ordinals = entries.map(({ ordinal }) => ordinal);
  const query = `SELECT * FROM ${tableOf(range.index)} WHERE ordinal IN (${ordinals.join(", ")})`;
  const rows = new Map(store.rows<Source>(query).map((row) => [row.ordinal, row]));
  return ordinals.flatMap((ordinal) => rows.get(ordinal) ?? []);
}

/** Counts the entries of a route that pass its checks. */
export function countEntries(store: Store, { ranges, checks }: Route): number {
  return ranges.reduce((sum, { index, within }) => {
    const { where, bindings } = allOf([...within, ...checks]);
    const [row] = store.rows<{ n: number }>(
      `SELECT count(*) AS n FROM ${itemsOf(index)} ${where}`,
      ...bindings,
    );
    return sum + (row?.n ?? 0);
  }, 0);
}

/** What may be large, of each table that is listed. */
const LARGE = {
  switchyard_instances: ["params", "metadata", "waiting_for", "progress", "output", "error"],
  switchyard_approvals: ["summary", "details", "reason", "metadata", "shown", "terms"],
} as const;

/** All ranges of a route lead to rows of one table. */
function tableOf(index: Range["index"]): keyof typeof LARGE {
  return index === LABELS ? "switchyard_instances" : index;
}

/** Labels lead to instances; CROSS tells SQLite to go in this order. */
function itemsOf(index: Range["index"]): string {
  return index === LABELS
    ? `${LABELS} AS entry CROSS JOIN switchyard_instances AS item ON item.ordinal = entry.ordinal`
    : `${index} AS entry`;
}

/** That a time lies in a span. */
export function inSpan(column: string, { from, to }: Span): Condition[] {
  return [
    ...(from === undefined ? [] : [[`${column} >= ?`, from] as const]),
    ...(to === undefined ? [] : [[`${column} < ?`, to] as const]),
  ];
}

/** Conditions as a clause; none is no clause. */
export function allOf(conditions: readonly Condition[]): { where: string; bindings: SqlStorageValue[] } {
  return {
    where: conditions.length === 0 ? "" : `WHERE ${conditions.map(([sql]) => sql).join(" AND ")}`,
    bindings: conditions.flatMap(([, ...bindings]) => bindings),
  };
}
