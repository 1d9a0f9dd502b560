import type { Page } from "../contract/page";
import type { ListOrder, PageRequest } from "../port";
import { chooseRoute, DIRECTIONS, readEntries, type Route } from "./route";
import { placeOfCursor, sealCursor } from "./sealed-cursor";
import type { Row, Store } from "./store";

/** What is listed. */
export interface Listing {
  /** What distinguishes the list from every other: a cursor is of one list alone. */
  readonly name: readonly unknown[];
  /** The ways to read it; each gives the same entries. */
  readonly routes: readonly Route[];
  readonly order?: ListOrder;
}

/**
 * Reads a page. Its cost does not grow with the table: where many entries must be looked at for the few that match, it looks
 * at a stretch of them, and the page is shorter than was asked for, or even empty, and has a cursor.
 *
 * @throws ProblemError `invalid_cursor` if the cursor is not one of this very list of this agent.
 */
export function readPage<Source extends Row & { ordinal: number }, Item>(
  store: Store,
  { name, routes, order = "newest" }: Listing,
  { limit, cursor }: PageRequest,
  toItem: (row: Source) => Item,
): Page<Item> {
  const list = JSON.stringify([name, order]);
  const after =
    cursor === undefined ? DIRECTIONS[order].start : Number.parseInt(placeOfCursor(cursor, list, store), 36);
  const { route, until } = chooseRoute(store, routes, order, after);
  const rows = readEntries<Source>(store, route, { order, after, until, limit: limit + 1 });
  const shown = takeWithinBudget(rows, limit);
  const last = rows.length > shown.length ? shown.at(-1)?.ordinal : until;
  const nextCursor = last === undefined ? null : sealCursor(last.toString(36), list, store);
  return { items: shown.map(toItem), nextCursor };
}

/** One call or answer crosses RPC, which takes 32 MiB: of large rows fewer go than were asked for. */
const CHARACTERS_A_CALL = 4_000_000;

/** The first rows, as many as were asked for and as fit into one call or answer; at least one, if there is one. */
export function takeWithinBudget<Source extends Row>(rows: readonly Source[], limit: number): Source[] {
  const taken: Source[] = [];
  let characters = 0;
  for (const row of rows.slice(0, limit)) {
    characters += Object.values(row).reduce<number>(
      (sum, value) => sum + (typeof value === "string" ? value.length : 8),
      0,
    );
    if (taken.length > 0 && characters > CHARACTERS_A_CALL) break;
    taken.push(row);
  }
  return taken;
}
