import type { EventsAnswer } from "../port";
import { follow, type JournalSource, type Told } from "./follow";

/**
 * Follows an instance without telling of it, until it has ended or `signal` aborts.
 *
 * @returns false if it cannot be followed any longer: who waits reads how it stands.
 */
export function waitForEnd(
  source: JournalSource,
  first: EventsAnswer,
  signal: AbortSignal,
): Promise<boolean> {
  return waitFor((told) => "control" in told && told.control.type === "stream.end", source, first, signal);
}

/** As {@link waitForEnd}, but for the next event that a journal gets. */
export function waitForNews(
  source: JournalSource,
  first: EventsAnswer,
  signal: AbortSignal,
): Promise<boolean> {
  return waitFor((told) => "events" in told, source, first, signal);
}

async function waitFor(
  isEnough: (told: Told) => boolean,
  source: JournalSource,
  first: EventsAnswer,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const told of follow(source, first, signal)) {
    if (isEnough(told)) return true;
  }
  return signal.aborted;
}
