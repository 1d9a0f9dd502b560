import type { OpenAPIHono } from "@hono/zod-openapi";
import type { GatewayEnv } from "../routes/gateway-env";

/** What a document says of the gateway as a whole. */
export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
}

/** The OpenAPI 3.1 document of everything that an app serves, as JSON text. */
export function openApiDocument(app: OpenAPIHono<GatewayEnv>, info: DocumentInfo): string {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: info.title, version: info.version, ...(info.description && { description: info.description }) },
    servers: [{ url: "/" }],
  });
  document.components = {
    ...document.components,
    securitySchemes: {
      apiKey: { type: "http", scheme: "bearer", description: "An API key, as `Authorization: Bearer <key>`" },
    },
  };
  return JSON.stringify(document, null, 2);
}
