import type { Context, Hono, MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../../../routes/gateway-env";
import { jsonBody, limitedBody } from "../../../routes/json-body";
import { identified } from "../../../routes/middleware";
import { throttled } from "../../../routes/rate-limit";
import { ProblemError } from "../contract/problem";
import type { BoundOperation } from "../operations/table";
import type { Registry } from "../registry/registry";
import { answerCall } from "./answer";
import { allowedBy, offered } from "./offer";
import type { Served } from "./server";
import { createTools, type Tool } from "./tools";

/** Where the door is. */
export const MCP = "/mcp";

/** What a gateway is set to, as far as this door is concerned. */
export interface McpSetting {
  readonly info: Served["info"];
  /** Pages of which origins may call it. */
  readonly origins: readonly string[];
}

/** Serves operations as tools of MCP, at {@link MCP}: each message in a request of its own, with no session. */
export function mountMcp(
  app: Hono<GatewayEnv>,
  operations: readonly BoundOperation[],
  registry: Registry,
  { info, origins }: McpSetting,
): void {
  const tools = new Map(createTools(operations).map((tool) => [tool.name, tool]));
  app.use(MCP, named);
  app.post(MCP, ofOrigin(origins), identified(false), throttled, limitedBody, jsonBody, (c) =>
    serve(c, tools, registry, info),
  );
  app.all(MCP, (c) => {
    c.header("allow", "POST");
    throw new ProblemError("method_not_allowed", { detail: "There are no sessions, and no streams." });
  });
}

const named: MiddlewareHandler<GatewayEnv> = async function name(c, next) {
  c.set("route", { door: "mcp", template: MCP, agent: null });
  await next();
};

/** Refuses pages that nobody has listed, as MCP demands: a name may be made to lead from them to a gateway on somebody's machine. */
function ofOrigin(origins: readonly string[]): MiddlewareHandler<GatewayEnv> {
  return async function requireOrigin(c, next) {
    const origin = c.req.header("origin");
    if (origin !== undefined && !origins.includes(origin))
      throw new ProblemError("forbidden", { detail: "Pages of this origin may not call the gateway." });
    await next();
  };
}

async function serve(
  c: Context<GatewayEnv>,
  tools: ReadonlyMap<string, Tool>,
  registry: Registry,
  info: Served["info"],
): Promise<Response> {
  const principal = c.get("principal");
  const allowed = allowedBy(c.req.queries());
  const message = await messageIn(c);
  // Whoever does not come by this door need not wait until all of it is there.
  const { serveMessage } = await import("./server");
  const response = await serveMessage(c.req.raw, message, {
    info,
    offered: () => offered([...tools.values()], principal, allowed),
    call(name, input) {
      const tool = tools.get(name);
      if (tool === undefined) return undefined;
      const agent = tool.operation.subject?.agent.name ?? null;
      c.set("route", { door: "mcp", template: `${MCP}#${name}`, agent });
      return answerCall(c, registry, { tool, input, allowed });
    },
  });
  const answer = new Response(response.body, response);
  answer.headers.set("cache-control", "no-store");
  // With the headers that every answer has.
  return c.newResponse(answer.body, answer);
}

/** The one message of a request. Revisions of the protocol that knew batches are gone by, and each call is to be counted. */
async function messageIn(c: Context<GatewayEnv>): Promise<object> {
  const body: unknown = await c.req.json();
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new ProblemError("invalid_request", { detail: "Send one message of JSON-RPC, which is an object." });
}
