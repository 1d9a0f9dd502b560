import type { Context, MiddlewareHandler } from "hono";
import { type Target, WHOLE_GATEWAY } from "../src/gateway/auth/grant";
import type { Authenticator, Principal } from "../src/gateway/auth/principal";
import { tokenPrincipal } from "../src/gateway/auth/token-principal";
import { ProblemError } from "../src/gateway/contract/problem";
import type { Scope } from "../src/gateway/contract/scope";
import type { GatewayEnv } from "./gateway-env";

/** What a door asks of a caller. */
export interface Access {
  readonly scope: Scope;
  /** Whether a stream token in the query will do; everywhere else one is refused. */
  readonly byToken: boolean;
  /** What it would be done to, by the address alone; undefined if it is about no agent. */
  readonly targetOf: (c: Context<GatewayEnv>) => Target | typeof WHOLE_GATEWAY | undefined;
}

/**
 * Lets in who may do this. It runs before anything of the request is read but its address, so that what a caller may not reach
 * is answered as what does not exist, whatever else is wrong with the request.
 */
export function authorized({ scope, byToken, targetOf }: Access): MiddlewareHandler<GatewayEnv> {
  return async function authorize(c, next) {
    const principal = await principalOf(c, byToken);
    if (!principal.may(scope, undefined))
      throw new ProblemError("forbidden", { detail: `The credentials lack ${scope}.` });
    requireReach(principal, scope, targetOf(c));
    c.set("principal", principal);
    await next();
  };
}

/** @throws ProblemError `unauthorized`, or `gateway_not_configured` if nobody could be let in. */
async function principalOf(c: Context<GatewayEnv>, byToken: boolean): Promise<Principal> {
  const authenticator = c.get("authenticator");
  const token = c.req.query("token");
  const principal = await (token === undefined
    ? authenticator.authenticate(c.req.raw)
    : byToken && holderOf(token, authenticator));
  if (principal) return principal;
  if (!authenticator.configured) throw new ProblemError("gateway_not_configured", { detail: SET_A_KEY });
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
