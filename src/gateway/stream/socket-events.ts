import { EVENT_TYPES, type GatewayEvent } from "../contract/event";
import { ProblemError } from "../contract/problem";
import { STEP_EVENT_TYPES } from "../contract/step-event";

/** The most that waits for a reader, in bytes. What is beyond is in the journal, where it costs nothing to keep. */
const MOST_WAITING_BYTES = 256 * 1024;
/** "Try again later": the agent has as many streams open as it may. */
const REFUSED = 1013;

const TYPES: readonly unknown[] = [...EVENT_TYPES, ...STEP_EVENT_TYPES];

const encoder = new TextEncoder();

/**
 * Accepts a tail and gives its events, in order, each time all that wait. Ends when the socket closes, when `signal` aborts, or
 * when more waits than may: in each case everything that was missed is in the journal. The socket is closed at once, whether
 * or not anybody takes what is given.
 *
 * @throws ProblemError `too_many_streams` if the agent does not take the tail.
 */
export async function* socketEvents(
  socket: WebSocket,
  signal: AbortSignal,
): AsyncGenerator<readonly GatewayEvent[], void> {
  let waiting: GatewayEvent[] = [];
  let waitingBytes = 0;
  /** What was given and is not taken yet waits, too. */
  let givenBytes = 0;
  let open = true;
  let refused = false;
  let wake = ignore;

  const end = (): void => {
    if (!open) return;
    open = false;
    socket.close(1000);
    wake();
  };
  socket.addEventListener("message", ({ data }) => {
    const event = open && typeof data === "string" ? parseEvent(data) : undefined;
    if (event === undefined) return;
    const bytes = encoder.encode(data as string).byteLength;
    const before = waitingBytes + givenBytes;
    // One event may be larger than the limit: alone it is never too much.
    if (before > 0 && before + bytes > MOST_WAITING_BYTES) {
      waiting = [];
      return end();
    }
    waiting.push(event);
    waitingBytes += bytes;
    wake();
  });
  socket.addEventListener("close", ({ code }) => {
    refused = code === REFUSED;
    end();
  });
  socket.addEventListener("error", end);
  signal.addEventListener("abort", end);
  // Only now: what arrives before anybody listens would be lost.
  socket.accept();
  if (signal.aborted) end();

  try {
    for (;;) {
      while (waiting.length > 0) {
        const given = waiting;
        [waiting, givenBytes, waitingBytes] = [[], waitingBytes, 0];
        yield given;
        givenBytes = 0;
      }
      if (refused) throw new ProblemError("too_many_streams");
      if (!open) return;
      await new Promise<void>((resume) => {
        wake = resume;
      });
    }
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

function ignore(): void {}

/** An Agent may say other things to its connections. What is taken from here has an id and a type that fit on a line of a frame. */
function parseEvent(text: string): GatewayEvent | undefined {
  const event = parseJson(text);
  if (typeof event !== "object" || event === null || !("id" in event) || !("type" in event)) return undefined;
  if (typeof event.id !== "string" || !/^[\x21-\x7e]+$/.test(event.id)) return undefined;
  return TYPES.includes(event.type) ? (event as GatewayEvent) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
