import { restRoute } from "../routes/rest-route";
import type { GatewayLimit } from "../src/gateway/contract/limits";
import type { BoundOperation } from "../src/gateway/operations/table";
import { words } from "../src/gateway/operations/words";
import {
  codesOf,
  documentedOperation,
  exampleOf,
  HEADERS,
  type OperationObject,
} from "./documented-operation";
import { documentedWebhooks } from "./documented-webhooks";
import { INTRODUCTION } from "./introduction";
import { SchemaCollector } from "./schema-collector";

/** What a document says of the gateway as a whole. */
export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
  /** Markdown; stands before what the gateway says of itself. */
  readonly description?: string;
  /** The terms of the API: their name, and an SPDX identifier or an address. */
  readonly license?: { readonly name: string; readonly identifier?: string; readonly url?: string };
}

/** Where the API is served. */
export interface DocumentServer {
  /** An origin, such as `https://agents.example.com`, or a path relative to the document. */
  readonly url: string;
  readonly description?: string;
}

/** An OpenAPI 3.1 document, as far as it is looked into here. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: DocumentInfo;
  readonly servers: readonly DocumentServer[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  /** What endpoints are sent; not in an excerpt. */
  readonly webhooks?: Readonly<Record<string, object>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

/** What a gateway is set to, of which its document tells. */
export interface DocumentSetting {
  readonly limits?: readonly GatewayLimit[];
  /** Where the document itself came from, unless given. */
  readonly servers?: readonly DocumentServer[] | undefined;
}

/** Wherever the document itself came from. */
const HERE: readonly DocumentServer[] = [{ url: "/", description: "The gateway that serves this document" }];

/** The document of all operations, as REST serves them. */
export function openApiDocument(
  operations: readonly BoundOperation[],
  { description, ...info }: DocumentInfo,
  { limits = [], servers = HERE }: DocumentSetting = {},
): OpenApiDocument {
  const schemas = new SchemaCollector();
  const paths: Record<string, Record<string, OperationObject>> = {};
  for (const operation of operations) {
    const route = restRoute(operation);
    (paths[route.path] ??= {})[route.method] = documentedOperation(route, operation, schemas);
  }
  return {
    openapi: "3.1.0",
    info: {
      ...info,
      description: [...(description === undefined ? [] : [description]), INTRODUCTION, tableOf(limits)].join(
        "\n\n",
      ),
    },
    servers,
    tags: tagsOf(operations),
    paths,
    webhooks: documentedWebhooks(schemas),
    components: {
      schemas: schemas.components(),
      examples: Object.fromEntries(
        [...new Set(operations.flatMap(codesOf))].toSorted().map((code) => [code, exampleOf(code)]),
      ),
      headers: HEADERS,
      securitySchemes: {
        apiKey: {
          type: "http",
          scheme: "bearer",
          description:
            "`Authorization: Bearer <key>`, with an API key (`sy_…`), or a JWT of the issuer that the gateway trusts, if it trusts one. Both have scopes, which operations name, and reach the agents that their patterns mean; what they do not reach is answered as what is not there",
        },
        cloudflareAccess: {
          type: "apiKey",
          in: "header",
          name: "Cf-Access-Jwt-Assertion",
          description:
            "Set by Cloudflare Access, where the gateway is behind it and trusts its team; it counts if there is no `Authorization` header",
        },
        webhookSignature: {
          type: "apiKey",
          in: "header",
          name: "webhook-signature",
          description:
            "A signature of Standard Webhooks over `webhook-id`, `webhook-timestamp` and the raw body",
        },
        streamToken: {
          type: "apiKey",
          in: "query",
          name: "token",
          description: "A stream token, for browsers whose `EventSource` cannot send headers",
        },
      },
    },
  };
}

/** The limits as a table of Markdown. */
function tableOf(limits: readonly GatewayLimit[]): string {
  const lines = limits.map(
    ({ name, most, unit, code, description }) =>
      `| \`${name}\` | ${most} ${unit} | ${code === null ? "" : `\`${code}\``} | ${description} |`,
  );
  return ["| limit | most | more is | what it limits |", "|---|---|---|---|", ...lines].join("\n");
}

/** One tag for each class of agents, and one for the gateway itself. */
function tagsOf(operations: readonly BoundOperation[]) {
  const agents = new Set(operations.flatMap(({ subject }) => subject?.agent ?? []));
  return [
    { name: "gateway", description: "The gateway itself: what it serves, and whether it answers" },
    ...[...agents].map(({ name, description }) => ({
      name,
      description: description ?? `Agents of the class ${words(name)}`,
    })),
  ];
}
