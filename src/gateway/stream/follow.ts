import { type ControlFrame, type EventType, type GatewayEvent, isEnding } from "../contract/event";
import { ProblemError } from "../contract/problem";
import type { EventsAnswer } from "../port";
import { socketEvents } from "./socket-events";

const MOST_FAILURES = 5;
const FIRST_DELAY_MS = 100;
/** A tail that lived for this long was a good one, even if nothing came. */
const SETTLED_MS = 10_000;

/** Where a stream gets its events. */
export interface JournalSource {
  /** Reads the stretch after a cursor, or the first one. */
  read(after: string | undefined): Promise<EventsAnswer>;
  /** Opens the live tail after a cursor. */
  openTail(after: string, tailKey: string): Promise<WebSocket>;
  /** Whether the events are those of one instance, whose end is the end of the stream. */
  readonly ofInstance: boolean;
  /** Types that the reader asked for; all, if there are none. A tail tells of every end besides. */
  readonly types?: readonly EventType[];
  /** Whether its steps are told too, of which some may come after its end. */
  readonly withSteps?: boolean | undefined;
}

/** What is told next: events, or something about the stream itself, with the cursor at which it holds. */
export type Told =
  | { readonly events: readonly GatewayEvent[] }
  | { readonly control: ControlFrame; readonly cursor: string };

/**
 * Tells a journal: what is kept, then live, each event once and in order. A tail that is cut is opened again after the cursor,
 * and nobody notices. Its last word is `stream.end`, or `stream.closing` if the agent cannot be reached for long, is gone, or
 * takes no more streams. When `stop` aborts it ends without a word.
 */
export function follow(
  source: JournalSource,
  first: EventsAnswer,
  stop: AbortSignal,
): AsyncGenerator<Told, void> {
  return tell(source, { answer: first }, first.cursor, stop);
}

/**
 * What was read and is not told yet. It is let go once it is: a generator holds on to its variables and parameters for as long as it
 * lives, and one that follows live may wait for hours.
 */
interface Untold {
  answer: EventsAnswer | undefined;
}

async function* tell(
  source: JournalSource,
  untold: Untold,
  after: string,
  stop: AbortSignal,
): AsyncGenerator<Told, void> {
  let cursor = after;
  let caughtUp = false;
  let failures = 0;

  while (!stop.aborted) {
    const since = Date.now();
    const before = cursor;
    let ending = false;
    try {
      untold.answer ??= await source.read(cursor);
      if (untold.answer.gap) yield { control: { type: "stream.gap" }, cursor: untold.answer.from };
      if (untold.answer.events.length > 0) yield { events: untold.answer.events };
      const { more, ended, tailKey } = untold.answer;
      ({ cursor } = untold.answer);
      untold.answer = undefined;
      if (more) continue;
      if (ended) return yield { control: { type: "stream.end" }, cursor };
      if (!caughtUp) yield { control: { type: "stream.caught-up" }, cursor };
      caughtUp = true;
      if (stop.aborted) return;

      const tail = await source.openTail(cursor, tailKey);
      for await (const live of socketEvents(tail, stop)) {
        const end = source.ofInstance ? live.findIndex(({ type }) => isEnding(type)) : -1;
        // The last steps may still be on their way: then the end is read with them.
        ending = end >= 0 && source.withSteps === true;
        const heard = end < 0 ? live : live.slice(0, ending ? end : end + 1);
        cursor = heard.at(-1)?.id ?? cursor;
        const events = heard.filter((event) => isAskedFor(event, source));
        if (events.length > 0) yield { events };
        if (ending) break;
        if (end >= 0) return yield { control: { type: "stream.end" }, cursor };
      }
    } catch (failure) {
      const gone = failure instanceof ProblemError && failure.code !== "agent_unavailable";
      if (gone) return yield { control: { type: "stream.closing" }, cursor };
    }
    if (stop.aborted) return;
    if (ending) continue;
    // The socket was cut. That is normal for one that was open for long, or that brought something; one that is cut at once
    // may be so again.
    failures = cursor !== before || Date.now() - since > SETTLED_MS ? 0 : failures + 1;
    if (failures > MOST_FAILURES) return yield { control: { type: "stream.closing" }, cursor };
    if (failures > 0) await pause(FIRST_DELAY_MS * 2 ** failures, stop);
  }
}

/** A tail tells of every end, and, if steps are told, of steps of all types. */
function isAskedFor({ type }: GatewayEvent, { types = [] }: JournalSource): boolean {
  return types.length === 0 || (types as readonly string[]).includes(type) || type.startsWith("step.");
}

/** Waits for a time, or until `stop` aborts. */
function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resume) => {
    const done = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", done);
      resume();
    };
    const timer = setTimeout(done, milliseconds);
    stop.addEventListener("abort", done);
  });
}
