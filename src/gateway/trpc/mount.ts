import { type AnyTRPCRouter, getTRPCErrorShape, type TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { Context, Hono } from "hono";
import type { GatewayEnv } from "../../../routes/gateway-env";
import { identify, limitedBody } from "../../../routes/middleware";
import { problemHeaders } from "../../../routes/problem-response";
import type { BoundOperation } from "../operations/table";
import { PROBLEMS, ProblemError } from "../contract/problem";
import type { Registry } from "../registry/registry";
import { problemOf, toTrpcError } from "./failure";
import { createRouter } from "./router";

const ENDPOINT = "/trpc";

/** Most calls in one batch. */
const MOST_CALLS = 10;

/** Serves every operation over tRPC, at `/trpc`. */
export function mountTrpc(
  app: Hono<GatewayEnv>,
  operations: readonly BoundOperation[],
  registry: Registry,
): void {
  const router = createRouter(operations, registry);
  // What is refused before tRPC hears of it is told as tRPC tells it: its clients read nothing else.
  app.use(`${ENDPOINT}/*`, async function tellAsTrpc(c, next) {
    await next();
    if (c.error !== undefined) c.res = refusal(c, router, toTrpcError(c.error, c.get("requestId")));
  });
  app.on(["GET", "POST"], `${ENDPOINT}/*`, limitedBody, (c) => serve(c, router));
  app.all(`${ENDPOINT}/*`, (c) => {
    c.header("allow", "GET, POST");
    throw new ProblemError("method_not_allowed");
  });
}

async function serve(c: Context<GatewayEnv>, router: AnyTRPCRouter): Promise<Response> {
  refuseLargeBatch(c);
  const ending = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, ending.signal]);
  return fetchRequestHandler({
    endpoint: ENDPOINT,
    req: await requestOf(c, signal),
    router,
    maxBatchSize: MOST_CALLS,
    createContext: ({ info }) => ({
      c,
      token: info.connectionParams?.["token"] ?? c.req.query("token"),
      end: () => ending.abort(),
    }),
    responseMeta({ errors, info }) {
      const headers = new Headers({ "cache-control": "no-store" });
      const [error] = errors;
      // Several calls have several outcomes: there tRPC says 207.
      if (error === undefined || info?.isBatchCall === true) return { headers };
      const { code } = problemOf(error);
      for (const [name, value] of Object.entries(problemHeaders(code))) headers.set(name, value);
      return { headers, status: PROBLEMS[code].status };
    },
    onError({ error }) {
      if (problemOf(error).code === "internal_error" && !(error.cause instanceof ProblemError))
        console.error("switchyard: a request failed", c.get("requestId"), error);
    },
  });
}

/** The request with its body read, as far as it may be long. */
async function requestOf(c: Context<GatewayEnv>, signal: AbortSignal): Promise<Request> {
  const { raw } = c.req;
  if (raw.method !== "POST") return new Request(raw, { signal });
  // All that is posted needs a key, and nothing is read of who has none.
  await identify(c, false);
  if (!/^application\/json(?:;|$)/i.test(c.req.header("content-type") ?? ""))
    throw new ProblemError("unsupported_media_type");
  const { url, method, headers } = raw;
  return new Request(url, { method, headers, signal, body: await c.req.text() });
}

function refuseLargeBatch(c: Context<GatewayEnv>): void {
  const calls = c.req.path.split(",").length;
  if (c.req.query("batch") === "1" && calls > MOST_CALLS)
    throw new ProblemError("invalid_request", { detail: `A batch may have ${MOST_CALLS} calls.` });
}

function refusal(c: Context<GatewayEnv>, router: AnyTRPCRouter, error: TRPCError): Response {
  const { code } = problemOf(error);
  const shape: unknown = getTRPCErrorShape({
    config: router._def._config,
    error,
    type: "unknown",
    path: undefined,
    input: undefined,
    // All that an error is shaped by.
    ctx: { c },
  });
  const response = c.json({ error: shape }, PROBLEMS[code].status);
  for (const [name, value] of Object.entries(problemHeaders(code))) response.headers.set(name, value);
  return response;
}
