import type { RouteConfig } from "@hono/zod-openapi";
import { z } from "zod";
import { type Problem, type ProblemCode, PROBLEMS } from "../src/gateway/contract/problem";
import { problemsOf } from "../src/gateway/operations/operation";
import type { BoundOperation } from "../src/gateway/operations/table";
import { type ParameterObject, parametersIn } from "./parameters";
import { sampleOf } from "./sample";
import type { JsonSchema, SchemaCollector, Side } from "./schema-collector";

type Header = { readonly description: string; readonly schema: { readonly type: "string" | "integer" } };
type Content = Readonly<Record<string, { readonly schema?: unknown } | undefined>>;

/** An operation, as an OpenAPI 3.1 document holds it. */
export interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly ParameterObject[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, object>>;
  /** How generators of Redocly walk through its pages. */
  readonly "x-redoclyPagination"?: object;
}

const LAST_EVENT_ID: ParameterObject = {
  name: "Last-Event-ID",
  in: "header",
  required: false,
  description: "`id` of the last event that was received: the stream goes on after it. Goes before `after`",
  schema: { type: "string" },
};
/** The security scheme of stream tokens says what it is for. */
const TOKEN = "token";
const LOCATION: Header = { description: "Address of what was made", schema: { type: "string" } };
const ETAG: Header = { description: "Changes with the state", schema: { type: "string" } };
const RETRY_AFTER: Header = {
  description: "Seconds to wait, if the problem is retryable",
  schema: { type: "integer" },
};
const OF_PROBLEMS: Readonly<Record<string, Readonly<Record<string, Header>>>> = {
  401: { "WWW-Authenticate": { description: "How to show who calls", schema: { type: "string" } } },
  429: { "Retry-After": RETRY_AFTER },
  503: { "Retry-After": RETRY_AFTER },
};

/** Headers that documented operations refer to. */
export const HEADERS = {
  RequestId: {
    description: "Id of the request: the one that was sent in this header, or a new one",
    schema: { type: "string" },
  },
} satisfies Record<string, Header>;

/** A route as documents show it: with JSON Schemas where it has zod's, its headers, and examples of all that is sent. */
export function documentedOperation(
  route: RouteConfig,
  operation: BoundOperation,
  schemas: SchemaCollector,
): OperationObject {
  const { id, summary, schemas: own, operation: shape } = operation;
  const parameters = [
    ...parametersIn("path", route.request?.params as z.ZodObject | undefined, schemas),
    ...parametersIn("query", own.query, schemas).filter(({ name }) => name !== TOKEN),
    ...(shape.kind === "events" ? [LAST_EVENT_ID] : []),
    ...parametersIn("header", route.request?.headers as z.ZodObject | undefined, schemas),
  ];
  const body = own.shownBody ?? own.body;
  const pagination = paginationOf(operation, schemas);
  return {
    operationId: id,
    summary,
    description: shape.description,
    tags: route.tags ?? [],
    security: route.security ?? [],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: requestBody(body, schemas) }),
    responses: documentedResponses(route.responses, operation, schemas),
    ...(pagination === undefined ? {} : { "x-redoclyPagination": pagination }),
  };
}

/** Every code that an operation can answer with. */
export function codesOf({ operation, rest, schemas, subject }: BoundOperation): ProblemCode[] {
  return problemsOf(operation, rest.method, schemas, subject !== undefined);
}

/** What a problem of a code looks like where there is nothing more to say. */
export function exampleOf(code: ProblemCode) {
  const { title, status, retryable } = PROBLEMS[code];
  const requestId = "5f0c7d7e-4d1b-4d0c-9a51-0d6f7c1f3a52";
  const value: Problem = {
    type: `urn:switchyard:problem:${code}`,
    title,
    status,
    code,
    requestId,
    retryable,
  };
  return { summary: title, value };
}

function requestBody(body: z.ZodType, schemas: SchemaCollector) {
  const media = mediaOf(body, "input", schemas);
  const description = media.schema["description"] ?? body.description ?? "What is sent";
  return { description, required: true, content: { "application/json": media } };
}

function documentedResponses(
  responses: RouteConfig["responses"],
  operation: BoundOperation,
  schemas: SchemaCollector,
): Record<string, object> {
  const { status: success, location, etag } = operation.rest;
  const side: Side = operation.operation.parsed === true ? "output" : "input";
  return mapValues(responses, (response, status) => {
    const { content, description } = response as { description: string; content?: Content };
    const codes = codesOf(operation).filter((code) => String(PROBLEMS[code].status) === status);
    const succeeds = status === String(success) || status === "201";
    return {
      description,
      headers: {
        "X-Request-Id": { $ref: "#/components/headers/RequestId" },
        ...(location !== undefined && succeeds ? { Location: LOCATION } : {}),
        ...(etag !== undefined && succeeds ? { ETag: ETAG } : {}),
        ...OF_PROBLEMS[status],
      },
      ...(content && { content: shownContent(content, side, schemas, codes) }),
    };
  });
}

/** @param codes the problems that the content shows; none if it is an answer. */
function shownContent(
  content: Content,
  side: Side,
  schemas: SchemaCollector,
  codes: readonly ProblemCode[],
): Record<string, object> {
  return mapValues(content, (media) => {
    const schema = media?.schema;
    if (!(schema instanceof z.ZodType)) return { ...media };
    if (codes.length === 0) return mediaOf(schema, side, schemas);
    const references = codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]);
    return { schema: schemas.refer(schema, side), examples: Object.fromEntries(references) };
  });
}

/** A schema as a body shows it, with an example. */
export function mediaOf(schema: z.ZodType, side: Side, schemas: SchemaCollector) {
  const json = schemas.refer(schema, side);
  const example = sampleOf(schema, json, (reference) => schemas.resolve(reference));
  return { schema: json, ...(example === undefined ? {} : { example }) };
}

/** How to go through the pages of a list; undefined if an operation answers with none. */
function paginationOf({ schemas: { query, output } }: BoundOperation, schemas: SchemaCollector) {
  if (query?.shape["cursor"] === undefined) return undefined;
  const { properties = {} } = schemas.resolved(schemas.refer(output, "input")) as {
    properties?: Readonly<Record<string, JsonSchema>>;
  };
  if (properties["items"] === undefined || properties["nextCursor"] === undefined) return undefined;
  return {
    style: "cursor",
    cursorParam: "cursor",
    limitParam: "limit",
    nextCursor: "/nextCursor",
    items: "/items",
  };
}

function mapValues<Value, Result>(
  object: Readonly<Record<string, Value>>,
  map: (value: Value, key: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}
