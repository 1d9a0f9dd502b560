import type { Page } from "../contract/page";
import type { ListOrder, PageRequest } from "../port";
import { placeOfCursor, sealCursor } from "./sealed-cursor";
import type { Row, Store } from "./store";

/** A condition of SQL, and what its question marks stand for. */
export type Condition = readonly [sql: string, ...bindings: SqlStorageValue[]];

/** What is listed: a table with an `ordinal` and a `status`. */
export interface Listing {
  readonly table: "switchyard_instances" | "switchyard_approvals";
  readonly status: readonly string[];
  readonly conditions?: readonly Condition[];
  readonly order?: ListOrder;
}

/**
 * Reads a page. Its cost does not grow with the table: each status is a range of its own in the index, and the ranges are
 * merged.
 *
 * @throws ProblemError `invalid_cursor` if the cursor is not one of this very list of this agent.
 */
export function readPage<Source extends Row & { ordinal: number }, Item>(
  store: Store,
  { table, status, conditions = [], order = "newest" }: Listing,
  { limit, cursor }: PageRequest,
  toItem: (row: Source) => Item,
): Page<Item> {
  const statuses = [...new Set(status)].toSorted();
  const list = JSON.stringify([table, statuses, conditions, order]);
  const [comparison, direction] = order === "newest" ? ["<", "DESC"] : [">", "ASC"];
  const start = order === "newest" ? Number.MAX_SAFE_INTEGER : 0;
  const beyond: Condition = [
    `ordinal ${comparison} ?`,
    cursor === undefined ? start : Number.parseInt(placeOfCursor(cursor, list, store), 36),
  ];
  const range = (more: readonly Condition[]): Source[] => {
    const { where, bindings } = allOf([...more, ...conditions, beyond]);
    const query = `SELECT * FROM ${table} ${where} ORDER BY ordinal ${direction} LIMIT ?`;
    return store.rows<Source>(query, ...bindings, limit + 1);
  };
  const ranges = statuses.length === 0 ? [[]] : statuses.map((one): Condition[] => [["status = ?", one]]);
  const rows = ranges
    .flatMap(range)
    .toSorted((a, b) => (order === "newest" ? b.ordinal - a.ordinal : a.ordinal - b.ordinal));
  const shown = takeWithinBudget(rows, limit);
  const last = shown.at(-1);
  const nextCursor =
    rows.length > shown.length && last !== undefined
      ? sealCursor(last.ordinal.toString(36), list, store)
      : null;
  return { items: shown.map(toItem), nextCursor };
}

/** Conditions as a clause; none is no clause. */
export function allOf(conditions: readonly Condition[]): { where: string; bindings: SqlStorageValue[] } {
  return {
    where: conditions.length === 0 ? "" : `WHERE ${conditions.map(([sql]) => sql).join(" AND ")}`,
    bindings: conditions.flatMap(([, ...bindings]) => bindings),
  };
}

/** One answer crosses RPC, which takes 32 MiB: a page of large rows is shorter than was asked for. */
const MOST_CHARACTERS = 4_000_000;

/** The first rows, as many as were asked for and as fit into one answer; at least one, if there is one. */
export function takeWithinBudget<Source extends Row>(rows: readonly Source[], limit: number): Source[] {
  const taken: Source[] = [];
  let characters = 0;
  for (const row of rows.slice(0, limit)) {
    characters += Object.values(row).reduce<number>(
      (sum, value) => sum + (typeof value === "string" ? value.length : 8),
      0,
    );
    if (taken.length > 0 && characters > MOST_CHARACTERS) break;
    taken.push(row);
  }
  return taken;
}
