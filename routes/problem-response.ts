import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  type Problem,
  type ProblemCode,
  ProblemError,
  type ProblemExtras,
  PROBLEMS,
} from "../src/gateway/contract/problem";
import type { GatewayEnv } from "./gateway-env";

/** How soon it may be worth to try again. */
const RETRY_AFTER_SECONDS: Readonly<Record<number, number>> = { 429: 10, 503: 1 };

/** Puts a problem on the wire (RFC 9457). */
export function problemResponse(
  c: Context<GatewayEnv>,
  code: ProblemCode,
  extras: ProblemExtras = {},
): Response {
  const { status, title, retryable } = PROBLEMS[code];
  const { detail, errors, decision, instanceStatus } = extras;
  const problem: Problem = {
    type: `urn:switchyard:problem:${code}`,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    code,
    requestId: c.get("requestId"),
    retryable,
    ...(errors === undefined ? {} : { errors: [...errors] }),
    ...(instanceStatus === undefined ? {} : { instanceStatus }),
    ...(decision === undefined ? {} : { decision }),
  };
  c.set("problem", code);
  c.header("content-type", "application/problem+json");
  c.header("cache-control", "no-store");
  if (code === "unauthorized") c.header("www-authenticate", 'Bearer realm="switchyard"');
  const seconds = RETRY_AFTER_SECONDS[status];
  if (seconds !== undefined && retryable) c.header("retry-after", String(seconds));
  return c.body(JSON.stringify(problem), status);
}

/** The one way from anything that was thrown to the wire. What is no problem for the client is logged, and not explained. */
export function onError(failure: Error, c: Context<GatewayEnv>): Response {
  if (failure instanceof ProblemError) return problemResponse(c, failure.code, failure.extras);
  if (failure instanceof HTTPException) return problemResponse(c, codeOf(failure), {});
  console.error("switchyard: a request failed", c.get("requestId"), failure);
  return problemResponse(c, "internal_error");
}

/** What the framework itself refuses: bodies that are no JSON, of another type, or too large. */
function codeOf({ status }: HTTPException): ProblemCode {
  switch (status) {
    case 400:
      return "malformed_json";
    case 413:
      return "payload_too_large";
    case 415:
      return "unsupported_media_type";
    default:
      return "internal_error";
  }
}
