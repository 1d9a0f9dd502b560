import type { Context, MiddlewareHandler } from "hono";
import type { GatewayLimit } from "../src/gateway/contract/limits";
import type { GatewayEnv } from "./gateway-env";
import { problemResponse } from "./problem-response";
import type { RateLimit } from "./rate-policy";

/** The longest span that the platform counts over, where the policy is not known. */
const LONGEST_SECONDS = 60;
const POLICY = '"requests"';

/** Refuses requests of a caller that were too many; counted by its name, or by its address if anybody may ask. */
export const throttled: MiddlewareHandler<GatewayEnv> = async function throttle(c, next) {
  const principal: { readonly name: string } | undefined = c.get("principal");
  const key = principal === undefined ? addressKey(c) : `principal:${principal.name}`;
  if (!(await passes(c, key))) return tooMany(c);
  tellPolicy(c);
  await next();
};

/** Counts requests that show no valid key by the address that they come from, and says no more than that they are too many. */
export const throttledStrangers: MiddlewareHandler<GatewayEnv> = async function throttleStrangers(c, next) {
  await next();
  if (c.get("problem") === "unauthorized" && !(await passes(c, addressKey(c)))) {
    c.res.headers.delete("www-authenticate");
    c.res = tooMany(c);
  }
};

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

async function passes(c: Context<GatewayEnv>, key: string): Promise<boolean> {
  const { limiter } = c.get("rateLimit");
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
  c.header("ratelimit-policy", `${POLICY};q=${policy.requests};w=${policy.seconds}`);
}

function tooMany(c: Context<GatewayEnv>): Response {
  const seconds = c.get("rateLimit").policy?.seconds ?? LONGEST_SECONDS;
  tellPolicy(c);
  c.header("ratelimit", `${POLICY};r=0;t=${seconds}`);
  const response = problemResponse(c, "too_many_requests");
  response.headers.set("retry-after", String(seconds));
  return response;
}
