import type { Connection } from "agents";
import { ENDING_TYPES, type GatewayEvent, isEnding, isOfInstance } from "../contract/event";
import { ProblemError } from "../contract/problem";
import type { StepEvent } from "../contract/step-event";
import type { EventFilter, EventsRequest, Watch } from "../port";
import { callerTag, type Connections, type StreamCounts } from "./tail-quota";
import { readWithSteps } from "./events-with-steps";
import type { Records } from "./records";

/**
 * Carries the key of each agent on the way, root first. Only the Worker can know them, so that nobody else opens a tail, nor
 * passes an author's `onBeforeSubAgent` by saying that it does.
 */
const KEY_HEADER = "x-switchyard-tail-key";
/** Path of the agent whose tail is meant: a socket of a sub-agent passes through all of its parents. */
const AGENT_HEADER = "x-switchyard-tail-agent";
const AFTER_HEADER = "x-switchyard-tail-after";
/** A {@link Watch}, as JSON that is encoded for a URL: the names in it may be any text. */
const WATCH_HEADER = "x-switchyard-tail-watch";

const TAIL_TAG = "switchyard:tail";
const STEPS_TAG = "switchyard:steps:";
const REPLAY_BATCH = 100;
const GONE = "what was watched is gone";

/** What a tail is opened with. */
export interface TailRequest extends Watch {
  readonly agent: string;
  readonly after: string;
  readonly tailKey: string;
}

/** The headers of the request that opens a tail. */
export function tailHeaders({ agent, after, tailKey, ...watch }: TailRequest): Headers {
  return new Headers({
    upgrade: "websocket",
    [KEY_HEADER]: tailKey,
    [AGENT_HEADER]: agent,
    [AFTER_HEADER]: after,
    [WATCH_HEADER]: encodeURIComponent(JSON.stringify(watch)),
  });
}

/** Reads {@link tailHeaders}; undefined if the request does not open a tail of this agent. */
export function readTailRequest({ headers }: Request, agentPath: () => string): TailRequest | undefined {
  const tailKey = headers.get(KEY_HEADER);
  const after = headers.get(AFTER_HEADER);
  if (tailKey === null || after === null) return undefined;
  const agent = agentPath();
  if (headers.get(AGENT_HEADER) !== agent) return undefined;
  const watch = JSON.parse(decodeURIComponent(headers.get(WATCH_HEADER) ?? "{}")) as Partial<Watch>;
  return { agent, after, tailKey, instanceId: undefined, ...watch };
}

/** Whether a request opens a tail below this agent, which is `depth` levels below the root and has this key. */
export function passesTail({ headers }: Request, depth: number, tailKey: string): boolean {
  return headers.get(KEY_HEADER)?.split(" ")[depth] === tailKey;
}

/** The tags by which events find a tail, also after the agent slept. */
export function tailTags(watch: Watch): string[] {
  const { instanceId, steps = false, tokenId, quota } = watch;
  return [
    TAIL_TAG,
    watchTag(watch),
    ...(steps && instanceId !== undefined ? [stepsTag(instanceId)] : []),
    ...(tokenId === undefined ? [] : [tokenTag(tokenId)]),
    ...(quota === undefined ? [] : [callerTag(quota.caller)]),
  ];
}

/** @returns whether a connection is a tail, and so none of the author's clients. */
export function isTail(connection: Connection): boolean {
  return connection.tags.includes(TAIL_TAG);
}

/**
 * Refuses a stream that would be one too many, as far as can be told before its tail is opened.
 *
 * @throws ProblemError `too_many_streams`
 */
export function requireRoom(request: EventsRequest, connections: Connections, counts: StreamCounts): void {
  const { quota } = request;
  const detail = quota && counts.excessOf(quota, watchTag(request), liveOnes(connections));
  if (detail !== undefined) throw new ProblemError("too_many_streams", { detail });
}

/** Starts a tail: what is after the cursor, then live. Both in one turn, so that nothing can come between. */
export function startTail(
  connection: Connection,
  request: TailRequest,
  records: Records,
  connections: Connections,
  counts: StreamCounts,
): void {
  if (!records.store.exists() || records.store.meta("tail_key") !== request.tailKey.split(" ").at(-1)) {
    connection.close(1008, "not a tail of this agent");
    return;
  }
  const { quota, instanceId } = request;
  if (quota !== undefined && counts.excessOf(quota, watchTag(request), liveOnes(connections)) !== undefined) {
    connection.close(1013, "too many streams");
    return;
  }
  const instance = instanceId === undefined ? undefined : records.ledger.find(instanceId);
  if (instanceId !== undefined && instance === undefined) {
    connection.close(1000, GONE);
    return;
  }
  const { types = [], workflow } = request;
  const replayed = { ...request, types: types.length === 0 ? [] : [...types, ...ENDING_TYPES] };
  let after = request.after;
  for (;;) {
    const asked = { ...replayed, after, limit: REPLAY_BATCH };
    const { events, cursor, more, gap } =
      request.steps && instance !== undefined
        ? readWithSteps(records, asked, instance)
        : records.listOf(request).read(asked);
    if (gap) {
      // Lost since the reader read: it is told when it reads on, since a tail carries events alone.
      connection.close(1000, "events are missing");
      return;
    }
    for (const event of events) connection.send(JSON.stringify(event));
    after = cursor;
    if (!more) break;
  }
  connection.setState({ live: true, types, workflow } satisfies LiveTail);
  counts.opened(tailTags(request));
}

/** What is remembered of a tail, also while its agent sleeps. */
interface LiveTail extends EventFilter {
  readonly live: true;
}

/**
 * Sends events to the tails that watch their instance, or the whole agent; and to those that watch the agent and all below it.
 * Each event is written as JSON once, and once more if somebody follows the steps too.
 *
 * @param besideSteps gives an event the place that it has among steps.
 */
export function publishToTails(
  events: readonly GatewayEvent[],
  ofSubtree: readonly GatewayEvent[],
  connections: Connections,
  besideSteps: (event: GatewayEvent & { readonly instanceId: string }) => GatewayEvent,
): void {
  const ofAgent = [...connections(watchTag({ instanceId: undefined }))];
  for (const event of events) {
    send(event, ofAgent);
    if (!isOfInstance(event)) continue;
    const { instanceId } = event;
    const { true: withSteps = [], false: without = [] } = Object.groupBy(
      connections(watchTag({ instanceId })),
      ({ tags }) => `${tags.includes(stepsTag(instanceId))}`,
    );
    send(event, without);
    if (withSteps.length > 0) send(besideSteps(event), withSteps);
  }
  if (ofSubtree.length === 0) return;
  const ofAll = [...connections(watchTag({ instanceId: undefined, subtree: true }))];
  for (const event of ofSubtree) send(event, ofAll);
}

function send(event: GatewayEvent, connections: readonly Connection[]): void {
  const frame = JSON.stringify(event);
  for (const connection of connections) {
    const { state } = connection;
    if (isLive(state) && passes(event, state)) sendOrClose(connection, frame);
  }
}

/** An end passes every filter: the Worker must hear of it, and shows it only if it was asked for. */
function passes(event: GatewayEvent, { types = [], workflow }: EventFilter): boolean {
  const ofType =
    types.length === 0 || (types as readonly string[]).includes(event.type) || isEnding(event.type);
  return ofType && (workflow === undefined || (isOfInstance(event) && event.workflow === workflow));
}

/** Sends what happened to a step to those who follow the steps of its instance. */
export function publishStepToTails(event: StepEvent, connections: Connections): void {
  const frame = JSON.stringify(event);
  for (const connection of liveOnes(connections)(stepsTag(event.instanceId))) sendOrClose(connection, frame);
}

/** A message to the Worker behind a tail: it is to copy the steps from the engine, for everybody who follows them. */
const PUMP = JSON.stringify({ pump: true });

/** Whether a message that a tail brought is one to copy the steps. */
export function asksToPump(message: unknown): boolean {
  return message === PUMP;
}

/** Whether one of those who follow the steps of an instance copies them. */
export function hasPump(instanceId: string, connections: Connections): boolean {
  return [...connections(stepsTag(instanceId))].some(({ state }) => isPump(state));
}

/** Has one of those who follow the steps of an instance copy them, unless one does. @param leaving takes no part any more. */
export function appointPump(instanceId: string, connections: Connections, leaving?: Connection): void {
  const here = [...liveOnes(connections)(stepsTag(instanceId))].filter(({ id }) => id !== leaving?.id);
  const [first] = here;
  if (first === undefined || here.some(({ state }) => isPump(state))) return;
  first.setState({ live: true, pump: true });
  sendOrClose(first, PUMP);
}

/** Tells the one that copies the steps of an instance that its run has begun. */
export function wakePump(instanceId: string, connections: Connections): void {
  for (const connection of connections(stepsTag(instanceId))) {
    if (isPump(connection.state)) sendOrClose(connection, PUMP);
  }
}

/** Goes on without a tail that has closed: if it copied steps, another one does. */
export function leaveTail(connection: Connection, connections: Connections): void {
  const tag = connection.tags.find((one) => one.startsWith(STEPS_TAG));
  if (tag !== undefined) appointPump(tag.slice(STEPS_TAG.length), connections, connection);
}

/** Which tails end: those of an instance, those of a stream token, or all. */
export type EndedTails = { readonly instanceId: string } | { readonly tokenId: string } | "all";

/** Ends tails: their readers find out why by reading on. */
export function closeTails(ended: EndedTails, connections: Connections): void {
  for (const connection of connections(tagOf(ended))) connection.close(1000, GONE);
}

function tagOf(ended: EndedTails): string {
  if (ended === "all") return TAIL_TAG;
  return "tokenId" in ended ? tokenTag(ended.tokenId) : watchTag(ended);
}

function watchTag({ instanceId, subtree = false }: Pick<Watch, "instanceId" | "subtree">): string {
  if (instanceId !== undefined) return `switchyard:watch:${instanceId}`;
  return subtree ? "switchyard:watch-subtree" : "switchyard:watch-agent";
}

function stepsTag(instanceId: string): string {
  return STEPS_TAG + instanceId;
}

function tokenTag(tokenId: string): string {
  return `switchyard:token:${tokenId}`;
}

/** Those that are live: what is just being opened, or refused, takes no room yet. */
function liveOnes(connections: Connections): Connections {
  return (tag) => [...connections(tag)].filter(({ state }) => isLive(state));
}

function isLive(state: unknown): state is LiveTail {
  return typeof state === "object" && state !== null && "live" in state && state.live === true;
}

function isPump(state: unknown): boolean {
  return typeof state === "object" && state !== null && "pump" in state && state.pump === true;
}

/** A tail that misses a frame must not go on as if nothing was: closed, it comes back and replays. */
function sendOrClose(connection: Connection, frame: string): void {
  try {
    connection.send(frame);
  } catch {
    connection.close(1011, "a frame could not be sent");
  }
}
