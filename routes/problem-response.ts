import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  type ProblemCode,
  problemDocument,
  ProblemError,
  type ProblemExtras,
  PROBLEMS,
} from "../src/gateway/contract/problem";
import type { GatewayEnv } from "./gateway-env";

/** How soon it may be worth to try again. Whoever counts requests says it of `too_many_requests`. */
const RETRY_AFTER_SECONDS: Partial<Record<ProblemCode, number>> = {
  too_many_streams: 10,
  agent_unavailable: 1,
  credentials_unchecked: 1,
  not_ready: 1,
};

/** Puts a problem on the wire (RFC 9457). */
export function problemResponse(
  c: Context<GatewayEnv>,
  code: ProblemCode,
  extras: ProblemExtras = {},
): Response {
  const problem = problemDocument(code, extras, c.get("requestId"));
  c.set("problem", code);
  c.header("content-type", "application/problem+json");
  for (const [name, value] of Object.entries(problemHeaders(code))) c.header(name, value);
  return c.body(JSON.stringify(problem), PROBLEMS[code].status);
}

/** Headers that go with a problem. */
export function problemHeaders(code: ProblemCode): Record<string, string> {
  const seconds = RETRY_AFTER_SECONDS[code];
  return {
    "cache-control": "no-store",
    ...(code === "unauthorized" ? { "www-authenticate": 'Bearer realm="switchyard"' } : {}),
    ...(seconds === undefined ? {} : { "retry-after": String(seconds) }),
  };
}

/** The one way from anything that was thrown to the wire. */
export function onError(failure: Error, c: Context<GatewayEnv>): Response {
  const { code, extras } = problemIn(failure, c.get("requestId"));
  return problemResponse(c, code, extras);
}

/** The problem in anything that was thrown. What is no problem for the client is logged, and not explained. */
export function problemIn(failure: unknown, requestId: string): Pick<ProblemError, "code" | "extras"> {
  if (failure instanceof ProblemError) return failure;
  if (failure instanceof HTTPException) return { code: codeOf(failure), extras: {} };
  console.error("switchyard: a request failed", requestId, failure);
  return { code: "internal_error", extras: {} };
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
