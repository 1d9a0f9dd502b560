import type { ControlFrame, GatewayEvent } from "../contract/event";

/** How long a client waits before it comes back, in milliseconds. */
const RETRY_MS = 1_000;

/** The first bytes of a stream: they tell the client how soon to come back, and open the response at once. */
export const OPENING = `retry: ${RETRY_MS}\n\n`;

/** A comment that keeps proxies from cutting a silent stream. */
export const HEARTBEAT = ": heartbeat\n\n";

/** An event as an SSE frame (WHATWG). JSON text has no line breaks, so that nothing in an event can end its frame. */
export function eventFrame(event: GatewayEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** A control frame; it carries the cursor, so that it can be resumed after like any other. */
export function controlFrame(control: ControlFrame, cursor: string): string {
  return `id: ${cursor}\nevent: ${control.type}\ndata: ${JSON.stringify(control)}\n\n`;
}
