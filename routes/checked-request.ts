import type { Context } from "hono";
import type { z } from "zod";
import { placesOf, ProblemError, type ProblemPlace } from "../src/gateway/contract/problem";
import type { BoundOperation } from "../src/gateway/operations/table";
import { pathParams, type Request } from "./asking";
import type { GatewayEnv } from "./gateway-env";
import { requestHeaders } from "./rest-route";

/** Reads a request, and checks it. @throws ProblemError `invalid_request`, with every place of the first part that is wrong. */
export type ReadRequest = (c: Context<GatewayEnv>) => Promise<Request>;

/** Makes what reads the requests of an operation. By what it checks them is made when the first one comes. */
export function requestReader(operation: BoundOperation): ReadRequest {
  let parts: { readonly params: z.ZodObject | undefined; readonly headers: z.ZodObject } | undefined;
  return async function readRequest(c) {
    const { schemas, subject } = operation;
    parts ??= { params: pathParams(subject, schemas), headers: requestHeaders(operation) };
    const query = schemas.query && (await checked("query", schemas.query, queryOf(c)));
    const params = parts.params && (await checked("path", parts.params, c.req.param()));
    await checked("header", parts.headers, c.req.header());
    const body = schemas.body && (await checked("body", schemas.body, await c.req.json()));
    return { params: params as Request["params"], query, body };
  };
}

/** What is there once is text, what is there several times a list. */
function queryOf(c: Context<GatewayEnv>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, [first = "", ...others]]) => [
      name,
      others.length === 0 ? first : [first, ...others],
    ]),
  );
}

async function checked<Schema extends z.ZodType>(
  part: ProblemPlace["in"],
  schema: Schema,
  sent: unknown,
): Promise<z.output<Schema>> {
  const { data, error } = await schema.safeParseAsync(sent);
  if (error === undefined) return data;
  const places = placesOf(error, part);
  throw new ProblemError("invalid_request", {
    detail: places.map(({ in: where, pointer, message }) => `${where}${pointer}: ${message}`).join("; "),
    errors: places,
  });
}
