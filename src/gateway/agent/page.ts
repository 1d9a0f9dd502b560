import type { Page } from "../contract/page";
import type { ListOrder, PageRequest } from "../port";
import { takeWithinBudget } from "./budget";
import { chooseRoute, DIRECTIONS, readEntries, type Route, rowsOf } from "./route";
import { placeOfCursor, sealCursor } from "../durable/sealed-cursor";
import type { Row, Store } from "../durable/store";

/** What is listed. */
export interface Listing {
  /** What distinguishes the list from every other: a cursor is of one list alone. */
  readonly name: readonly unknown[];
  /** The ways to read it; each gives the same entries. */
  readonly routes: readonly Route[];
  readonly order?: ListOrder;
}

/** Where a page goes on, and how far. */
export interface PageBounds extends PageRequest {
  /** How many characters its rows may have; without it, as many as one answer takes. */
  readonly characters?: number;
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
  { limit, characters, cursor }: PageBounds,
  toItem: (row: Source) => Item,
): Page<Item> {
  const list = JSON.stringify([name, order]);
  const after =
    cursor === undefined ? DIRECTIONS[order].start : Number.parseInt(placeOfCursor(cursor, list, store), 36);
  const { route, until } = chooseRoute(store, routes, order, after);
  const entries = readEntries(store, route, { order, after, until, limit: limit + 1 });
  const shown = takeWithinBudget(entries, limit, characters);
  const last = entries.length > shown.length ? shown.at(-1)?.ordinal : until;
  const nextCursor = last === undefined ? null : sealCursor(last.toString(36), list, store);
  return { items: rowsOf<Source>(store, route, shown).map(toItem), nextCursor };
}
