import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { ProblemError } from "../src/gateway/contract/problem";
import type { EventsAnswer, Watch } from "../src/gateway/port";
import type { Reach } from "../src/gateway/operations/operation";
import { eventStream } from "../src/gateway/stream/event-stream";
import type { JournalSource } from "../src/gateway/stream/follow";
import type { GatewayEnv } from "./gateway-env";

const STREAM = "text/event-stream";
const JSON_PAGE = "application/json";

/** Events read at once while a stream catches up. */
const REPLAY_BATCH = 100;

/** Which of the two shapes of a journal a client wants; the stream, if it does not care. */
export function wantsStream(c: Context<GatewayEnv>): boolean {
  if (c.req.header("accept") === undefined) return true;
  const type = accepts(c, {
    header: "Accept",
    supports: [STREAM, JSON_PAGE],
    default: "none",
    match: bestMatch,
  });
  if (type === "none")
    throw new ProblemError("not_acceptable", { detail: `Accept ${STREAM} or ${JSON_PAGE}.` });
  return type === STREAM;
}

/** A page of a journal. */
export function eventPage({ events, cursor, more, ended, gap }: EventsAnswer): object {
  return { items: events, nextCursor: cursor, ended: ended && !more, gap };
}

/** A stream that begins with a stretch that was read already; 204 if a reader comes back after everything was sent. */
export function eventStreamResponse(
  c: Context<GatewayEnv>,
  source: JournalSource,
  resumed: boolean,
  first: EventsAnswer,
  maxAgeMs: number,
): Response {
  if (resumed && first.ended && !first.more && !first.gap && first.events.length === 0)
    return c.body(null, 204);
  const headers = {
    "content-type": `${STREAM}; charset=utf-8`,
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  };
  if (c.req.raw.method === "HEAD") return c.body(null, 200, headers);
  return c.body(eventStream(source, first, maxAgeMs), 200, headers);
}

/** Where the events of an agent, or of one of its instances, come from. */
export function journalSource(
  { port, path, agent }: Pick<Reach, "port" | "path" | "agent">,
  watch: Watch,
): JournalSource {
  const { quota: _, ...uncounted } = watch;
  return {
    ofInstance: watch.instanceId !== undefined,
    types: watch.types ?? [],
    withSteps: watch.steps,
    read: (after) => agent.readEvents({ ...uncounted, after, limit: REPLAY_BATCH }),
    openTail: (after, tailKey) => port.openTail(path, { ...watch, after, tailKey }),
  };
}

interface Accepted {
  readonly type: string;
  readonly q: number;
}

function bestMatch(
  accepted: readonly Accepted[],
  { supports, default: none }: { supports: string[]; default: string },
): string {
  for (const { type, q } of accepted.toSorted((a, b) => b.q - a.q)) {
    const match = q > 0 && supports.find((supported) => covers(type, supported));
    if (match) return match;
  }
  return none;
}

function covers(range: string, type: string): boolean {
  return range === "*/*" || range === type || (range.endsWith("/*") && type.startsWith(range.slice(0, -1)));
}
