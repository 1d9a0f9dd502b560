import type { Connection } from "agents";
import { type GatewayEvent, isOfInstance } from "../contract/event";
import type { Watch } from "../port";
import type { Records } from "./records";

/**
 * Carries the key of each agent on the way, root first. Only the Worker can know them, so that nobody else opens a tail, nor
 * passes an author's `onBeforeSubAgent` by saying that it does.
 */
const KEY_HEADER = "x-switchyard-tail-key";
/** Path of the agent whose tail is meant: a socket of a sub-agent passes through all of its parents. */
const AGENT_HEADER = "x-switchyard-tail-agent";
const INSTANCE_HEADER = "x-switchyard-tail-instance";
const TOKEN_HEADER = "x-switchyard-tail-token";
const AFTER_HEADER = "x-switchyard-tail-after";

const TAIL_TAG = "switchyard:tail";
const REPLAY_BATCH = 100;

/** What a tail is opened with. */
export interface TailRequest extends Watch {
  readonly agent: string;
  readonly after: string;
  readonly tailKey: string;
}

/** The headers of the request that opens a tail. */
export function tailHeaders({ agent, instanceId, tokenId, after, tailKey }: TailRequest): Headers {
  const headers = new Headers({
    upgrade: "websocket",
    [KEY_HEADER]: tailKey,
    [AGENT_HEADER]: agent,
    [AFTER_HEADER]: after,
  });
  if (instanceId !== undefined) headers.set(INSTANCE_HEADER, instanceId);
  if (tokenId !== undefined) headers.set(TOKEN_HEADER, tokenId);
  return headers;
}

/** Reads {@link tailHeaders}; undefined if the request does not open a tail of this agent. */
export function readTailRequest({ headers }: Request, agentPath: () => string): TailRequest | undefined {
  const tailKey = headers.get(KEY_HEADER);
  const after = headers.get(AFTER_HEADER);
  if (tailKey === null || after === null) return undefined;
  const agent = agentPath();
  if (headers.get(AGENT_HEADER) !== agent) return undefined;
  return {
    agent,
    after,
    tailKey,
    instanceId: headers.get(INSTANCE_HEADER) ?? undefined,
    tokenId: headers.get(TOKEN_HEADER) ?? undefined,
  };
}

/** Whether a request opens a tail below this agent, which is `depth` levels below the root and has this key. */
export function passesTail({ headers }: Request, depth: number, tailKey: string): boolean {
  return headers.get(KEY_HEADER)?.split(" ")[depth] === tailKey;
}

/** The tags by which events find a tail, also after the agent slept. */
export function tailTags({ instanceId, tokenId }: Watch): string[] {
  return [TAIL_TAG, watchTag(instanceId), ...(tokenId === undefined ? [] : [tokenTag(tokenId)])];
}

/** @returns whether a connection is a tail, and so none of the author's clients. */
export function isTail(connection: Connection): boolean {
  return connection.tags.includes(TAIL_TAG);
}

/** Starts a tail: what is after the cursor, then live. Both in one turn, so that nothing can come between. */
export function startTail(connection: Connection, request: TailRequest, records: Records): void {
  if (!records.store.exists() || records.store.meta("tail_key") !== request.tailKey.split(" ").at(-1)) {
    connection.close(1008, "not a tail of this agent");
    return;
  }
  let after = request.after;
  for (;;) {
    const { events, cursor, more, gap } = records.journal.read({ ...request, after, limit: REPLAY_BATCH });
    if (gap) {
      // Lost since the reader read: it is told when it reads on, since a tail carries events alone.
      connection.close(1000, "events are missing");
      return;
    }
    for (const event of events) connection.send(JSON.stringify(event));
    after = cursor;
    if (!more) break;
  }
  connection.setState({ live: true });
}

/** Sends events to the tails that watch their instance, or the whole agent. Each event is written as JSON once. */
export function publishToTails(
  events: readonly GatewayEvent[],
  connections: (tag: string) => Iterable<Connection>,
): void {
  const everything = [...connections(watchTag(undefined))];
  for (const event of events) {
    const frame = JSON.stringify(event);
    const ofInstance = isOfInstance(event) ? connections(watchTag(event.instanceId)) : [];
    for (const connection of [...everything, ...ofInstance]) {
      if (isLive(connection.state)) sendOrClose(connection, frame);
    }
  }
}

/** Which tails end: those of an instance, those of a stream token, or all. */
export type EndedTails = { readonly instanceId: string } | { readonly tokenId: string } | "all";

/** Ends tails: their readers find out why by reading on. */
export function closeTails(ended: EndedTails, connections: (tag: string) => Iterable<Connection>): void {
  for (const connection of connections(tagOf(ended))) connection.close(1000, "nothing to watch any more");
}

function tagOf(ended: EndedTails): string {
  if (ended === "all") return TAIL_TAG;
  return "tokenId" in ended ? tokenTag(ended.tokenId) : watchTag(ended.instanceId);
}

function watchTag(instanceId: string | undefined): string {
  return instanceId === undefined ? "switchyard:watch-agent" : `switchyard:watch:${instanceId}`;
}

function tokenTag(tokenId: string): string {
  return `switchyard:token:${tokenId}`;
}

function isLive(state: unknown): boolean {
  return typeof state === "object" && state !== null && "live" in state && state.live === true;
}

/** A tail that misses a frame must not go on as if nothing was: closed, it comes back and replays. */
function sendOrClose(connection: Connection, frame: string): void {
  try {
    connection.send(frame);
  } catch {
    connection.close(1011, "a frame could not be sent");
  }
}
