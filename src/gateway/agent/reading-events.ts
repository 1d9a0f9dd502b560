import { isTerminal } from "../contract/instance";
import { ProblemError } from "../contract/problem";
import type { EventsAnswer, EventsRequest, StepSource } from "../port";
import { readWithSteps } from "./events-with-steps";
import type { InstanceRow } from "./ledger";
import { requireInstance, type ServiceContext } from "./service-context";
import { stepSource } from "./step-taking";
import type { StepTurns } from "./step-turns";

/** So long after its end an instance is taken to be through, whatever its engine says. */
const LONGEST_END_MS = 60_000;

/** Reads a stretch of the journal, with the steps of an instance if they are asked for. */
export async function readEvents(
  context: ServiceContext,
  turns: StepTurns,
  request: EventsRequest,
): Promise<EventsAnswer> {
  const { records, host } = context;
  if (request.tokenId !== undefined && records.revokedTokens.has(request.tokenId))
    throw new ProblemError("unauthorized", { detail: "The stream token was revoked." });
  const find = () =>
    request.instanceId === undefined ? undefined : requireInstance(context, request.instanceId);
  const asked = request.steps ? find() : undefined;
  const source = asked && (await sourceFor(context, turns, asked, request.copied === true));
  // It may have ended while this one waited.
  const instance = find();
  // An end that is not certain yet is still to be told.
  const ended = instance !== undefined && isTerminal(instance.status) && instance.check_at === null;
  // What has ended is read, and not followed.
  if (!ended) host.requireRoom(request);
  const stretch =
    asked === undefined ? records.listOf(request).read(request) : readWithSteps(records, request, asked);
  return {
    ...stretch,
    more: stretch.more || (asked !== undefined && instance !== undefined && isEnding(context, instance)),
    ended,
    tailKey: records.store.meta("tail_key"),
    ...(source === undefined ? {} : { steps: source }),
  };
}

/** What is to be read of the engine first; undefined if that is done, or somebody does it. */
async function sourceFor(
  { records, host }: ServiceContext,
  turns: StepTurns,
  { id, status }: InstanceRow,
  copied: boolean,
): Promise<StepSource | undefined> {
  if (copied) {
    turns.end(id);
    return undefined;
  }
  if (typeof stepSource(records, id) === "string") return undefined;
  // What is followed live is there; of what has ended the last of it may be missing.
  if (!isTerminal(status) && host.hasPump(id)) return undefined;
  if (!(await turns.take(id))) return undefined;
  const source = stepSource(records, id);
  if (typeof source !== "string") return source;
  turns.end(id);
  return undefined;
}

/** Whether an instance has just ended, and its engine did not tell so yet. */
function isEnding({ records }: ServiceContext, { id, status, completed_at: at }: InstanceRow): boolean {
  if (!isTerminal(status) || typeof stepSource(records, id) === "string") return false;
  return Date.now() - (at ?? 0) < LONGEST_END_MS;
}
