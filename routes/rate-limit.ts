import type { Context, MiddlewareHandler } from "hono";
import type { GatewayLimit } from "../src/gateway/contract/limits";
import { ProblemError } from "../src/gateway/contract/problem";
import type { GatewayEnv } from "./gateway-env";
import type { RateLimit } from "./rate-policy";

/** The longest span that the platform counts over, where the policy is not known. */
const LONGEST_SECONDS = 60;
const POLICY = '"requests"';

/** Refuses requests of a caller that were too many. */
export const throttled: MiddlewareHandler<GatewayEnv> = async function throttle(c, next) {
  await countCaller(c, c.get("principal"));
  await next();
};

/**
 * Counts what a caller asks, by its name, or by its address if anybody may ask.
 *
 * @throws ProblemError `too_many_requests`
 */
export async function countCaller(
  c: Context<GatewayEnv>,
  principal: { readonly name: string } | undefined,
): Promise<void> {
  await count(c, principal === undefined ? addressKey(c) : `principal:${principal.name}`);
  tellPolicy(c);
}

/**
 * Counts requests that show no valid credentials by the address that they come from.
 *
 * @throws ProblemError `too_many_requests`, which says no more than that they are too many.
 */
export async function countStranger(c: Context<GatewayEnv>): Promise<void> {
  await count(c, addressKey(c));
}

/** The limit as it is published, if there is one and it is known. */
export function publishedRate({ limiter, policy }: RateLimit): GatewayLimit[] {
  if (limiter === undefined || policy === undefined) return [];
  return [
    {
      name: "requests",
      most: policy.requests,
      unit: "requests",
      perSeconds: policy.seconds,
      code: "too_many_requests",
      description: "The requests of one caller, or those of one network address that show no valid key",
    },
  ];
}

async function count(c: Context<GatewayEnv>, key: string): Promise<void> {
  if (await passes(c.get("rateLimit"), key)) return;
  const seconds = c.get("rateLimit").policy?.seconds ?? LONGEST_SECONDS;
  tellPolicy(c);
  tell(c, "ratelimit", `${POLICY};r=0;t=${seconds}`);
  tell(c, "retry-after", String(seconds));
  throw new ProblemError("too_many_requests");
}

async function passes({ limiter }: RateLimit, key: string): Promise<boolean> {
  if (limiter === undefined) return true;
  try {
    return (await limiter.limit({ key })).success;
  } catch (failure) {
    // What only protects must not be what fails.
    console.warn("switchyard: requests could not be counted", failure);
    return true;
  }
}

/** The address is the platform's own word. */
function addressKey(c: Context<GatewayEnv>): string {
  return `address:${c.req.header("cf-connecting-ip") ?? "unknown"}`;
}

function tellPolicy(c: Context<GatewayEnv>): void {
  const { limiter, policy } = c.get("rateLimit");
  if (limiter === undefined || policy === undefined) return;
  tell(c, "ratelimit-policy", `${POLICY};q=${policy.requests};w=${policy.seconds}`);
}

/** An answer that has begun, as those of tRPC may while others of their batch are made, has its headers. */
function tell(c: Context<GatewayEnv>, header: string, value: string): void {
  if (!c.finalized) c.header(header, value);
}
