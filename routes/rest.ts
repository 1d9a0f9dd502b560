import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { z } from "zod";
import { type Instance, isTerminal } from "../src/gateway/contract/instance";
import { placesOf, Problem, type ProblemCode, ProblemError, PROBLEMS } from "../src/gateway/contract/problem";
import { agentTemplate } from "../src/gateway/operations/agents";
import { cursorOf, watchOf } from "../src/gateway/operations/events";
import {
  type Asked,
  type OperationSchemas,
  problemsOf,
  type Reach,
  type Subject,
} from "../src/gateway/operations/operation";
import type { BoundOperation } from "../src/gateway/operations/table";
import type { EventsAnswer, Once } from "../src/gateway/port";
import type { Registry } from "../src/gateway/registry/registry";
import { callerOf, maxAgeOf, pathParams, quotaOf, type Request, takesKey, targetOf, toCall } from "./asking";
import { eventPage, eventStreamResponse, journalSource, wantsStream } from "./events";
import type { GatewayEnv } from "./gateway-env";
import { jsonBody, limitedBody } from "./json-body";
import { authorized, identified } from "./middleware";
import { IdempotencyKey, IfMatch, onceOf, PreferEnd, PreferNews, waitOf } from "./preferences";
import { problemResponse } from "./problem-response";
import { throttled } from "./rate-limit";
import { onceOfSigned, SignatureHeaders, signedBody } from "./signed-body";
import { holdInstance, holdPage } from "./waiting";

/** Serves every operation over REST, each at the address that its definition names. */
export function mountRest(
  app: OpenAPIHono<GatewayEnv>,
  operations: readonly BoundOperation[],
  registry: Registry,
): void {
  const methods = new Map<string, string[]>();
  for (const operation of operations) {
    const route = toRoute(operation);
    app.openapi(route, (c) => serve(c, operation, registry));
    const path = route.getRoutingPath();
    const method = route.method.toUpperCase();
    methods.set(path, [...(methods.get(path) ?? []), method, ...(method === "GET" ? ["HEAD"] : [])]);
  }
  for (const [path, allowed] of methods) {
    app.all(path, (c) => {
      c.header("allow", allowed.join(", "));
      return problemResponse(c, "method_not_allowed");
    });
  }
}

/** Turns what the validators found into one problem. */
export function refuseInvalid(result: { success: boolean; error?: unknown; target: string }): void {
  if (result.success) return;
  const part = { json: "body", query: "query", param: "path" } as const;
  const places = placesOf(result.error as z.ZodError, part[result.target as keyof typeof part] ?? "header");
  throw new ProblemError("invalid_request", {
    detail: places.map(({ in: where, pointer, message }) => `${where}${pointer}: ${message}`).join("; "),
    errors: places,
  });
}

function toRoute(bound: BoundOperation) {
  const { id, summary, operation, rest, subject, schemas } = bound;
  const { description } = operation;
  const params = pathParams(subject, schemas);
  const headers = requestHeaders(bound);
  const path = `${subject === undefined ? "" : agentTemplate(subject.chain)}${rest.path}`;
  return createRoute({
    operationId: id,
    method: rest.method,
    path,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [subject?.agent.name ?? "gateway"],
    security: securityOf(operation),
    middleware: [
      named(path, subject),
      ...accessOf(bound),
      ...(schemas.body === undefined ? [] : [limitedBody, jsonBody]),
    ],
    request: {
      ...(params === undefined ? {} : { params }),
      ...(headers === undefined ? {} : { headers }),
      ...(schemas.query === undefined ? {} : { query: schemas.query }),
      ...(schemas.body === undefined
        ? {}
        : { body: { required: true, content: { "application/json": { schema: schemas.body } } } }),
    },
    responses: {
      ...success(rest, schemas),
      ...problemResponses(problemsOf(operation, rest.method, schemas, subject !== undefined)),
    },
  });
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

/** Says which operation is asked for. */
function named(template: string, subject: Subject | undefined): MiddlewareHandler<GatewayEnv> {
  return async function name(c, next) {
    c.set("route", { door: "rest", template, agent: subject?.agent.name ?? null });
    await next();
  };
}

const MEANINGS = { 200: "OK", 201: "Created", 202: "Accepted" } as const;

function securityOf({ scope, kind, signed }: BoundOperation["operation"]) {
  if (scope === null) return [];
  if (signed) return [{ webhookSignature: [] }];
  return [
    { apiKey: [scope] },
    { cloudflareAccess: [scope] },
    ...(kind === "events" ? [{ streamToken: [] }] : []),
  ];
}

function requestHeaders(bound: BoundOperation): z.ZodObject | undefined {
  const { kind, signed } = bound.operation;
  const { method, waits, etag } = bound.rest;
  if (signed) return SignatureHeaders;
  const prefer = kind === "events" ? PreferNews : PreferEnd;
  const headers = {
    ...(takesKey(bound) ? { "idempotency-key": IdempotencyKey.optional() } : {}),
    ...(waits ? { prefer: prefer.optional() } : {}),
    ...(etag === undefined || method === "get" ? {} : { "if-match": IfMatch.optional() }),
  };
  return Object.keys(headers).length === 0 ? undefined : z.object(headers);
}

function success({ status, waits, created }: BoundOperation["rest"], { output, frame }: OperationSchemas) {
  if (frame !== undefined) {
    const content = {
      "text/event-stream": { schema: frame },
      "application/json": { schema: output },
    };
    return {
      200: { description: "The events", content },
      204: { description: "Everything was sent, and nothing will follow" },
    };
  }
  const content = { "application/json": { schema: output } };
  return {
    [status]: { description: MEANINGS[status], content },
    ...(created === undefined ? {} : { 201: { description: MEANINGS[201], content } }),
    ...(waits
      ? { 200: { description: "The instance, which has ended if `Prefer: wait` gave it the time", content } }
      : {}),
  };
}

function problemResponses(codes: readonly ProblemCode[]) {
  const byStatus = Object.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, sharing]) => [
      status,
      {
        description: sharing.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("; "),
        content: { "application/problem+json": { schema: Problem } },
      },
    ]),
  );
}

async function serve(
  c: Context<GatewayEnv>,
  operation: BoundOperation,
  registry: Registry,
): Promise<Response> {
  const { scope, kind, signed } = operation.operation;
  const principal = scope === null ? undefined : c.get("principal");
  const request: Request = {
    params: c.req.valid("param" as never),
    query: c.req.valid("query" as never),
    body: c.req.valid("json" as never),
  };
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
