import { tracked, type TrackedEnvelope } from "@trpc/server";
import type { Context } from "hono";
import { maxAgeOf, quotaOf } from "../../../routes/asking";
import { eventPage, journalSource } from "../../../routes/events";
import type { GatewayEnv } from "../../../routes/gateway-env";
import { countCaller } from "../../../routes/rate-limit";
import { type ReceivedCall, receiveCall } from "../../../routes/receive";
import type { Principal } from "../auth/principal";
import type { ControlFrame, GatewayEvent } from "../contract/event";
import { watchOf } from "../operations/events";
import type { BoundOperation } from "../operations/table";
import type { EventsAnswer } from "../port";
import type { Registry } from "../registry/registry";
import { follow } from "../stream/follow";

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

interface Received extends ReceivedCall {
  readonly principal: Principal | undefined;
}

/**
 * Takes a call in.
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
  const received = await receiveCall(c, registry, operation, {
    door: "trpc",
    principal,
    read: async () => (follows ? resumed(await read()) : read()),
  });
  return { ...received, principal };
}

/** Who comes back sends the last id that it got, which wins over where it began. */
function resumed(input: unknown): unknown {
  if (typeof input !== "object" || input === null || !("lastEventId" in input)) return input;
  const { lastEventId, ...others } = input;
  return { ...others, after: lastEventId };
}
