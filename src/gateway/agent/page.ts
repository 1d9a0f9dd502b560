import type { Page } from "../contract/page";
import { ProblemError } from "../contract/problem";
import type { PageRequest } from "../port";
import type { Row, Store } from "./store";

/** Which list a cursor belongs to, and the ordinal of the last item shown. */
interface Keyset {
  readonly list: string;
  readonly before: number;
}

function encodeCursor({ list, before }: Keyset): string {
  return btoa(JSON.stringify([list, before]))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** @returns the ordinal to go on below; beyond all of them if no cursor is given. */
function decodeCursor(cursor: string | undefined, list: string): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const parsed = parse(cursor);
  if (
    !Array.isArray(parsed) ||
    parsed.length !== 2 ||
    parsed[0] !== list ||
    !Number.isSafeInteger(parsed[1])
  ) {
    throw new ProblemError("invalid_cursor", {
      detail: "Use nextCursor of the page before, with the same filters.",
    });
  }
  return Number(parsed[1]);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return undefined;
  }
}

/** What is listed: a table with an `ordinal` and a `status`, and the columns that must be equal. */
export interface Listing {
  readonly table: "switchyard_instances" | "switchyard_approvals";
  readonly status: readonly string[];
  readonly equal: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a page, newest first. Its cost does not grow with the table: each status is a range of its own in the index,
 * and the ranges are merged.
 *
 * @throws ProblemError `invalid_cursor`
 */
export function readPage<Source extends Row & { ordinal: number }, Item>(
  store: Store,
  { table, status, equal }: Listing,
  { limit, cursor }: PageRequest,
  toItem: (row: Source) => Item,
): Page<Item> {
  const filters = Object.entries(equal).filter(
    (filter): filter is [string, string] => filter[1] !== undefined,
  );
  const statuses = [...new Set(status)].toSorted();
  const list = JSON.stringify([table, statuses, filters]);
  const before = decodeCursor(cursor, list);
  const range = (columns: readonly (readonly [string, string])[]) =>
    store.rows<Source>(
      `SELECT * FROM ${table} WHERE ${columns.map(([column]) => `${column} = ? AND `).join("")} ordinal < ?
       ORDER BY ordinal DESC LIMIT ?`,
      ...columns.map(([, value]) => value),
      before,
      limit + 1,
    );
  const ranges =
    statuses.length === 0 ? [filters] : statuses.map((one) => [...filters, ["status", one] as const]);
  const rows = ranges.flatMap(range).toSorted((a, b) => b.ordinal - a.ordinal);
  const shown = takeWithinBudget(rows, limit);
  const last = shown.at(-1);
  const nextCursor =
    rows.length > shown.length && last !== undefined ? encodeCursor({ list, before: last.ordinal }) : null;
  return { items: shown.map(toItem), nextCursor };
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
