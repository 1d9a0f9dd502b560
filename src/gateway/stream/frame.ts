import type { ControlFrame, GatewayEvent } from "../contract/event";
import type { Told } from "./follow";

/** How long a client waits before it comes back, in milliseconds. */
const RETRY_MS = 1_000;

/** Frames are sent together up to about this many characters. */
const CHUNK_LENGTH = 65_536;

/**
 * The first bytes of a stream: they tell the client how soon to come back, and open the response at once. They are the first
 * line of the frame that follows: generated clients take a frame of their own, which has no data, for an event.
 */
export const OPENING = `retry: ${RETRY_MS}\n`;

/** A comment that keeps proxies from cutting a silent stream. */
export const HEARTBEAT = ": heartbeat\n\n";

/** Frames that are sent together, and the cursor after them. */
export interface Chunk {
  readonly text: string;
  readonly cursor: string;
}

/** An event as an SSE frame (WHATWG). JSON text has no line breaks, so that nothing in an event can end its frame. */
export function eventFrame(event: GatewayEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** A control frame; it carries the cursor, so that it can be resumed after like any other. */
export function controlFrame(control: ControlFrame, cursor: string): string {
  return `id: ${cursor}\nevent: ${control.type}\ndata: ${JSON.stringify(control)}\n\n`;
}

/** What is told, as a stream sends it. @param from the cursor before all of it. */
export async function* chunksOf(from: string, told: AsyncIterable<Told>): AsyncGenerator<Chunk, void> {
  yield { text: OPENING, cursor: from };
  for await (const news of told) {
    if ("control" in news) yield { text: controlFrame(news.control, news.cursor), cursor: news.cursor };
    else yield* together(news.events);
  }
}

function* together(events: readonly GatewayEvent[]): Generator<Chunk> {
  let text = "";
  for (const [at, event] of events.entries()) {
    text += eventFrame(event);
    if (text.length < CHUNK_LENGTH && at < events.length - 1) continue;
    yield { text, cursor: event.id };
    text = "";
  }
}
