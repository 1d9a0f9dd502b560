import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { TrieRouter } from "hono/router/trie-router";
import { type DocumentInfo, type DocumentServer, openApiDocument } from "../../openapi/document";
import { referencePage } from "../../openapi/reference-page";
import { serveDocument } from "../../openapi/serve-document";
import { approvalPage } from "../../routes/approval-page";
import { oneAddress } from "../../routes/address";
import { crossOrigin, secured } from "../../routes/browser";
import type { GatewayEnv } from "../../routes/gateway-env";
import { logged } from "../../routes/log";
import { onError, problemResponse } from "../../routes/problem-response";
import { publishedRate } from "../../routes/rate-limit";
import type { RateLimiter, RatePolicy } from "../../routes/rate-policy";
import { requestSize } from "../../routes/request-size";
import { mountRest } from "../../routes/rest";
import { traced } from "../../routes/trace";
import { lookUpKey, openDirectory } from "./directory/port";
import { checkBindings, findMissingExport } from "./agent/environment";
import { createPort } from "./agent/port";
import { createAuthenticator } from "./auth/authenticator";
import { type CallbackSender, callbackSenders, checkSenders } from "./auth/callback-senders";
import { linkTokens } from "./auth/link-token";
import { type AuthOptions, readAuthOptions } from "./auth/options";
import { signingKeys } from "./auth/signing-keys";
import { streamTokens } from "./auth/stream-token";
import { usableKey } from "./auth/usable-key";
import { fixedLimits } from "./contract/limits";
import { ProblemError } from "./contract/problem";
import { mountMcp } from "./mcp/mount";
import { bindOperations } from "./operations/table";
import type { AgentDefinition, AnyAgent } from "./registry/agent-definition";
import { DefinitionError } from "./registry/definition-error";
import { createRegistry, type Registry } from "./registry/registry";
import type { TypedGateway } from "./registry/wire";
import { publishedStreamLimits, streamLimits, type StreamOptions } from "./stream/limits";
import { mountTrpc, toldAsTrpc, TRPC } from "./trpc/mount";

/** What the gateway reads of its environment, beside the bindings that the definitions name. */
interface GatewayBindings {
  readonly SWITCHYARD_API_KEY?: string;
  readonly SWITCHYARD_SIGNING_KEYS?: string;
  /** Counts requests, if it is there. */
  readonly SWITCHYARD_RATE_LIMIT?: RateLimiter;
}

/** What {@link createGateway} takes. */
export interface GatewayOptions<Agents extends readonly AnyAgent[] = readonly AnyAgent[]> {
  /** The root agents; everything below them follows from their definitions. */
  readonly agents: Agents;
  /** Title and version of the API, as the OpenAPI document gives them. */
  readonly info?: Partial<DocumentInfo>;
  /** Where the API is served, as the OpenAPI document tells its readers; if left out, at `origin`, or wherever they got it from. */
  readonly servers?: readonly DocumentServer[];
  /** How long event streams live, and how many there may be. */
  readonly streams?: StreamOptions;
  /** Who is let in, beside the holders of API keys. */
  readonly auth?: AuthOptions;
  /** Which other systems may decide approvals by signed callbacks. */
  readonly callbacks?: { readonly senders: readonly CallbackSender[] };
  /** Under which links are made, as `https://desk.example.com`; that of the request that makes one, unless given. */
  readonly origin?: string;
  /** Pages of which origins may call the gateway from a browser (`https://app.example`); none if left out. */
  readonly cors?: { readonly origins: readonly string[] };
  /** What the binding `SWITCHYARD_RATE_LIMIT` was given in `wrangler.jsonc`, so that clients are told. */
  readonly rateLimit?: RatePolicy;
  /** Whether a line of JSON is logged for each request; true if left out. */
  readonly log?: boolean;
}

/** The Worker. Clients are typed by its type: `export type App = typeof gateway`. */
export interface Gateway<Agents extends readonly AnyAgent[]> extends TypedGateway<Agents> {
  readonly fetch: ExportedHandlerFetchHandler;
}

/**
 * Makes the Worker: `export default createGateway({ agents: [orderDesk] })`.
 *
 * @throws DefinitionError when the Worker starts, if names collide or a binding is missing. That a class is not exported
 *   under its own name shows at the first request: it is logged, and told in answer to every one.
 */
export function createGateway<const Agents extends readonly AnyAgent[]>(
  options: GatewayOptions<Agents>,
): Gateway<Agents> {
  // Only zod makes what is AnySchema to the compiler.
  const roots = options.agents as unknown as readonly AgentDefinition[];
  const registry = createRegistry(roots);
  const settings = settingsOf(options, roots);
  checkBindings(registry);
  let app: Hono<GatewayEnv> | undefined;
  return {
    fetch(request, env, ctx) {
      app ??= createApp(registry, settings, ctx.exports);
      return app.fetch(request, env, ctx);
    },
  };
}

/** The options, checked and complete. */
function settingsOf(options: GatewayOptions, roots: readonly AgentDefinition[]) {
  const { info, streams = {}, auth = {}, callbacks, cors, rateLimit, log = true } = options;
  requireOrigins(cors?.origins ?? []);
  const senders = callbacks?.senders ?? [];
  checkSenders(senders);
  const held = streamLimits(streams);
  const origin = options.origin === undefined ? undefined : checkedOrigin(options.origin);
  return {
    roots,
    info: { title: "Switchyard", version: "0.1.0", ...info } satisfies DocumentInfo,
    servers: options.servers ?? (origin === undefined ? undefined : [{ url: origin }]),
    streams: held,
    limits: [...fixedLimits(), ...publishedStreamLimits(held)],
    policy: rateLimit,
    cors,
    ownPages: [...(cors?.origins ?? []), ...(origin === undefined ? [] : [origin])],
    log,
    auth: readAuthOptions(auth),
    senders,
    origin,
  };
}

function createApp(
  registry: Registry,
  {
    roots,
    info,
    servers,
    streams,
    limits,
    policy,
    cors,
    ownPages,
    log,
    auth,
    senders,
    origin,
  }: ReturnType<typeof settingsOf>,
  exported: object,
): Hono<GatewayEnv> {
  const mistake = findMissingExport(registry, exported);
  if (mistake !== undefined) console.error(mistake);
  // Hono's usual one makes one expression of all addresses first, which is much of a start.
  const app = new Hono<GatewayEnv>({ router: new TrieRouter() });
  app.onError(onError);
  app.notFound((c) => problemResponse(c, "not_found"));
  app.use(requestId({ limitLength: 128 }), traced);
  if (log) app.use(logged);
  app.use(secured);
  if (cors !== undefined) app.use(crossOrigin(cors.origins));
  app.use(`${TRPC}/*`, toldAsTrpc);
  // What is wrong is for its developer: those who look after the machine need to know only that it is.
  if (mistake !== undefined) app.get("/readyz", (c) => problemResponse(c, "not_ready"));
  const madeOf = (env: GatewayBindings) => {
    const bootstrapKey = usableKey(env.SWITCHYARD_API_KEY);
    const keys = signingKeys({ signingKeys: env.SWITCHYARD_SIGNING_KEYS, apiKey: bootstrapKey });
    const rateLimit = { limiter: env.SWITCHYARD_RATE_LIMIT, policy };
    return {
      port: createPort(env, roots),
      directory: openDirectory(env),
      authenticator: createAuthenticator({
        ...auth,
        bootstrapKey,
        streamTokens: streamTokens(keys),
        lookUp: lookUpKey(env),
      }),
      linkTokens: linkTokens(keys),
      callbackSenders: callbackSenders(senders, env),
      streams,
      rateLimit,
      limits: [...limits, ...publishedRate(rateLimit)],
    } satisfies Partial<GatewayEnv["Variables"]>;
  };
  const made = new WeakMap<GatewayBindings, ReturnType<typeof madeOf>>();
  app.use(async function provide(c, next) {
    if (mistake !== undefined) throw new ProblemError("gateway_not_configured", { detail: mistake.message });
    const env = c.env as GatewayBindings;
    const provided = made.get(env) ?? madeOf(env);
    made.set(env, provided);
    for (const [name, value] of Object.entries(provided))
      c.set(name as keyof typeof provided, value as never);
    c.set("origin", origin ?? new URL(c.req.url).origin);
    await next();
  });
  app.use(requestSize);
  // Ahead of what is said of addresses: people read what becomes of a link that was written wrongly.
  app.route("/approvals", approvalPage(registry));
  const operations = bindOperations(registry);
  // Its clients write addresses in a way of their own.
  mountTrpc(app, operations, registry);
  app.use(oneAddress);
  mountMcp(app, operations, registry, { info, origins: ownPages });
  mountRest(app, operations, registry);

  serveDocument(app, () => openApiDocument(operations, info, { limits, servers }));
  app.get("/docs", referencePage(info.title));
  return app;
}

/** @throws DefinitionError if it is not the origin of a web address, and nothing more. */
function checkedOrigin(origin: string): string {
  if (isOrigin(origin)) return origin;
  throw new DefinitionError(
    `origin is "${origin}". Write the address without a path, as https://desk.example.com.`,
  );
}

/** @throws DefinitionError if something is none that a browser could send. */
function requireOrigins(origins: readonly string[]): void {
  const wrong = origins.find((origin) => !isOrigin(origin));
  if (wrong === undefined) return;
  throw new DefinitionError(
    `cors.origins has "${wrong}", which is no origin. Write "https://app.example": no path, no "*".`,
  );
}

function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
