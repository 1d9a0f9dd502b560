import type { Context } from "hono";
import { z } from "zod";
import { reachesClass, type Target, WHOLE_GATEWAY } from "../src/gateway/auth/grant";
import type { Principal } from "../src/gateway/auth/principal";
import type { Actor, Door } from "../src/gateway/contract/audit";
import type { Grant } from "../src/gateway/contract/grant";
import type { Scope } from "../src/gateway/contract/scope";
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
  return {
    asked: asked as Asked<OperationSchemas>,
    reach: new RequestReach(c, registry, path, scope, principal, door) as Reach,
  };
}

/** Whether a checked query asks for the agents below too. */
function asksForSubtree(query: unknown): boolean {
  return (query as { readonly scope?: unknown } | undefined)?.scope === "subtree";
}

/** Where a caller acts. `path` and `agent` are undefined if it is about the gateway itself. What few operations ask for is made when it is asked for. */
class RequestReach implements Omit<Reach, "path" | "agent"> {
  readonly registry: Registry;
  readonly path: AgentPath | undefined;
  readonly actor: Actor;
  readonly holder: Grant;
  readonly #c: Context<GatewayEnv>;
  readonly #scope: Scope | null;
  readonly #principal: Principal | undefined;

  constructor(
    c: Context<GatewayEnv>,
    registry: Registry,
    path: AgentPath | undefined,
    scope: Scope | null,
    principal: Principal | undefined,
    door: Door,
  ) {
    this.registry = registry;
    this.path = path;
    this.actor = { name: callerOf(principal), scopes: principal?.scopes ?? [], door, ...clientOf(c) };
    this.holder = principal ?? NOTHING;
    this.#c = c;
    this.#scope = scope;
    this.#principal = principal;
  }

  get port(): Reach["port"] {
    return this.#c.get("port");
  }
  get agent(): Reach["agent"] | undefined {
    return this.path && this.port.at(this.path, this.actor);
  }
  get directory(): Reach["directory"] {
    return this.#c.get("directory")(this.actor);
  }
  get limits(): Reach["limits"] {
    return this.#c.get("limits");
  }
  get holderUntil(): Reach["holderUntil"] {
    return this.#principal?.expiresAt;
  }
  get reaches(): Reach["reaches"] {
    return (path) => this.#scope !== null && this.#may(this.#scope, path);
  }
  get reachesClass(): Reach["reachesClass"] {
    return (classes) => reachesClass(this.holder, classes);
  }
  get issueStreamToken(): Reach["issueStreamToken"] {
    return (grant) => this.#c.get("authenticator").streamTokens.issue(grant);
  }
  get issueLinkToken(): Reach["issueLinkToken"] {
    return (grant) => this.#c.get("linkTokens").issue(grant);
  }
  get readLinkToken(): Reach["readLinkToken"] {
    return (token) => this.#c.get("linkTokens").read(token);
  }
  get mayDecideAt(): Reach["mayDecideAt"] {
    return (path) => this.#may("approvals:decide", path);
  }
  get origin(): Reach["origin"] {
    return this.#c.get("origin");
  }
  get senderNames(): Reach["senderNames"] {
    return this.#c.get("callbackSenders").names;
  }
  get mintKey(): Reach["mintKey"] {
    return (id) => this.#c.get("authenticator").mintKey(id);
  }

  #may(scope: Scope, path: AgentPath): boolean {
    return this.#principal?.may(scope, { path, instanceId: undefined }) === true;
  }
}

/** What somebody may do who did not say who they are. */
const NOTHING: Grant = { scopes: [], agents: [] };

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
