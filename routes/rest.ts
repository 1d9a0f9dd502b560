import type { Context, Hono, MiddlewareHandler } from "hono";
import { type Instance, isTerminal } from "../src/gateway/contract/instance";
import { cursorOf, watchOf } from "../src/gateway/operations/events";
import type { Asked, OperationSchemas, Reach, Subject } from "../src/gateway/operations/operation";
import type { BoundOperation } from "../src/gateway/operations/table";
import type { EventsAnswer, Once } from "../src/gateway/port";
import type { Registry } from "../src/gateway/registry/registry";
import { callerOf, maxAgeOf, quotaOf, type Request, takesKey, targetOf, toCall } from "./asking";
import { type ReadRequest, requestReader } from "./checked-request";
import { eventPage, eventStreamResponse, journalSource, wantsStream } from "./events";
import type { GatewayEnv } from "./gateway-env";
import { jsonBody, limitedBody } from "./json-body";
import { authorized, identified } from "./middleware";
import { onceOf, waitOf } from "./preferences";
import { problemResponse } from "./problem-response";
import { throttled } from "./rate-limit";
import { restPath } from "./rest-route";
import { onceOfSigned, signedBody } from "./signed-body";
import { holdInstance, holdPage } from "./waiting";

/** Serves every operation over REST, each at the address that its definition names. */
export function mountRest(
  app: Hono<GatewayEnv>,
  operations: readonly BoundOperation[],
  registry: Registry,
): void {
  const methods = new Map<string, string[]>();
  for (const operation of operations) {
    const template = restPath(operation);
    const path = template.replaceAll(/\{(\w+)\}/g, ":$1");
    const method = operation.rest.method.toUpperCase();
    const read = requestReader(operation);
    app.on(method, path, named(template, operation.subject), ...accessOf(operation), bodyOf(operation), (c) =>
      serve(c, operation, registry, read),
    );
    methods.set(path, [...(methods.get(path) ?? []), method, ...(method === "GET" ? ["HEAD"] : [])]);
  }
  for (const [path, allowed] of methods) {
    app.all(path, (c) => {
      c.header("allow", allowed.join(", "));
      return problemResponse(c, "method_not_allowed");
    });
  }
}

/** Asks who calls and counts that, then for the scope and the agent that the address names, unless anybody may call it or a signature says who. */
function accessOf(bound: BoundOperation) {
  const { scope, signed, kind } = bound.operation;
  if (scope === null) return [throttled];
  if (signed) return [limitedBody, signedBody, throttled];
  return [
    identified(kind === "events"),
    throttled,
    authorized({ scope, targetOf: (c) => targetOf(bound, c.req.param()) }),
  ];
}

/** Requires a body that is JSON, where the operation takes one. */
function bodyOf(operation: BoundOperation): MiddlewareHandler<GatewayEnv> {
  return async function checkBody(c, next) {
    if (operation.schemas.body === undefined) return next();
    return limitedBody(c, async () => {
      await jsonBody(c, next);
    });
  };
}

/** Says which operation is asked for. */
function named(template: string, subject: Subject | undefined): MiddlewareHandler<GatewayEnv> {
  return async function name(c, next) {
    c.set("route", { door: "rest", template, agent: subject?.agent.name ?? null });
    await next();
  };
}

async function serve(
  c: Context<GatewayEnv>,
  operation: BoundOperation,
  registry: Registry,
  read: ReadRequest,
): Promise<Response> {
  const { scope, kind, signed } = operation.operation;
  const principal = scope === null ? undefined : c.get("principal");
  const request = await read(c);
  const { asked, reach } = toCall(c, registry, operation, request, {
    door: signed ? "callback" : "rest",
    principal,
    once: await onceFor(c, operation, callerOf(principal), request),
    ifMatch: c.req.header("if-match"),
  });
  if (kind === "events") return serveEvents(c, operation, asked, reach);
  const answer = await operation.answer(asked, reach);
  const { waits, created, location, etag } = operation.rest;
  const status = created?.(answer) === true ? 201 : operation.rest.status;
  if (location !== undefined) c.header("location", location(answer));
  if (etag !== undefined) c.header("etag", etag(answer));
  c.header("cache-control", "no-store");
  const wait = waits ? waitOf(c) : undefined;
  if (wait === undefined) return c.json(answer as object, status);
  const ended = await hold(c, reach, answer as Instance, wait, asked.caller);
  return c.json(ended, isTerminal(ended.status) ? 200 : status);
}

/** How a repeat of the request is known; undefined if none is told from another request. */
async function onceFor(
  c: Context<GatewayEnv>,
  operation: BoundOperation,
  caller: string,
  request: Request,
): Promise<Once | undefined> {
  if (!takesKey(operation)) return undefined;
  if (operation.operation.signed) return onceOfSigned(c, caller, operation.id);
  return onceOf(c.req.header("idempotency-key"), { caller, operation: operation.id, request });
}

function hold(
  c: Context<GatewayEnv>,
  reach: Reach,
  instance: Instance,
  seconds: number,
  caller: string,
): Promise<Instance> {
  const { id } = instance;
  const source = journalSource(reach, { instanceId: id, quota: quotaOf(c, caller) });
  return holdInstance(c, instance, seconds, source, () => reach.agent.getInstance({ id }));
}

async function serveEvents(
  c: Context<GatewayEnv>,
  operation: BoundOperation,
  asked: Asked<OperationSchemas>,
  reach: Reach,
): Promise<Response> {
  const stream = wantsStream(c);
  // The header wins: an EventSource sends it when it comes back to the URL that it first came to.
  const after = (stream ? c.req.header("last-event-id") : undefined) ?? cursorOf(asked);
  const wait = stream ? undefined : waitOf(c);
  const quota = quotaOf(c, asked.caller);
  const read = (counted: boolean) =>
    operation.answer(
      { ...asked, query: { ...asked.query, after }, quota: counted ? quota : undefined },
      reach,
    ) as Promise<EventsAnswer>;

  const answer = await read(stream);
  const source = journalSource(reach, watchOf({ ...asked, quota }));
  if (stream)
    return eventStreamResponse(c, source, after !== undefined, answer, maxAgeOf(c, c.get("principal")));
  return c.json(eventPage(wait === undefined ? answer : await holdPage(c, answer, wait, source, read)));
}
