import { type AnyTRPCRouter, getTRPCErrorShape } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { Context, Hono, MiddlewareHandler } from "hono";
import { requireCanonical } from "../../../routes/address";
import type { GatewayEnv } from "../../../routes/gateway-env";
import { identify } from "../../../routes/middleware";
import { problemHeaders } from "../../../routes/problem-response";
import type { Principal } from "../auth/principal";
import { LIMITS } from "../contract/limits";
import { PROBLEMS, ProblemError } from "../contract/problem";
import type { BoundOperation } from "../operations/table";
import type { Registry } from "../registry/registry";
import { problemOf, toTrpcError } from "./failure";
import { postedRequest } from "./posted-request";
import type { TrpcContext } from "./procedures";
import { createRouter, errorConfig, type PlacedProcedure, placeProcedures } from "./router";

/** Where the door is. */
export const TRPC = "/trpc";

/** Most calls in one batch. */
const MOST_CALLS = LIMITS.trpcCalls.most;

/** Serves operations over tRPC, at {@link TRPC}. */
export function mountTrpc(
  app: Hono<GatewayEnv>,
  operations: readonly BoundOperation[],
  registry: Registry,
): void {
  const procedures = placeProcedures(operations);
  // Made when it is first asked for.
  let router: AnyTRPCRouter | undefined;
  const at = `${TRPC}/*`;
  app.use(at, named(procedures), oneTrpcAddress);
  app.on(["GET", "POST"], at, (c) => serve(c, (router ??= createRouter(procedures, registry))));
  app.all(at, (c) => {
    c.header("allow", "GET, POST");
    throw new ProblemError("method_not_allowed");
  });
}

/** Tells what is refused before tRPC hears of it as tRPC tells it: its clients read nothing else. */
export const toldAsTrpc: MiddlewareHandler<GatewayEnv> = async function tellAsTrpc(c, next) {
  await next();
  if (c.error === undefined) return;
  const error = toTrpcError(c.error, c.get("requestId"));
  const { code } = problemOf(error);
  const shape: unknown = getTRPCErrorShape({
    config: errorConfig,
    error,
    type: "unknown",
    path: undefined,
    input: undefined,
    // All that an error is shaped by.
    ctx: { c } as TrpcContext,
  });
  c.res = c.json({ error: shape }, PROBLEMS[code].status);
};

/** Says which procedures are called: those that there are, for other names are a client's own words. */
function named(procedures: readonly PlacedProcedure[]): MiddlewareHandler<GatewayEnv> {
  const known = new Map(procedures.map(({ path, operation }) => [path.join("."), operation]));
  return async function name(c, next) {
    const called = callsIn(c)
      .filter((call) => known.has(call))
      .slice(0, MOST_CALLS);
    const agents = new Set(called.map((call) => known.get(call)?.subject?.agent.name ?? null));
    const [agent = null, other] = agents;
    c.set("route", {
      door: "trpc",
      template: called.length === 0 ? null : `${TRPC}/${called.join(",")}`,
      agent: other === undefined ? agent : null,
    });
    await next();
  };
}

/** Refuses other spellings of an address than the one of tRPC's clients: the calls of a batch have bare commas between them. */
const oneTrpcAddress: MiddlewareHandler<GatewayEnv> = async function serveOneAddress(c, next) {
  const { pathname } = new URL(c.req.raw.url);
  // An encoded comma is one too many ways to write it: bare, it is refused as the others would be.
  requireCanonical(pathname.replaceAll(",", "/").replaceAll("%2C", ","));
  await next();
};

function callsIn(c: Context<GatewayEnv>): string[] {
  return c.req.path.slice(TRPC.length + 1).split(",");
}

async function serve(c: Context<GatewayEnv>, router: AnyTRPCRouter): Promise<Response> {
  refuseLargeBatch(c);
  const ending = new AbortController();
  const signal = AbortSignal.any([c.req.raw.signal, ending.signal]);
  const response = await fetchRequestHandler({
    endpoint: TRPC,
    req: c.req.method === "POST" ? postedRequest(c, signal) : new Request(c.req.raw, { signal }),
    router,
    maxBatchSize: MOST_CALLS,
    createContext: ({ info }) => ({
      c,
      identify: identifying(c, info.connectionParams?.["token"]),
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
      const { code } = problemOf(error);
      c.set("problem", code);
      if (code === "internal_error" && !(error.cause instanceof ProblemError))
        console.error("switchyard: a request failed", c.get("requestId"), error);
    },
  });
  // With the headers that every answer has.
  return c.newResponse(response.body, response);
}

/** Tells who sent a request: of all calls of a batch once. @param connecting the stream token among its connection parameters. */
function identifying(c: Context<GatewayEnv>, connecting: string | undefined): TrpcContext["identify"] {
  const token = connecting ?? c.req.query("token");
  let known: Promise<Principal> | undefined;
  return (byToken) => (known ??= identify(c, byToken, token));
}

function refuseLargeBatch(c: Context<GatewayEnv>): void {
  if (c.req.query("batch") === "1" && callsIn(c).length > MOST_CALLS)
    throw new ProblemError("invalid_request", { detail: `A batch may have ${MOST_CALLS} calls.` });
}
