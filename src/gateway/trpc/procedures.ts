import { tracked, type TrackedEnvelope } from "@trpc/server";
import type { Context } from "hono";
import { callerOf, maxAgeOf, quotaOf, takesKey, targetOf, toCall } from "../../../routes/asking";
import { eventPage, journalSource } from "../../../routes/events";
import type { GatewayEnv } from "../../../routes/gateway-env";
import { requireReach, requireScope } from "../../../routes/middleware";
import { onceOf } from "../../../routes/preferences";
import { countCaller } from "../../../routes/rate-limit";
import type { Principal } from "../auth/principal";
import type { ControlFrame, GatewayEvent } from "../contract/event";
import { watchOf } from "../operations/events";
import type { Asked, OperationSchemas, Reach } from "../operations/operation";
import type { BoundOperation } from "../operations/table";
import type { EventsAnswer } from "../port";
import type { Registry } from "../registry/registry";
import { follow } from "../stream/follow";
import { namesIn, readInput } from "./input";

/** What all procedures have of a request. */
export interface TrpcContext {
  readonly c: Context<GatewayEnv>;
  /**
   * Tells who asks.
   *
   * @param byToken whether a stream token will do.
   * @throws ProblemError if nobody is known.
   */
  readonly identify: (byToken: boolean) => Promise<Principal>;
  /** Ends it: what it holds is let go, whether or not anybody reads its answer. */
  readonly end: () => void;
}

/** What one call of a procedure has. */
export interface CallContext extends TrpcContext {
  readonly readInput: () => Promise<unknown>;
}

/** Answers a call as REST answers its request: the caller first, then the input, then the operation. */
export async function answerCall(
  operation: BoundOperation,
  registry: Registry,
  ctx: CallContext,
): Promise<unknown> {
  const { asked, reach } = await receive(operation, registry, ctx, false);
  const answer = await operation.answer(asked, reach);
  return operation.operation.kind === "events" ? eventPage(answer as EventsAnswer) : answer;
}

type Told = AsyncGenerator<TrackedEnvelope<GatewayEvent | ControlFrame>, void>;

/**
 * Follows a journal for a subscription. Each frame is tracked by its cursor, by which tRPC's clients come back. It ends when
 * nothing will follow; a stream that only closes breaks off, which tells them to come back.
 *
 * @param signal aborts when the client has left.
 */
export async function answerSubscription(
  operation: BoundOperation,
  registry: Registry,
  ctx: CallContext,
  signal: AbortSignal,
): Promise<Told> {
  const { asked, reach, principal } = await receive(operation, registry, ctx, true);
  const watched = { ...asked, quota: quotaOf(ctx.c, asked.caller) };
  const first = (await operation.answer(watched, reach)) as EventsAnswer;
  const maxAgeMs = principal === undefined ? 0 : maxAgeOf(ctx.c, principal);
  return tell((stop) => follow(journalSource(reach, watchOf(watched)), first, stop), maxAgeMs, signal);
}

async function* tell(
  followed: (stop: AbortSignal) => ReturnType<typeof follow>,
  maxAgeMs: number,
  signal: AbortSignal,
): Told {
  const stop = new AbortController();
  const leave = (): void => stop.abort();
  const age = setTimeout(leave, maxAgeMs);
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  try {
    for await (const told of followed(stop.signal)) {
      if ("events" in told) {
        for (const event of told.events) yield tracked(event.id, event);
        continue;
      }
      if (told.control.type === "stream.end") return;
      if (told.control.type === "stream.closing") break;
      yield tracked(told.cursor, told.control);
    }
  } finally {
    clearTimeout(age);
    signal.removeEventListener("abort", leave);
    leave();
  }
  throw new DOMException("Come back with the last id.", "AbortError");
}

interface Received {
  readonly asked: Asked<OperationSchemas>;
  readonly reach: Reach;
  readonly principal: Principal | undefined;
}

/**
 * Takes a call in. What the caller may not reach is answered as what does not exist, whatever else is wrong.
 *
 * @param follows whether it is a subscription, to which a stream token lets in.
 */
async function receive(
  operation: BoundOperation,
  registry: Registry,
  { c, identify, readInput: read }: CallContext,
  follows: boolean,
): Promise<Received> {
  const { scope } = operation.operation;
  const principal = scope === null ? undefined : await identify(follows);
  // The log names callers also if they are refused.
  if (principal !== undefined) c.set("principal", principal);
  await countCaller(c, principal);
  if (principal !== undefined && scope !== null) requireScope(principal, scope);
  const input = await read();
  if (principal !== undefined && scope !== null)
    requireReach(principal, scope, targetOf(operation, namesIn(operation, input)));
  const sent = await readInput(operation, follows ? resumed(input) : input);
  const { idempotencyKey = c.req.header("idempotency-key"), ifMatch, ...request } = sent;
  const once = takesKey(operation)
    ? await onceOf(idempotencyKey, { caller: callerOf(principal), operation: operation.id, request })
    : undefined;
  return {
    ...toCall(c, registry, operation, request, { door: "trpc", principal, once, ifMatch }),
    principal,
  };
}

/** Who comes back sends the last id that it got, which wins over where it began. */
function resumed(input: unknown): unknown {
  if (typeof input !== "object" || input === null || !("lastEventId" in input)) return input;
  const { lastEventId, ...others } = input;
  return { ...others, after: lastEventId };
}
