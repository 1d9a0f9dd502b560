import { ControlFrame, EVENT_TYPES } from "../../src/gateway/contract/event.ts";
import { inspect } from "./received.ts";
import type { Received } from "./stream.ts";

/** What an EventSource must be asked to listen for. */
export const TYPES = [
  ...EVENT_TYPES,
  ...ControlFrame.options.map(({ shape }) => shape.type.value),
  // What comes without a type, which nothing does.
  "message",
];

/**
 * Follows a stream by the EventSource of wherever this runs, until that does not come back any more. It takes nothing from around
 * it, so that a page can run it.
 *
 * @returns what was received, as JSON: so a text that is no Unicode is told as it is.
 */
export function followByEventSource({
  url,
  types,
}: {
  readonly url: string;
  readonly types: readonly string[];
}): Promise<string> {
  const source = new EventSource(url);
  const received: { id: string; event: string; data: unknown }[] = [];
  for (const type of types) {
    source.addEventListener(type, (event) => {
      received.push({ id: event.lastEventId, event: event.type, data: JSON.parse(event.data as string) });
    });
  }
  return new Promise((resolve) => {
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) resolve(JSON.stringify(received));
    });
  });
}

/** Reads what {@link followByEventSource} returns. */
export function receivedFrom(text: string): Received[] {
  inspect("an EventSource", text);
  return JSON.parse(text) as Received[];
}
