import type { Context } from "hono";
import { z } from "zod";
import type { Principal } from "../src/gateway/auth/principal";
import type { Actor, Door } from "../src/gateway/contract/audit";
import { type AgentPath, type AgentStep, Name } from "../src/gateway/contract/names";
import type { OperationSchemas, Reach, Subject } from "../src/gateway/operations/operation";
import { camel, words } from "../src/gateway/operations/words";
import type { StreamQuota } from "../src/gateway/port";
import type { Registry } from "../src/gateway/registry/registry";
import type { GatewayEnv } from "./gateway-env";

// What every door makes of a request, before it calls an operation.

/** Who calls what anybody may call. */
export const ANONYMOUS = "anonymous";

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

/** The agents that the parameters of a path name. */
export function agentPath({ chain }: Subject, params: Readonly<Record<string, string>>): AgentPath {
  const toStep = ({ name }: { name: string }): AgentStep => ({
    agent: name,
    name: params[camel(name)] ?? "",
  });
  const [root, ...below] = chain;
  return [toStep(root), ...below.map(toStep)];
}

/** The address is the platform's own word: a client that sends the header itself does not get past Cloudflare with it. */
export function actorOf(c: Context<GatewayEnv>, principal: Principal | undefined, door: Door): Actor {
  return {
    name: principal?.name ?? ANONYMOUS,
    scopes: principal?.scopes ?? [],
    door,
    address: c.req.header("cf-connecting-ip") ?? null,
    requestId: c.get("requestId"),
  };
}

/** Where an operation acts: undefined `path` if it is about the gateway itself. */
export function reachOf(
  c: Context<GatewayEnv>,
  registry: Registry,
  path: AgentPath | undefined,
  actor: Actor,
): Reach {
  return {
    registry,
    port: c.get("port"),
    path,
    agent: path && c.get("port").at(path, actor),
    directory: c.get("directory")(actor),
    actor,
    issueStreamToken: (grant) => c.get("authenticator").streamTokens.issue(grant),
  } as Reach;
}

/** How many streams a caller may have. */
export function quotaOf(c: Context<GatewayEnv>, caller: string): StreamQuota {
  const { perInstance, perCaller } = c.get("streams");
  return { caller, perInstance, perCaller };
}

/** Streams that were opened together do not all come back together. */
const JITTER = 0.1;

/** How long a stream may last: up to a tenth less than the most, and no longer than the token that it was opened with. */
export function maxAgeOf(c: Context<GatewayEnv>, { token }: Pick<Principal, "token">): number {
  const maxAgeMs = c.get("streams").maxAgeMs * (1 - JITTER * Math.random());
  return token === undefined ? maxAgeMs : Math.min(maxAgeMs, Math.max(token.expiresAt - Date.now(), 0));
}
