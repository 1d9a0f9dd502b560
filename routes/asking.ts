import type { Context } from "hono";
import { z } from "zod";
import { reachesClass, type Target, WHOLE_GATEWAY } from "../src/gateway/auth/grant";
import type { Principal } from "../src/gateway/auth/principal";
import type { Actor, Door } from "../src/gateway/contract/audit";
import type { Grant } from "../src/gateway/contract/grant";
import { type AgentPath, type AgentStep, Name } from "../src/gateway/contract/names";
import type { Asked, OperationSchemas, Reach, Subject } from "../src/gateway/operations/operation";
import type { BoundOperation } from "../src/gateway/operations/table";
import { camel, words } from "../src/gateway/operations/words";
import type { Once, StreamQuota } from "../src/gateway/port";
import type { Registry } from "../src/gateway/registry/registry";
import { clientOf } from "./client";
import type { GatewayEnv } from "./gateway-env";
import { requireReach } from "./middleware";

// What every door makes of a request, before it calls an operation.

/** Who calls what anybody may call. */
const ANONYMOUS = "anonymous";

/** A request that was checked by the schemas of its operation. */
export interface Request {
  readonly params: Readonly<Record<string, string>> | undefined;
  readonly query: unknown;
  readonly body: unknown;
}

/** How a request came, and what it says beside what it asks. */
export interface Circumstances {
  readonly door: Door;
  /** Undefined where anybody may ask. */
  readonly principal: Principal | undefined;
  readonly once: Once | undefined;
  readonly ifMatch: string | undefined;
}

/** The path parameters of an operation: the names of its agents first. */
export function pathParams(
  subject: Subject | undefined,
  { params }: OperationSchemas,
): z.ZodObject | undefined {
  if (subject === undefined) return params;
  const names = subject.chain.map(
    ({ name }) => [camel(name), Name.describe(`Name of the ${words(name)}`)] as const,
  );
  return z.object({ ...Object.fromEntries(names), ...params?.shape });
}

/**
 * What an operation would be done to; undefined if it is about no agent.
 *
 * @param params as they were sent, whatever is wrong with them.
 */
export function targetOf(
  { subject, operation: { extent } }: BoundOperation,
  params: Readonly<Record<string, string>>,
): Target | typeof WHOLE_GATEWAY | undefined {
  if (subject === undefined) return extent === "whole" ? WHOLE_GATEWAY : undefined;
  const below = extent === "below" && subject.agent.children.length > 0;
  return { path: agentPath(subject, params), instanceId: params["instanceId"], below };
}

/** Whether a repeat of a request is known by a key that comes with it. */
export function takesKey({ operation: { once }, rest: { method } }: BoundOperation): boolean {
  return method !== "get" && once !== false;
}

/** Who asks, as it is counted and shown. */
export function callerOf(principal: Principal | undefined): string {
  return principal?.name ?? ANONYMOUS;
}

/**
 * What an operation is called with.
 *
 * @throws ProblemError `forbidden` if all agents below are meant too, and the caller does not reach them.
 */
export function toCall(
  c: Context<GatewayEnv>,
  registry: Registry,
  { subject, operation: { scope } }: BoundOperation,
  request: Request,
  { door, principal, once, ifMatch }: Circumstances,
): { asked: Asked<OperationSchemas>; reach: Reach } {
  const path = subject && agentPath(subject, request.params ?? {});
  if (path !== undefined && scope !== null && principal !== undefined && asksForSubtree(request.query))
    requireReach(principal, scope, { path, instanceId: undefined, below: true });
  const asked = { ...request, caller: callerOf(principal), tokenId: principal?.token?.id, once, ifMatch };
  const reaches: Reach["reaches"] = (other) =>
    scope !== null && principal?.may(scope, { path: other, instanceId: undefined }) === true;
  return {
    asked: asked as Asked<OperationSchemas>,
    reach: { ...reachOf(c, path, principal, door), registry, reaches },
  };
}

/** Whether a checked query asks for the agents below too. */
function asksForSubtree(query: unknown): boolean {
  return (query as { readonly scope?: unknown } | undefined)?.scope === "subtree";
}

/** Where a caller acts: undefined `path` if it is about the gateway itself. */
function reachOf(
  c: Context<GatewayEnv>,
  path: AgentPath | undefined,
  principal: Principal | undefined,
  door: Door,
): Omit<Reach, "registry" | "reaches"> {
  const actor: Actor = {
    name: callerOf(principal),
    scopes: principal?.scopes ?? [],
    door,
    ...clientOf(c),
  };
  const holder: Grant = principal ?? { scopes: [], agents: [] };
  return {
    port: c.get("port"),
    path,
    agent: path && c.get("port").at(path, actor),
    directory: c.get("directory")(actor),
    limits: c.get("limits"),
    actor,
    holder,
    holderUntil: principal?.expiresAt,
    reachesClass: (classes) => reachesClass(holder, classes),
    issueStreamToken: (grant) => c.get("authenticator").streamTokens.issue(grant),
    issueLinkToken: (grant) => c.get("linkTokens").issue(grant),
    readLinkToken: (token) => c.get("linkTokens").read(token),
    mayDecideAt: (at) => principal?.may("approvals:decide", { path: at, instanceId: undefined }) === true,
    origin: c.get("origin"),
    senderNames: c.get("callbackSenders").names,
    mintKey: (id) => c.get("authenticator").mintKey(id),
  } as Omit<Reach, "registry" | "reaches">;
}

function agentPath({ chain }: Subject, params: Readonly<Record<string, string>>): AgentPath {
  const toStep = ({ name }: { name: string }): AgentStep => ({
    agent: name,
    name: params[camel(name)] ?? "",
  });
  const [root, ...below] = chain;
  return [toStep(root), ...below.map(toStep)];
}

/** How many streams a caller may have. */
export function quotaOf(c: Context<GatewayEnv>, caller: string): StreamQuota {
  const { perInstance, perCaller } = c.get("streams");
  return { caller, perInstance, perCaller };
}

/** Streams that were opened together do not all come back together. */
const JITTER = 0.1;

/** How long a stream may last: up to a tenth less than the most, and no longer than the credentials that it was opened with. */
export function maxAgeOf(
  c: Context<GatewayEnv>,
  { expiresAt = Infinity }: Pick<Principal, "expiresAt">,
): number {
  const maxAgeMs = c.get("streams").maxAgeMs * (1 - JITTER * Math.random());
  return Math.min(maxAgeMs, Math.max(expiresAt - Date.now(), 0));
}
