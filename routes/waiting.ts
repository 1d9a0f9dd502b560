import type { Context } from "hono";
import { type Instance, isTerminal } from "../src/gateway/contract/instance";
import type { EventsAnswer } from "../src/gateway/port";
import type { JournalSource } from "../src/gateway/stream/follow";
import { waitForEnd, waitForNews } from "../src/gateway/stream/wait";
import type { GatewayEnv } from "./gateway-env";

/**
 * Holds an answer until its instance has ended, or the time that the client gives has passed. An instance that cannot be
 * watched, because as many watch it as may, is shown as it is.
 *
 * @param read reads the instance anew.
 */
export async function holdInstance(
  c: Context<GatewayEnv>,
  instance: Instance,
  seconds: number,
  source: JournalSource,
  read: () => Promise<Instance>,
): Promise<Instance> {
  const ended = isTerminal(instance.status);
  const waited = ended || (await waitForEnd(source, await source.read(undefined), patienceOf(c, seconds)));
  if (waited) applied(c, seconds);
  return ended ? instance : read();
}

/**
 * Holds an empty page until there is an event, nothing will follow, or the time that the client gives has passed.
 *
 * @param read reads the page anew; counted, it refuses if as many watch as may.
 */
export async function holdPage(
  c: Context<GatewayEnv>,
  page: EventsAnswer,
  seconds: number,
  source: JournalSource,
  read: (counted: boolean) => Promise<EventsAnswer>,
): Promise<EventsAnswer> {
  const patience = patienceOf(c, seconds);
  let held = page;
  while (held.events.length === 0 && !held.ended && !patience.aborted) {
    // A client that is answered at once would ask again at once: it is told why.
    if (!(await waitForNews(source, held, patience))) return read(true);
    held = await read(false);
  }
  applied(c, seconds);
  return held;
}

/** The client waits for so long, unless it leaves before: the platform tells that where `enable_request_signal` is on. */
function patienceOf(c: Context<GatewayEnv>, seconds: number): AbortSignal {
  return AbortSignal.any([AbortSignal.timeout(seconds * 1000), c.req.raw.signal]);
}

function applied(c: Context<GatewayEnv>, seconds: number): void {
  c.header("preference-applied", `wait=${seconds}`);
}
