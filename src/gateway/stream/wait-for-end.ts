import type { EventsAnswer } from "../port";
import { isEnding, type JournalSource } from "./event-stream";
import { socketEvents } from "./socket-events";

/** Follows an instance without telling of it. Resolves when it has ended, or when `signal` aborts. */
export async function waitForEnd(
  source: JournalSource,
  first: EventsAnswer,
  signal: AbortSignal,
): Promise<void> {
  let answer = first;
  while (!signal.aborted) {
    const { cursor, more, ended, tailKey } = answer;
    if (ended && !more) return;
    if (!more) {
      for await (const event of socketEvents(await source.openTail(cursor, tailKey), signal)) {
        if (isEnding(event.type)) return;
      }
      if (signal.aborted) return;
    }
    answer = await source.read(cursor);
  }
}
