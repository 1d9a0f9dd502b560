import { EVENT_TYPES, type GatewayEvent } from "../contract/event";

/** More than this unread, and the reader is better served by pages of the journal. */
const MOST_UNREAD = 1_000;

/**
 * Accepts a tail and gives its events, in order. Ends when the socket closes, when `signal` aborts, or when the reader falls far behind:
 * in each case everything that was missed is in the journal.
 */
export async function* socketEvents(socket: WebSocket, signal: AbortSignal): AsyncGenerator<GatewayEvent> {
  let unread: GatewayEvent[] = [];
  let open = true;
  let wake = ignore;

  const end = (): void => {
    open = false;
    wake();
  };
  socket.addEventListener("message", ({ data }) => {
    const event = typeof data === "string" ? parseEvent(data) : undefined;
    if (event === undefined) return;
    unread.push(event);
    if (unread.length > MOST_UNREAD) {
      unread = [];
      end();
    }
    wake();
  });
  socket.addEventListener("close", end);
  socket.addEventListener("error", end);
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  // Only now: what arrives before anybody listens would be lost.
  socket.accept();

  try {
    for (;;) {
      for (let event = unread.shift(); event !== undefined; event = unread.shift()) yield event;
      if (!open) return;
      await new Promise<void>((resume) => {
        wake = resume;
      });
    }
  } finally {
    signal.removeEventListener("abort", end);
    socket.close(1000);
  }
}

function ignore(): void {}

function parseEvent(text: string): GatewayEvent | undefined {
  const event: unknown = JSON.parse(text);
  if (typeof event !== "object" || event === null || !("id" in event) || !("type" in event)) return undefined;
  return (EVENT_TYPES as readonly unknown[]).includes(event.type) ? (event as GatewayEvent) : undefined;
}
