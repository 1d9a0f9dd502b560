import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { z } from "zod";
import { placesOf, ProblemError } from "../src/gateway/contract/problem";
import type { BoundOperation } from "../src/gateway/operations/table";
import type { Request } from "./asking";
import type { GatewayEnv } from "./gateway-env";
import { restRoute } from "./rest-route";

/** Reads a request, and checks it. @throws ProblemError `invalid_request`, with every place of the first part that is wrong. */
export type ReadRequest = (c: Context<GatewayEnv>) => Promise<Request>;

/** Makes what reads the requests of an operation. By what it checks them is made when the first one comes: a Worker starts often. */
export function requestReader(operation: BoundOperation): ReadRequest {
  let validators: readonly MiddlewareHandler[] | undefined;
  return async function readRequest(c) {
    validators ??= validatorsOf(operation);
    for (const validate of validators) await validate(c, passed);
    return {
      params: c.req.valid("param" as never),
      query: c.req.valid("query" as never),
      body: c.req.valid("json" as never),
    };
  };
}

/** The validators that a route of `@hono/zod-openapi` has before its handler. */
function validatorsOf(operation: BoundOperation): MiddlewareHandler[] {
  const app = new OpenAPIHono<GatewayEnv>({ defaultHook: refuseInvalid });
  app.openapi(restRoute(operation), () => new Response());
  return app.routes.slice(0, -1).map(({ handler }) => handler as MiddlewareHandler);
}

const passed = async (): Promise<void> => {};

/** Turns what a validator found into one problem. */
function refuseInvalid(result: { success: boolean; error?: unknown; target: string }): void {
  if (result.success) return;
  const part = { json: "body", query: "query", param: "path" } as const;
  const places = placesOf(result.error as z.ZodError, part[result.target as keyof typeof part] ?? "header");
  throw new ProblemError("invalid_request", {
    detail: places.map(({ in: where, pointer, message }) => `${where}${pointer}: ${message}`).join("; "),
    errors: places,
  });
}
