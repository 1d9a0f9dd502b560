import type { Page } from "../contract/page";
import type { Query } from "./address";
import type { CallOptions, Transport } from "./transport";

/** A list: iterate over it for its items, page after page as they are needed. */
export interface List<Item, OnePage extends Page<Item> = Page<Item>> extends AsyncIterable<Item> {
  /** Its pages, from the one after `cursor` on. Each has the `nextCursor` at which it can be gone on with later. */
  pages(cursor?: string): AsyncIterable<OnePage>;
}

/** Makes a {@link List} of what a path lists. Nothing is asked before it is iterated. */
export function listOf<Item, OnePage extends Page<Item>>(
  transport: Transport,
  path: string,
  query: Query,
  { signal }: CallOptions,
): List<Item, OnePage> {
  async function* pages(first?: string): AsyncGenerator<OnePage, void> {
    let cursor = first ?? null;
    do {
      const { body } = await transport.send({ method: "GET", path, query: { ...query, cursor }, signal });
      const page = body as OnePage;
      yield page;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }
  return {
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { items } of pages()) yield* items;
    },
  };
}
