import { OpenAPIHono } from "@hono/zod-openapi";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { type DocumentInfo, type DocumentServer, openApiDocument } from "../../openapi/document";
import { referencePage } from "../../openapi/reference-page";
import { serveDocument } from "../../openapi/serve-document";
import type { GatewayEnv } from "../../routes/gateway-env";
import { onError, problemResponse } from "../../routes/problem-response";
import { mountRest, refuseInvalid } from "../../routes/rest";
import { openDirectory } from "./directory/port";
import { checkBindings, findMissingExport } from "./agent/environment";
import { createPort } from "./agent/port";
import { apiKeyAuthenticator } from "./auth/api-key";
import { ProblemError } from "./contract/problem";
import { bindOperations } from "./operations/table";
import type { AgentDefinition } from "./registry/agent-definition";
import { createRegistry, type Registry } from "./registry/registry";
import { type StreamLimits, streamLimits, type StreamOptions } from "./stream/limits";

/** What the gateway reads of its environment, beside the bindings that the definitions name. */
interface GatewayBindings {
  readonly SWITCHYARD_API_KEY?: string;
}

/** What {@link createGateway} takes. */
export interface GatewayOptions {
  /** The root agents; everything below them follows from their definitions. */
  readonly agents: readonly AgentDefinition[];
  /** Title and version of the API, as the OpenAPI document gives them. */
  readonly info?: Partial<DocumentInfo>;
  /** Where the API is served, as the OpenAPI document tells its readers; wherever they got it from if left out. */
  readonly servers?: readonly DocumentServer[];
  /** How long event streams live, and how many there may be. */
  readonly streams?: StreamOptions;
}

/**
 * Makes the Worker: `export default createGateway({ agents: [orderDesk] })`.
 *
 * @throws DefinitionError when the Worker starts, if names collide or a binding is missing. That a class is not exported
 *   under its own name shows at the first request: it is logged, and told in answer to every one.
 */
export function createGateway({ agents, info, servers, streams = {} }: GatewayOptions): {
  fetch: ExportedHandlerFetchHandler;
} {
  const registry = createRegistry(agents);
  const limits = streamLimits(streams);
  checkBindings(registry);
  let app: OpenAPIHono<GatewayEnv> | undefined;
  return {
    fetch(request, env, ctx) {
      app ??= createApp(
        registry,
        agents,
        { title: "Switchyard", version: "0.1.0", ...info },
        servers,
        limits,
        ctx.exports,
      );
      return app.fetch(request, env, ctx);
    },
  };
}

function createApp(
  registry: Registry,
  roots: readonly AgentDefinition[],
  info: DocumentInfo,
  servers: readonly DocumentServer[] | undefined,
  limits: StreamLimits,
  exported: object,
): OpenAPIHono<GatewayEnv> {
  const mistake = findMissingExport(registry, exported);
  if (mistake !== undefined) console.error(mistake);
  const app = new OpenAPIHono<GatewayEnv>({ defaultHook: refuseInvalid });
  app.onError(onError);
  app.notFound((c) => problemResponse(c, "not_found"));
  app.use(requestId({ limitLength: 128 }));
  app.use(secureHeaders());
  app.use(async function provide(c, next) {
    if (mistake !== undefined) throw new ProblemError("gateway_not_configured", { detail: mistake.message });
    const env = c.env as GatewayBindings;
    c.set("port", createPort(env, roots));
    c.set("directory", openDirectory(env));
    c.set("authenticator", apiKeyAuthenticator(env.SWITCHYARD_API_KEY));
    c.set("streams", limits);
    await next();
  });

  const operations = bindOperations(registry);
  mountRest(app, operations, registry);

  serveDocument(app, () => openApiDocument(app, operations, info, servers));
  app.get("/docs", referencePage(info.title));
  return app;
}
