import type { Context, MiddlewareHandler } from "hono";
import { type Target, WHOLE_GATEWAY } from "../src/gateway/auth/grant";
import type { Authenticator, Principal } from "../src/gateway/auth/principal";
import { tokenPrincipal } from "../src/gateway/auth/token-principal";
import { ProblemError } from "../src/gateway/contract/problem";
import type { Scope } from "../src/gateway/contract/scope";
import type { GatewayEnv } from "./gateway-env";
import { countStranger } from "./rate-limit";

/**
 * Lets in whoever shows credentials that are good. It comes before the count of requests, so that those too are counted that are
 * then refused.
 *
 * @param byToken whether a stream token in the query will do; everywhere else one is refused.
 */
export function identified(byToken: boolean): MiddlewareHandler<GatewayEnv> {
  return async function tellCaller(c, next) {
    c.set("principal", await identify(c, byToken));
    await next();
  };
}

/** What a door asks of a caller. */
export interface Access {
  readonly scope: Scope;
  /** What it would be done to, by the address alone; undefined if it is about no agent. */
  readonly targetOf: (c: Context<GatewayEnv>) => Target | typeof WHOLE_GATEWAY | undefined;
}

/**
 * Lets in who may do this. It runs before anything of the request is read but its address, so that what a caller may not reach
 * is answered as what does not exist, whatever else is wrong with the request.
 */
export function authorized({ scope, targetOf }: Access): MiddlewareHandler<GatewayEnv> {
  return async function authorize(c, next) {
    const principal = c.get("principal");
    requireScope(principal, scope);
    requireReach(principal, scope, targetOf(c));
    await next();
  };
}

/**
 * Tells who asks, whatever for.
 *
 * @param token the stream token that was sent, if one was.
 * @throws ProblemError `unauthorized`, `too_many_requests` if that comes too often, or `gateway_not_configured` if nobody could be let in.
 */
export async function identify(
  c: Context<GatewayEnv>,
  byToken: boolean,
  token: string | undefined = c.req.query("token"),
): Promise<Principal> {
  const authenticator = c.get("authenticator");
  const principal = await (token === undefined
    ? authenticator.authenticate(c.req.raw)
    : byToken && holderOf(token, authenticator));
  if (principal) return principal;
  if (!authenticator.configured) throw new ProblemError("gateway_not_configured", { detail: SET_A_KEY });
  await countStranger(c);
  throw new ProblemError("unauthorized", { detail: detailOf(token, byToken) });
}

const SET_A_KEY =
  "Set the secret SWITCHYARD_API_KEY to a key of at least 20 characters: npx wrangler secret put SWITCHYARD_API_KEY";

function detailOf(token: string | undefined, byToken: boolean): string {
  if (token === undefined) return "Send Authorization: Bearer, and an API key or a JWT.";
  return byToken
    ? "The stream token is not valid any more."
    : "A stream token reads event streams, and nothing else.";
}

async function holderOf(token: string, { streamTokens }: Authenticator): Promise<Principal | undefined> {
  const grant = await streamTokens.read(token);
  return grant && tokenPrincipal(grant);
}

/** @throws ProblemError if there is nothing to which the caller may do this. */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!principal.may(scope, undefined))
    throw new ProblemError("forbidden", { detail: `The credentials lack ${scope}.` });
}

/**
 * Refuses what the caller may not reach exactly as what does not exist. Who reaches an agent, but not all that is below it, is
 * told so: it says nothing of what is there.
 */
export function requireReach(
  principal: Principal,
  scope: Scope,
  target: Target | typeof WHOLE_GATEWAY | undefined,
): void {
  if (principal.may(scope, target)) return;
  if (target === WHOLE_GATEWAY)
    throw new ProblemError("forbidden", { detail: "This is for who reaches every agent: /**." });
  if (target?.below === true && principal.may(scope, { ...target, below: false }))
    throw new ProblemError("forbidden", { detail: "The credentials do not reach all agents below." });
  throw new ProblemError("agent_not_found");
}
