import { ENDING_TYPES, type EventType } from "../contract/event";
import { ProblemError } from "../contract/problem";
import type { EventsAnswer } from "../port";
import { controlFrame, eventFrame, HEARTBEAT, OPENING } from "./frame";
import { socketEvents } from "./socket-events";

const HEARTBEAT_MS = 15_000;
const MOST_FAILURES = 5;
const FIRST_DELAY_MS = 100;
/** A tail that lived for this long was a good one. */
const SETTLED_MS = 10_000;

/** When a stream ends, whatever happens. */
export interface StreamLimits {
  /** In milliseconds since 1970: then it is closed, and may be resumed by who still may. */
  readonly until?: number | undefined;
}

/** Where a stream gets its events. */
export interface JournalSource {
  /** Reads the stretch after a cursor, or the first one. */
  read(after: string | undefined): Promise<EventsAnswer>;
  /** Opens the live tail after a cursor. */
  openTail(after: string, tailKey: string): Promise<WebSocket>;
  /** Whether the events are those of one instance, whose end is the end of the stream. */
  readonly ofInstance: boolean;
}

/**
 * Holds the response of one reader: what is kept, then live, each event once and in order. It is the Worker that is kept
 * awake by it, not the agent: that is reached by a socket which hibernates, and when the socket is cut, by its journal.
 */
export function eventStream(
  source: JournalSource,
  first: EventsAnswer,
  { until }: StreamLimits = {},
): ReadableStream<Uint8Array> {
  const left = new AbortController();
  const over = new AbortController();
  const timer =
    until === undefined ? undefined : setTimeout(() => over.abort(), Math.max(until - Date.now(), 0));
  const encoder = new TextEncoder();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  // A write resolves when the reader has taken it: so nothing is read from the agent faster than it is sent.
  const send = (text: string) => writer.write(encoder.encode(text));
  const heartbeat = setInterval(() => {
    if ((writer.desiredSize ?? 0) > 0) send(HEARTBEAT).catch(ignore);
  }, HEARTBEAT_MS);
  writer.closed.catch(ignore).finally(() => {
    clearInterval(heartbeat);
    if (timer !== undefined) clearTimeout(timer);
    left.abort();
  });

  const feed = async (): Promise<void> => {
    try {
      await send(OPENING);
      await follow(source, first, send, { left: left.signal, over: over.signal });
    } finally {
      await writer.close();
    }
  };
  feed().catch(ignore);
  return readable;
}

type Send = (text: string) => Promise<void>;

async function follow(
  source: JournalSource,
  first: EventsAnswer,
  send: Send,
  { left, over }: { readonly left: AbortSignal; readonly over: AbortSignal },
): Promise<void> {
  const stopped = AbortSignal.any([left, over]);
  let next: EventsAnswer | undefined = first;
  let cursor = first.cursor;
  let caughtUp = false;
  let failures = 0;

  while (!stopped.aborted) {
    const since = Date.now();
    try {
      const answer: EventsAnswer = next ?? (await source.read(cursor));
      next = undefined;
      if (answer.gap) await send(controlFrame({ type: "stream.gap" }, answer.from));
      for (const event of answer.events) await send(eventFrame(event));
      cursor = answer.cursor;
      if (answer.more) continue;
      if (answer.ended) return send(controlFrame({ type: "stream.end" }, cursor));
      if (!caughtUp) await send(controlFrame({ type: "stream.caught-up" }, cursor));
      caughtUp = true;

      for await (const event of socketEvents(await source.openTail(cursor, answer.tailKey), stopped)) {
        await send(eventFrame(event));
        cursor = event.id;
        if (source.ofInstance && isEnding(event.type))
          return send(controlFrame({ type: "stream.end" }, cursor));
      }
    } catch (failure) {
      const gone = failure instanceof ProblemError && failure.code !== "agent_unavailable";
      if (gone) return send(controlFrame({ type: "stream.closing" }, cursor));
    }
    if (stopped.aborted) break;
    // The socket was cut. That is normal for one that was open for long; one that is cut at once may be so again.
    failures = Date.now() - since > SETTLED_MS ? 0 : failures + 1;
    if (failures > MOST_FAILURES) return send(controlFrame({ type: "stream.closing" }, cursor));
    if (failures > 0) await new Promise((resume) => setTimeout(resume, FIRST_DELAY_MS * 2 ** failures));
  }
  if (!left.aborted) await send(controlFrame({ type: "stream.closing" }, cursor));
}

/** Whether an event ends its instance. */
export function isEnding(type: EventType): boolean {
  return (ENDING_TYPES as readonly EventType[]).includes(type);
}

function ignore(): void {}
