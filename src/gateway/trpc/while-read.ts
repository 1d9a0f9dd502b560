/** Who takes nothing for so long does not read, in milliseconds. */
const UNREAD_MS = 30_000;

/**
 * Gives on what a reader takes.
 *
 * @param giveUp is called when the reader takes nothing any more.
 */
export async function* whileRead<Item>(
  items: AsyncIterable<Item>,
  giveUp: () => void,
): AsyncGenerator<Item, void> {
  for await (const item of items) {
    const unread = setTimeout(giveUp, UNREAD_MS);
    try {
      yield item;
    } finally {
      clearTimeout(unread);
    }
  }
}
