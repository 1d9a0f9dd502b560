import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { Problem, type ProblemCode, PROBLEMS } from "../src/gateway/contract/problem";
import { agentTemplate } from "../src/gateway/operations/agents";
import { type OperationSchemas, problemsOf } from "../src/gateway/operations/operation";
import type { BoundOperation } from "../src/gateway/operations/table";
import { pathParams, takesKey } from "./asking";
import { IdempotencyKey, IfMatch, PreferEnd, PreferNews } from "./preferences";
import { SignatureHeaders } from "./signed-body";

/** How REST serves an operation: what requests are checked by, and what documents are made from. */
export function restRoute(operation: BoundOperation) {
  const { id, summary, subject, schemas, rest } = operation;
  const params = pathParams(subject, schemas);
  const headers = requestHeaders(operation);
  return createRoute({
    operationId: id,
    method: rest.method,
    path: restPath(operation),
    summary,
    description: operation.operation.description,
    tags: [subject?.agent.name ?? "gateway"],
    security: securityOf(operation.operation),
    request: {
      ...(params === undefined ? {} : { params }),
      ...(headers === undefined ? {} : { headers }),
      ...(schemas.query === undefined ? {} : { query: schemas.query }),
      ...(schemas.body === undefined
        ? {}
        : { body: { required: true, content: { "application/json": { schema: schemas.body } } } }),
    },
    responses: {
      ...success(rest, schemas),
      ...problemAnswers(problemsOf(operation.operation, rest.method, schemas, subject !== undefined)),
    },
  });
}

/** The address of an operation, with its parameters in braces. */
export function restPath({ subject, rest }: BoundOperation): string {
  return `${subject === undefined ? "" : agentTemplate(subject.chain)}${rest.path}`;
}

/** The headers that an operation reads; undefined if it reads none. */
function requestHeaders(bound: BoundOperation): z.ZodObject | undefined {
  const { kind, signed } = bound.operation;
  const { method, waits, etag } = bound.rest;
  if (signed) return SignatureHeaders;
  const prefer = kind === "events" ? PreferNews : PreferEnd;
  const headers = {
    ...(takesKey(bound) ? { "idempotency-key": IdempotencyKey.optional() } : {}),
    ...(waits ? { prefer: prefer.optional() } : {}),
    ...(etag === undefined || method === "get" ? {} : { "if-match": IfMatch.optional() }),
  };
  return Object.keys(headers).length === 0 ? undefined : z.object(headers);
}

const MEANINGS = { 200: "OK", 201: "Created", 202: "Accepted" } as const;

function securityOf({ scope, kind, signed }: BoundOperation["operation"]) {
  if (scope === null) return [];
  if (signed) return [{ webhookSignature: [] }];
  return [
    { apiKey: [scope] },
    { cloudflareAccess: [scope] },
    ...(kind === "events" ? [{ streamToken: [] }] : []),
  ];
}

function success({ status, waits, created }: BoundOperation["rest"], { output, frame }: OperationSchemas) {
  if (frame !== undefined) {
    const content = {
      "text/event-stream": { schema: frame },
      "application/json": { schema: output },
    };
    return {
      200: { description: "The events", content },
      204: { description: "Everything was sent, and nothing will follow" },
    };
  }
  const content = { "application/json": { schema: output } };
  return {
    [status]: { description: MEANINGS[status], content },
    ...(created === undefined ? {} : { 201: { description: MEANINGS[201], content } }),
    ...(waits
      ? { 200: { description: "The instance, which has ended if `Prefer: wait` gave it the time", content } }
      : {}),
  };
}

function problemAnswers(codes: readonly ProblemCode[]) {
  const byStatus = Object.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, sharing]) => [
      status,
      {
        description: sharing.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("; "),
        content: { "application/problem+json": { schema: Problem } },
      },
    ]),
  );
}
