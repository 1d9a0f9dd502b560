import type { Context } from "hono";
import type { Actor } from "../src/gateway/contract/audit";
import type { GatewayEnv } from "./gateway-env";

/**
 * From where a request comes. The address is the platform's own word: a client that sends the header itself does not get past
 * Cloudflare with it.
 */
export function clientOf(c: Context<GatewayEnv>): Pick<Actor, "address" | "requestId" | "traceparent"> {
  return {
    address: c.req.header("cf-connecting-ip") ?? null,
    requestId: c.get("requestId"),
    traceparent: c.get("trace").parent,
  };
}
