import { z } from "zod";
import { Problem, type ProblemCode, PROBLEMS } from "../src/gateway/contract/problem";
import { agentTemplate } from "../src/gateway/operations/agents";
import { type OperationSchemas, problemsOf } from "../src/gateway/operations/operation";
import type { BoundOperation } from "../src/gateway/operations/table";
import { pathParams, takesKey } from "./asking";
import { IdempotencyKey, IfMatch, PreferEnd, PreferNews } from "./preferences";
import { SignatureHeaders } from "./signed-body";

/** What a route answers with under one status. */
export interface RouteAnswer {
  readonly description: string;
  /** By its type. */
  readonly content?: Readonly<Record<string, { readonly schema: z.ZodType }>>;
}

/** How REST serves an operation, as documents tell it. */
export interface RestRoute {
  readonly operation: BoundOperation;
  /** With its parameters in braces. */
  readonly path: string;
  readonly params: z.ZodObject | undefined;
  readonly headers: z.ZodObject;
  readonly tags: readonly string[];
  /** Any one of these lets a caller in: scopes by the name of the scheme. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  /** By status. */
  readonly answers: Readonly<Record<string, RouteAnswer>>;
}

/** Describes the route of an operation. */
export function restRoute(operation: BoundOperation): RestRoute {
  const { subject, schemas, rest } = operation;
  return {
    operation,
    path: restPath(operation),
    params: pathParams(subject, schemas),
    headers: requestHeaders(operation),
    tags: [subject?.agent.name ?? "gateway"],
    security: securityOf(operation.operation),
    answers: {
      ...success(rest, schemas),
      ...problemAnswers(problemsOf(operation.operation, rest.method, schemas, subject !== undefined)),
    },
  };
}

/** The address of an operation, with its parameters in braces. */
export function restPath({ subject, rest }: BoundOperation): string {
  return `${subject === undefined ? "" : agentTemplate(subject.chain)}${rest.path}`;
}

/** The headers that an operation reads. */
export function requestHeaders(bound: BoundOperation): z.ZodObject {
  const { kind, signed } = bound.operation;
  const { method, waits, etag } = bound.rest;
  if (signed) return SignatureHeaders;
  const prefer = kind === "events" ? PreferNews : PreferEnd;
  return z.object({
    ...(takesKey(bound) ? { "idempotency-key": IdempotencyKey.optional() } : {}),
    ...(waits ? { prefer: prefer.optional() } : {}),
    ...(etag === undefined || method === "get" ? {} : { "if-match": IfMatch.optional() }),
  });
}

const MEANINGS = { 200: "OK", 201: "Created", 202: "Accepted" } as const;

function securityOf({ scope, kind, signed }: BoundOperation["operation"]): RestRoute["security"] {
  if (scope === null) return [];
  if (signed) return [{ webhookSignature: [] }];
  return [
    { apiKey: [scope] },
    { cloudflareAccess: [scope] },
    ...(kind === "events" ? [{ streamToken: [] }] : []),
  ];
}

function success(
  { status, waits, created }: BoundOperation["rest"],
  { output, frame }: OperationSchemas,
): RestRoute["answers"] {
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

function problemAnswers(codes: readonly ProblemCode[]): RestRoute["answers"] {
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
