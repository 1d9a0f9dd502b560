import type { Row, Store } from "../durable/store";

/**
 * One call or answer crosses RPC, which takes 32 MiB, and what it is made of must fit into memory: of large rows fewer go
 * than were asked for. Rows are measured in bytes before they are read.
 */
export const CHARACTERS_A_CALL = 4_000_000;

/** What a row has beside what may be large. */
const SMALL = 100;

/** SQL for the bytes of columns that may be large; SQLite tells them without reading the columns. */
export function sizeOf(columns: readonly string[], table?: string): string {
  const prefix = table === undefined ? "" : `${table}.`;
  return columns.map((column) => `coalesce(octet_length(${prefix}${column}), 0)`).join(" + ");
}

/** The first items, as many as were asked for and as fit into a budget of characters; at least one, if there is one. */
export function takeWithinBudget<Item extends { readonly size: number }>(
  items: readonly Item[],
  limit: number,
  budget: number = CHARACTERS_A_CALL,
): Item[] {
  const taken: Item[] = [];
  let characters = 0;
  for (const item of items.slice(0, limit)) {
    characters += item.size + SMALL;
    if (taken.length > 0 && characters > budget) break;
    taken.push(item);
  }
  return taken;
}

/** A list in the order of a number, as SQL. */
export interface SizedQuery {
  readonly table: string;
  /** Columns that may be large. */
  readonly large: readonly string[];
  readonly where: string;
  readonly bindings: readonly SqlStorageValue[];
  readonly orderBy: string;
}

/** Reads the first rows of a list, as many as were asked for and as fit into one answer. @returns also whether there are more. */
export function readWithinBudget<Source extends Row>(
  store: Store,
  { table, large, where, bindings, orderBy }: SizedQuery,
  limit: number,
): { readonly rows: Source[]; readonly more: boolean } {
  const list = `FROM ${table} ${where} ORDER BY ${orderBy} LIMIT ?`;
  const sizes = store.rows<{ size: number }>(
    `SELECT ${sizeOf(large)} AS size ${list}`,
    ...bindings,
    limit + 1,
  );
  const fitting = takeWithinBudget(sizes, limit).length;
  const rows = fitting === 0 ? [] : store.rows<Source>(`SELECT * ${list}`, ...bindings, fitting);
  return { rows, more: sizes.length > fitting };
}
