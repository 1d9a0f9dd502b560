import type { RouteConfig } from "@hono/zod-openapi";
import { z } from "zod";
import { type Problem, type ProblemCode, PROBLEMS } from "../src/gateway/contract/problem";
import { problemsOf } from "../src/gateway/operations/operation";
import type { BoundOperation } from "../src/gateway/operations/table";
import type { SchemaCollector, Side } from "./schema-collector";

type Responses = RouteConfig["responses"];
type Content = NonNullable<NonNullable<RouteConfig["request"]>["body"]>["content"];
type Header = { readonly description: string; readonly schema: { readonly type: "string" | "integer" } };

const LAST_EVENT_ID = {
  name: "Last-Event-ID",
  in: "header",
  description: "`id` of the last event that was received: the stream goes on after it. Goes before `after`",
  schema: { type: "string" },
} as const;
const LOCATION: Header = { description: "Address of what was made", schema: { type: "string" } };
const RETRY_AFTER: Header = {
  description: "Seconds to wait, if the problem is retryable",
  schema: { type: "integer" },
};
const OF_PROBLEMS: Readonly<Record<string, Readonly<Record<string, Header>>>> = {
  401: { "WWW-Authenticate": { description: "How to show who calls", schema: { type: "string" } } },
  429: { "Retry-After": RETRY_AFTER },
  503: { "Retry-After": RETRY_AFTER },
};

/** Headers that documented routes refer to. */
export const HEADERS = {
  RequestId: {
    description: "Id of the request: the one that was sent in this header, or a new one",
    schema: { type: "string" },
  },
} satisfies Record<string, Header>;

/** A route as documents show it: with JSON Schemas where it has zod's, its headers, and an example of each problem. */
export function documentedRoute(
  route: RouteConfig,
  operation: BoundOperation,
  schemas: SchemaCollector,
): RouteConfig {
  const { request, responses } = route;
  const { schemas: own, operation: shape } = operation;
  const body = request?.body;
  const shownBody = body && {
    ...body,
    content: withJsonSchemas(body.content, "input", schemas, own.shownBody),
  };
  return {
    ...route,
    ...(shape.kind === "events" ? { parameters: [LAST_EVENT_ID] } : {}),
    request: { ...request, ...(shownBody && { body: shownBody }) },
    responses: documentedResponses(responses, operation, schemas),
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

function documentedResponses(
  responses: Responses,
  operation: BoundOperation,
  schemas: SchemaCollector,
): Responses {
  const { status: success, location } = operation.rest;
  const side: Side = operation.operation.parsed === true ? "output" : "input";
  return mapValues(responses, (response, status) => {
    if ("$ref" in response) return response;
    const { content, ...rest } = response;
    const codes = codesOf(operation).filter((code) => String(PROBLEMS[code].status) === status);
    return {
      ...rest,
      headers: {
        "X-Request-Id": { $ref: "#/components/headers/RequestId" },
        ...(location !== undefined && (status === String(success) || status === "201")
          ? { Location: LOCATION }
          : {}),
        ...OF_PROBLEMS[status],
      },
      ...(content && { content: withExamples(withJsonSchemas(content, side, schemas), codes) }),
    };
  });
}

/** @param instead is shown in place of what the content has. */
function withJsonSchemas(
  content: Content,
  side: Side,
  schemas: SchemaCollector,
  instead?: z.ZodType,
): Content {
  return mapValues(content, (media) => {
    if (media === undefined || "$ref" in media) return media;
    const schema = instead ?? media.schema;
    return schema instanceof z.ZodType ? { ...media, schema: schemas.refer(schema, side) } : media;
  });
}

function withExamples(content: Content, codes: readonly ProblemCode[]): Content {
  if (codes.length === 0) return content;
  const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  return mapValues(content, (media) => ({ ...media, examples }));
}

function mapValues<Value, Result>(
  object: Readonly<Record<string, Value>>,
  map: (value: Value, key: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}
