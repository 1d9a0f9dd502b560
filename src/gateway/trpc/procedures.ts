import { tracked, type TrackedEnvelope } from "@trpc/server";
import type { Context } from "hono";
import { actorOf, ANONYMOUS, maxAgeOf, quotaOf, reachOf } from "../../../routes/asking";
import { eventPage, journalSource } from "../../../routes/events";
import type { GatewayEnv } from "../../../routes/gateway-env";
import { admit, expectShallow, requireReach } from "../../../routes/middleware";
import { onceOf } from "../../../routes/preferences";
import type { Principal } from "../auth/principal";
import type { ControlFrame, GatewayEvent } from "../contract/event";
import { watchOf } from "../operations/events";
import type { Asked, OperationSchemas, Reach } from "../operations/operation";
import type { BoundOperation } from "../operations/table";
import type { EventsAnswer } from "../port";
import type { Registry } from "../registry/registry";
import { follow } from "../stream/follow";
import { readInput, targetIn } from "./input";

/** What a procedure has of its request. */
export interface TrpcContext {
  readonly c: Context<GatewayEnv>;
  /** The stream token that came with it. */
  readonly token: string | undefined;
  /** Ends it: what it holds is let go, whether or not anybody reads its answer. */
  readonly end: () => void;
}

/** One call of a procedure. */
export interface Called {
  readonly ctx: TrpcContext;
  readonly input: unknown;
}

/** Answers a call as REST answers its request: the caller first, then the input, then the operation. */
export async function answerCall(
  operation: BoundOperation,
  registry: Registry,
  called: Called,
): Promise<unknown> {
  const { asked, reach } = await receive(operation, registry, called, false);
  const answer = await operation.answer(asked, reach);
  return operation.operation.kind === "events" ? eventPage(answer as EventsAnswer) : answer;
}

/**
 * Follows a journal for a subscription. Each frame is tracked by its cursor, by which tRPC's clients come back. It ends when
 * nothing will follow; a stream that only closes breaks off, which tells them to come back.
 *
 * @param signal aborts when the client has left.
 */
export async function* answerSubscription(
  operation: BoundOperation,
  registry: Registry,
  called: Called,
  signal: AbortSignal,
): AsyncGenerator<TrackedEnvelope<GatewayEvent | ControlFrame>, void> {
  const { asked, reach, principal } = await receive(operation, registry, called, true);
  const quota = quotaOf(called.ctx.c, asked.caller);
  const first = (await operation.answer({ ...asked, quota }, reach)) as EventsAnswer;
  const source = journalSource(reach, watchOf({ ...asked, quota }));
  const stop = new AbortController();
  const leave = (): void => stop.abort();
  const age = setTimeout(leave, principal === undefined ? 0 : maxAgeOf(called.ctx.c, principal));
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  try {
    for await (const told of follow(source, first, stop.signal)) {
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

/** @param follows whether it is a subscription, to which a stream token lets in. */
async function receive(
  operation: BoundOperation,
  registry: Registry,
  { ctx: { c, token }, input }: Called,
  follows: boolean,
): Promise<Received> {
  const { scope } = operation.operation;
  const principal = scope === null ? undefined : await admit(c, scope, follows, token);
  const target = targetIn(operation, input);
  // What the caller may not reach is answered as what does not exist, whatever else is wrong.
  if (target !== undefined && scope !== null) requireReach(principal, scope, target);
  expectShallow(input);
  const { idempotencyKey, ifMatch, ...request } = await readInput(
    operation,
    follows ? resumed(input) : input,
  );
  const caller = principal?.name ?? ANONYMOUS;
  const key = idempotencyKey ?? c.req.header("idempotency-key");
  const once =
    operation.rest.method === "get" || operation.operation.once === false
      ? undefined
      : await onceOf(key, { caller, operation: operation.id, request });
  const asked = { ...request, caller, tokenId: principal?.token?.id, once, ifMatch };
  return {
    asked: asked as Asked<OperationSchemas>,
    reach: reachOf(c, registry, target?.path, actorOf(c, principal, "trpc")),
    principal,
  };
}

/** Who comes back sends the last id that it got, which wins over where it began. */
function resumed(input: unknown): unknown {
  if (typeof input !== "object" || input === null || !("lastEventId" in input)) return input;
  const { lastEventId, ...others } = input;
  return { ...others, after: lastEventId };
}
