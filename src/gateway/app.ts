import { OpenAPIHono } from "@hono/zod-openapi";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { type DocumentInfo, openApiDocument } from "../../openapi/document";
import { referencePage } from "../../openapi/reference-page";
import { approvalPage } from "../../routes/approval-page";
import type { GatewayEnv } from "../../routes/gateway-env";
import { onError, problemResponse } from "../../routes/problem-response";
import { mountRest, refuseInvalid } from "../../routes/rest";
import { lookUpKey, openDirectory } from "./directory/port";
import { checkBindings, findMissingExport } from "./agent/environment";
import { createPort } from "./agent/port";
import { createAuthenticator, usableKey } from "./auth/authenticator";
import { type CallbackSender, callbackSenders, checkSenders } from "./auth/callback-senders";
import { linkTokens } from "./auth/link-token";
import { type Auth, type AuthOptions, readAuthOptions } from "./auth/options";
import { signingKeys } from "./auth/signing-keys";
import { streamTokens } from "./auth/stream-token";
import { ProblemError } from "./contract/problem";
import { bindOperations } from "./operations/table";
import { DefinitionError } from "./registry/definition-error";
import type { AgentDefinition } from "./registry/agent-definition";
import { createRegistry, type Registry } from "./registry/registry";
import { type StreamLimits, streamLimits, type StreamOptions } from "./stream/limits";

/** What the gateway reads of its environment, beside the bindings that the definitions name. */
interface GatewayBindings {
  readonly SWITCHYARD_API_KEY?: string;
  readonly SWITCHYARD_SIGNING_KEYS?: string;
}

/** What {@link createGateway} takes. */
export interface GatewayOptions {
  /** The root agents; everything below them follows from their definitions. */
  readonly agents: readonly AgentDefinition[];
  /** Title and version of the API, as the OpenAPI document gives them. */
  readonly info?: Partial<DocumentInfo>;
  /** How long event streams live, and how many there may be. */
  readonly streams?: StreamOptions;
  /** Who is let in, beside the holders of API keys. */
  readonly auth?: AuthOptions;
  /** Which other systems may decide approvals by signed callbacks. */
  readonly callbacks?: { readonly senders: readonly CallbackSender[] };
  /** Under which links are made, as `https://desk.example.com`; that of the request that makes one, unless given. */
  readonly origin?: string;
}

/** The options of a gateway, checked and complete. */
interface Settings {
  readonly info: DocumentInfo;
  readonly limits: StreamLimits;
  readonly auth: Auth;
  readonly senders: readonly CallbackSender[];
  readonly origin: string | undefined;
}

/**
 * Makes the Worker: `export default createGateway({ agents: [orderDesk] })`.
 *
 * @throws DefinitionError when the Worker starts, if names collide or a binding is missing. That a class is not exported
 *   under its own name shows at the first request: it is logged, and told in answer to every one.
 */
export function createGateway(options: GatewayOptions): { fetch: ExportedHandlerFetchHandler } {
  const { agents } = options;
  const registry = createRegistry(agents);
  const settings = settingsOf(options);
  checkBindings(registry);
  let app: OpenAPIHono<GatewayEnv> | undefined;
  return {
    fetch(request, env, ctx) {
      app ??= createApp(registry, agents, settings, ctx.exports);
      return app.fetch(request, env, ctx);
    },
  };
}

function settingsOf({ info, streams = {}, auth = {}, callbacks, origin }: GatewayOptions): Settings {
  const senders = callbacks?.senders ?? [];
  checkSenders(senders);
  return {
    info: { title: "Switchyard", version: "0.1.0", ...info },
    limits: streamLimits(streams),
    auth: readAuthOptions(auth),
    senders,
    origin: origin === undefined ? undefined : checkedOrigin(origin),
  };
}

function createApp(
  registry: Registry,
  roots: readonly AgentDefinition[],
  { info, limits, auth, senders, origin }: Settings,
  exported: object,
): OpenAPIHono<GatewayEnv> {
  const mistake = findMissingExport(registry, exported);
  if (mistake !== undefined) console.error(mistake);
  const app = new OpenAPIHono<GatewayEnv>({ defaultHook: refuseInvalid });
  app.onError(onError);
  app.notFound((c) => problemResponse(c, "not_found"));
  app.use(requestId({ limitLength: 128 }));
  app.use(secureHeaders({ overwrite: false }));
  app.use(async function provide(c, next) {
    if (mistake !== undefined) throw new ProblemError("gateway_not_configured", { detail: mistake.message });
    const env = c.env as GatewayBindings;
    c.set("port", createPort(env, roots));
    c.set("directory", openDirectory(env));
    const bootstrapKey = usableKey(env.SWITCHYARD_API_KEY);
    const keys = signingKeys({ signingKeys: env.SWITCHYARD_SIGNING_KEYS, apiKey: bootstrapKey });
    c.set(
      "authenticator",
      createAuthenticator({
        ...auth,
        bootstrapKey,
        streamTokens: streamTokens(keys),
        lookUp: lookUpKey(env),
      }),
    );
    c.set("linkTokens", linkTokens(keys));
    c.set("callbackSenders", callbackSenders(senders, env));
    c.set("origin", origin ?? new URL(c.req.url).origin);
    c.set("streams", limits);
    await next();
  });

  const operations = bindOperations(registry);
  mountRest(app, operations, registry);
  app.route("/approvals", approvalPage(registry));

  let document: string | undefined;
  app.get("/openapi.json", (c) => {
    document ??= openApiDocument(app, operations, info);
    return c.body(document, 200, { "content-type": "application/json" });
  });
  app.get("/docs", referencePage(info.title));
  return app;
}

/** @throws DefinitionError if it is not the origin of a web address, and nothing more. */
function checkedOrigin(origin: string): string {
  if (/^https?:\/\//.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin) return origin;
  throw new DefinitionError(
    `origin is "${origin}". Write the address without a path, as https://desk.example.com.`,
  );
}
