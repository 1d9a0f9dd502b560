import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Authenticator, Principal, Target } from "../src/gateway/auth/principal";
import { tokenPrincipal } from "../src/gateway/auth/token-principal";
import { ProblemError } from "../src/gateway/contract/problem";
import type { Scope } from "../src/gateway/contract/scope";
import type { GatewayEnv } from "./gateway-env";

/** Largest body: the engine takes params of 1 MiB, and some of that is the gateway's own. */
const MAX_BODY_BYTES = 1_048_576 - 4_096;
/** Deepest nesting of a body: what is deeper breaks those who walk it by recursion. */
const MAX_DEPTH = 64;

/**
 * Lets in who may do this. It runs before anything of the request is read.
 *
 * @param byToken whether a stream token in the query will do; everywhere else one is refused.
 */
export function authorized(scope: Scope, byToken: boolean): MiddlewareHandler<GatewayEnv> {
  return async function authorize(c, next) {
    c.set("principal", await admit(c, scope, byToken));
    await next();
  };
}

/**
 * Who asks for something that needs a scope.
 *
 * @param token the stream token that was sent, if one was.
 * @throws ProblemError if it may not.
 */
export async function admit(
  c: Context<GatewayEnv>,
  scope: Scope,
  byToken: boolean,
  token?: string,
): Promise<Principal> {
  const principal = await identify(c, byToken, token);
  if (!principal.may(scope, undefined))
    throw new ProblemError("forbidden", { detail: `The key lacks ${scope}.` });
  return principal;
}

/** Who asks, as {@link admit}, whatever for. */
export async function identify(
  c: Context<GatewayEnv>,
  byToken: boolean,
  token: string | undefined = c.req.query("token"),
): Promise<Principal> {
  const authenticator = c.get("authenticator");
  if (!authenticator.configured) {
    throw new ProblemError("gateway_not_configured", {
      detail:
        "Set the secret SWITCHYARD_API_KEY to a key of at least 20 characters: npx wrangler secret put SWITCHYARD_API_KEY",
    });
  }
  if (token !== undefined && !byToken)
    throw new ProblemError("unauthorized", {
      detail: "A stream token reads event streams, and nothing else.",
    });
  const principal = await (token === undefined
    ? authenticator.authenticate(c.req.raw)
    : holderOf(token, authenticator));
  if (principal !== undefined) return principal;
  throw new ProblemError("unauthorized", {
    detail:
      token === undefined ? "Send Authorization: Bearer <key>." : "The stream token is not valid any more.",
  });
}

async function holderOf(token: string, { streamTokens }: Authenticator): Promise<Principal | undefined> {
  const grant = await streamTokens.read(token);
  return grant && tokenPrincipal(grant);
}

/** Refuses what the caller may not reach exactly as what does not exist. */
export function requireReach(principal: Principal | undefined, scope: Scope, target: Target): void {
  if (principal?.may(scope, target) !== true) throw new ProblemError("agent_not_found");
}

/** Refuses requests that send no body at all, which a validator would read as an empty object. */
export const requiredBody: MiddlewareHandler<GatewayEnv> = async function requireBody(c, next) {
  const untyped = c.req.header("content-type") === undefined;
  if (untyped && (await c.req.arrayBuffer()).byteLength === 0)
    throw new ProblemError("malformed_json", { detail: "The body is missing." });
  await next();
};

/** Refuses bodies over the limit, also those that do not say how long they are. */
export const limitedBody: MiddlewareHandler<GatewayEnv> = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => {
    throw new ProblemError("payload_too_large", { detail: `A body may have ${MAX_BODY_BYTES} bytes.` });
  },
});

/** Refuses JSON that is nested deeper than {@link MAX_DEPTH}. What is no JSON is left to the validator. */
export const shallowBody: MiddlewareHandler<GatewayEnv> = async function requireShallow(c, next) {
  expectShallow(await c.req.json().catch(() => null));
  await next();
};

/** @throws ProblemError if a value is nested deeper than a body may be. */
export function expectShallow(value: unknown): void {
  if (!isDeeper(value, MAX_DEPTH)) return;
  throw new ProblemError("invalid_request", { detail: `A body may be nested ${MAX_DEPTH} levels deep.` });
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
