import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { z } from "zod";
import { reachesClass, WHOLE_GATEWAY } from "../src/gateway/auth/grant";
import type { Principal } from "../src/gateway/auth/principal";
import type { Actor, Door } from "../src/gateway/contract/audit";
import type { Grant } from "../src/gateway/contract/grant";
import { type Instance, isTerminal } from "../src/gateway/contract/instance";
import { type AgentPath, type AgentStep, Name } from "../src/gateway/contract/names";
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
import { camel, words } from "../src/gateway/operations/words";
import type { EventsAnswer, Once, StreamQuota } from "../src/gateway/port";
import type { Registry } from "../src/gateway/registry/registry";
import { eventPage, eventStreamResponse, journalSource, wantsStream } from "./events";
import type { GatewayEnv } from "./gateway-env";
import { clientOf } from "./client";
import { jsonBody, limitedBody } from "./json-body";
import { authorized, requireReach } from "./middleware";
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
      throttled,
      ...(schemas.body === undefined ? [] : [limitedBody, jsonBody]),
    ],
    request: {
      ...(params === undefined ? {} : { params }),
      headers: requestHeaders(operation, rest),
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

/** Asks for the scope, and for the agent that the address names, or for a signature, unless anybody may call it. */
function accessOf({ operation: { scope, signed, extent, kind }, subject }: BoundOperation) {
  if (scope === null) return [];
  if (signed) return [limitedBody, signedBody];
  const below = extent === "below" && subject !== undefined && subject.agent.children.length > 0;
  const targetOf = (c: Context<GatewayEnv>) => {
    if (subject === undefined) return extent === "whole" ? WHOLE_GATEWAY : undefined;
    const params: Readonly<Record<string, string>> = c.req.param();
    return { path: agentPath(subject, params), instanceId: params["instanceId"], below };
  };
  return [authorized({ scope, byToken: kind === "events", targetOf })];
}

/** Says which operation is asked for. */
function named(template: string, subject: Subject | undefined): MiddlewareHandler<GatewayEnv> {
  return async function name(c, next) {
    c.set("route", { template, agent: subject?.agent.name ?? null });
    await next();
  };
}

/** Who calls what anybody may call. */
const ANONYMOUS = "anonymous";

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

function requestHeaders(
  { kind, once, signed }: BoundOperation["operation"],
  { method, waits, etag }: BoundOperation["rest"],
): z.ZodObject {
  if (signed) return SignatureHeaders;
  const prefer = kind === "events" ? PreferNews : PreferEnd;
  return z.object({
    ...(method === "get" || once === false ? {} : { "idempotency-key": IdempotencyKey.optional() }),
    ...(waits ? { prefer: prefer.optional() } : {}),
    ...(etag === undefined || method === "get" ? {} : { "if-match": IfMatch.optional() }),
  });
}

function pathParams(subject: Subject | undefined, { params }: OperationSchemas): z.ZodObject | undefined {
  if (subject === undefined) return params;
  const names = subject.chain.map(
    ({ name }) => [camel(name), Name.describe(`Name of the ${words(name)}`)] as const,
  );
  return z.object({ ...Object.fromEntries(names), ...params?.shape });
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
  const { scope, kind } = operation.operation;
  const principal = scope === null ? undefined : c.get("principal");
  const params = c.req.valid("param" as never) as Record<string, string> | undefined;
  const path = operation.subject === undefined ? undefined : agentPath(operation.subject, params ?? {});
  const request = { params, query: c.req.valid("query" as never), body: c.req.valid("json" as never) };
  if (path !== undefined && scope !== null && principal !== undefined && asksForSubtree(request.query))
    requireReach(principal, scope, { path, instanceId: undefined, below: true });

  const caller = principal?.name ?? ANONYMOUS;
  const once = await onceFor(c, operation, caller, request);
  const ifMatch = c.req.header("if-match");
  const tokenId = principal?.token?.id;
  const asked = { ...request, caller, tokenId, once, ifMatch } as Asked<OperationSchemas>;
  const actor = actorOf(c, principal, operation.operation.signed ? "callback" : "rest");
  const reaches = (other: AgentPath): boolean =>
    scope !== null && principal?.may(scope, { path: other, instanceId: undefined }) === true;
  const holder: Grant = principal ?? { scopes: [], agents: [] };
  const reach = {
    registry,
    port: c.get("port"),
    path,
    agent: path && c.get("port").at(path, actor),
    directory: c.get("directory")(actor),
    limits: c.get("limits"),
    actor,
    holder,
    holderUntil: principal?.expiresAt,
    reaches,
    reachesClass: (classes) => reachesClass(holder, classes),
    issueStreamToken: (grant) => c.get("authenticator").streamTokens.issue(grant),
    issueLinkToken: (grant) => c.get("linkTokens").issue(grant),
    readLinkToken: (token) => c.get("linkTokens").read(token),
    mayDecideAt: (at) => principal?.may("approvals:decide", { path: at, instanceId: undefined }) === true,
    origin: c.get("origin"),
    mintKey: (id) => c.get("authenticator").mintKey(id),
  } as Reach;

  if (kind === "events" && path !== undefined) return serveEvents(c, operation, asked, reach);
  const answer = await operation.answer(asked, reach);
  const { waits, created, location, etag } = operation.rest;
  const status = created?.(answer) === true ? 201 : operation.rest.status;
  if (location !== undefined) c.header("location", location(answer));
  if (etag !== undefined) c.header("etag", etag(answer));
  c.header("cache-control", "no-store");
  const wait = waits ? waitOf(c) : undefined;
  if (wait === undefined) return c.json(answer as object, status);
  const ended = await hold(c, reach, answer as Instance, wait, caller);
  return c.json(ended, isTerminal(ended.status) ? 200 : status);
}

/** Whether a checked query asks for the agents below too. */
function asksForSubtree(query: unknown): boolean {
  return (query as { readonly scope?: unknown } | undefined)?.scope === "subtree";
}

/** How a repeat of the request is known; undefined if none is told from another request. */
async function onceFor(
  c: Context<GatewayEnv>,
  { id, operation: { once, signed }, rest }: BoundOperation,
  caller: string,
  request: unknown,
): Promise<Once | undefined> {
  if (rest.method === "get" || once === false) return undefined;
  return signed ? onceOfSigned(c, caller, id) : onceOf(c, { caller, operation: id, request });
}

function actorOf(c: Context<GatewayEnv>, principal: Principal | undefined, door: Door): Actor {
  return {
    name: principal?.name ?? ANONYMOUS,
    scopes: principal?.scopes ?? [],
    door,
    ...clientOf(c),
  };
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

function quotaOf(c: Context<GatewayEnv>, caller: string): StreamQuota {
  const { perInstance, perCaller } = c.get("streams");
  return { caller, perInstance, perCaller };
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
  if (stream) return eventStreamResponse(c, source, after !== undefined, answer, maxAgeOf(c));
  return eventPage(c, wait === undefined ? answer : await holdPage(c, answer, wait, source, read));
}

/** Streams that were opened together do not all come back together. */
const JITTER = 0.1;

/** How long a stream may last: up to a tenth less than the most, and no longer than the credentials that it was opened with. */
function maxAgeOf(c: Context<GatewayEnv>): number {
  const maxAgeMs = c.get("streams").maxAgeMs * (1 - JITTER * Math.random());
  const { expiresAt = Infinity } = c.get("principal");
  return Math.min(maxAgeMs, Math.max(expiresAt - Date.now(), 0));
}

function agentPath({ chain }: Subject, params: Readonly<Record<string, string>>): AgentPath {
  const toStep = ({ name }: { name: string }): AgentStep => ({
    agent: name,
    name: params[camel(name)] ?? "",
  });
  const [root, ...below] = chain;
  return [toStep(root), ...below.map(toStep)];
}
