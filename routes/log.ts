import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "./gateway-env";

/** All that is logged of a request: nothing that a client chose freely, no name of an agent, no query, no secret. */
export interface LogLine {
  readonly time: string;
  readonly requestId: string;
  readonly traceId: string;
  readonly method: string;
  /** Template of its address, or the procedures or the tool that it calls; null if there is none of that form. */
  readonly route: string | null;
  /** Class of the agent that it is about. */
  readonly agent: string | null;
  readonly status: number;
  /** Milliseconds until the answer, or its stream, began. */
  readonly ms: number;
  /** Name of the verified caller. */
  readonly principal: string | null;
  readonly door: "rest" | "trpc" | "mcp";
  /** Code of the problem that was answered. */
  readonly problem: string | null;
}

const NO_ROUTE: GatewayEnv["Variables"]["route"] = { door: "rest", template: null, agent: null };

/** Writes one line of JSON for each request. */
export const logged: MiddlewareHandler<GatewayEnv> = async function log(c, next) {
  const began = Date.now();
  await next();
  const { door, template, agent } = c.get("route") ?? NO_ROUTE;
  const line: LogLine = {
    time: new Date(began).toISOString(),
    requestId: c.get("requestId"),
    traceId: c.get("trace").id,
    method: c.req.method,
    route: template,
    agent,
    status: c.res.status,
    ms: Date.now() - began,
    principal: c.get("principal")?.name ?? null,
    door,
    problem: c.get("problem") ?? null,
  };
  console.log(JSON.stringify(line));
};
