import { z } from "zod";

/**
 * Every error that a client can meet: its HTTP status, its title, and whether the same request may succeed later.
 * The table is closed: a code is added here, and then named by each operation that can send it.
 */
export const PROBLEMS = {
  invalid_request: { status: 400, title: "The request does not match the contract", retryable: false },
  malformed_json: { status: 400, title: "The body is not valid JSON", retryable: false },
  invalid_cursor: { status: 400, title: "The cursor is not one of this list", retryable: false },
  unauthorized: { status: 401, title: "Valid credentials are required", retryable: false },
  forbidden: { status: 403, title: "The credentials do not allow this", retryable: false },
  decision_not_allowed: {
    status: 403,
    title: "The approval is not for this caller to decide",
    retryable: false,
  },
  not_found: { status: 404, title: "Nothing is served at this address", retryable: false },
  agent_not_found: { status: 404, title: "No such agent", retryable: false },
  instance_not_found: { status: 404, title: "No such instance", retryable: false },
  approval_not_found: { status: 404, title: "No such approval", retryable: false },
  link_not_found: { status: 404, title: "No such link", retryable: false },
  endpoint_not_found: { status: 404, title: "No such webhook endpoint", retryable: false },
  delivery_not_found: { status: 404, title: "No such delivery", retryable: false },
  key_not_found: { status: 404, title: "No such key", retryable: false },
  method_not_allowed: { status: 405, title: "The address does not take this method", retryable: false },
  not_acceptable: { status: 406, title: "None of the accepted media types can be sent", retryable: false },
  instance_exists: { status: 409, title: "An instance with this id exists", retryable: false },
  status_conflict: { status: 409, title: "The instance's status does not allow this", retryable: false },
  instance_paused: { status: 409, title: "The instance is paused", retryable: false },
  not_waiting: { status: 409, title: "The instance does not wait for this event", retryable: false },
  request_in_progress: {
    status: 409,
    title: "The first request with this key began, and is not answered",
    retryable: true,
  },
  approval_closed: { status: 409, title: "The approval is closed", retryable: false },
  approval_changed: {
    status: 409,
    title: "What is asked has changed since it was shown",
    retryable: false,
  },
  too_many_links: { status: 409, title: "The approval has as many links as it may", retryable: false },
  approval_ambiguous: { status: 409, title: "The instance has no single open approval", retryable: false },
  endpoint_disabled: { status: 409, title: "The endpoint is disabled", retryable: false },
  too_many_endpoints: { status: 409, title: "There are as many endpoints as there may be", retryable: false },
  key_exists: { status: 409, title: "An active key has this name", retryable: false },
  key_ended: { status: 409, title: "The key was revoked, or has expired", retryable: false },
  precondition_failed: { status: 412, title: "The state has changed since it was read", retryable: false },
  payload_too_large: { status: 413, title: "The body is larger than the limit", retryable: false },
  uri_too_long: { status: 414, title: "The address is longer than the limit", retryable: false },
  unsupported_media_type: { status: 415, title: "The body must be application/json", retryable: false },
  idempotency_key_reused: { status: 422, title: "The key was used for another request", retryable: false },
  endpoint_url_refused: { status: 422, title: "Nothing may be sent to this URL", retryable: false },
  too_many_requests: { status: 429, title: "Too many requests in this time", retryable: true },
  too_many_streams: { status: 429, title: "Too many streams are open", retryable: true },
  headers_too_large: { status: 431, title: "The headers are larger than the limit", retryable: false },
  internal_error: { status: 500, title: "Something failed inside the gateway", retryable: true },
  agent_unavailable: { status: 503, title: "The agent cannot answer just now", retryable: true },
  credentials_unchecked: {
    status: 503,
    title: "The credentials cannot be checked just now",
    retryable: true,
  },
  gateway_not_configured: { status: 503, title: "The gateway is not configured", retryable: false },
  not_ready: { status: 503, title: "The gateway is not ready", retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

/** A code of the closed table {@link PROBLEMS}. */
export type ProblemCode = keyof typeof PROBLEMS;

/** One place in the request that is wrong: `pointer` is a JSON Pointer (RFC 6901) into the named part. */
export const ProblemPlace = z
  .object({
    in: z.enum(["body", "query", "path", "header"]).describe("The part of the request"),
    pointer: z.string().describe("JSON Pointer into that part; the empty string is the whole of it"),
    message: z.string().describe("What is wrong there"),
  })
  .meta({ id: "ProblemPlace", description: "One place in the request that is wrong" });
export type ProblemPlace = z.infer<typeof ProblemPlace>;

/** What stands when a decision came too late. */
export const StandingDecision = z
  .object({
    approvalId: z.string().describe("Id of the approval"),
    status: z.enum(["approved", "rejected", "expired", "cancelled"]).describe("How it was closed"),
    decidedBy: z.string().nullable().describe("Name of the principal who decided; null if nobody did"),
    decidedAt: z.iso.datetime().nullable().describe("When it was closed"),
    reason: z.string().nullable().describe("The reason that was given"),
  })
  .meta({ id: "StandingDecision", description: "What stands when a decision came too late" });
export type StandingDecision = z.infer<typeof StandingDecision>;

/** The body of every error, as `application/problem+json` (RFC 9457). */
export const Problem = z
  .object({
    type: z.string().describe("URN of the code"),
    title: z.string().describe("Short, the same for every problem of the code"),
    status: z.int().describe("The HTTP status"),
    detail: z.string().optional().describe("What happened this time, and what to do"),
    code: z
      .enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]])
      .describe("Machine-readable; closed set"),
    requestId: z.string().describe("Id of the request, also in the X-Request-Id header"),
    retryable: z.boolean().describe("Whether the same request may succeed later"),
    errors: z.array(ProblemPlace).optional().describe("The places that do not match the contract"),
    instanceStatus: z
      .string()
      .optional()
      .describe("With status_conflict: the present status of the instance"),
    decision: StandingDecision.optional().describe(
      "With approval_closed: the decision that stands; with approval_ambiguous: that on the last approval, if none is open",
    ),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details" });
export type Problem = z.infer<typeof Problem>;

/** What a problem says beyond its code. */
export interface ProblemExtras {
  readonly detail?: string;
  readonly errors?: readonly ProblemPlace[];
  readonly decision?: StandingDecision;
  readonly instanceStatus?: string;
}

/** An error that is meant for the client. Everything else that is thrown becomes `internal_error`, unexplained. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly extras: ProblemExtras;

  constructor(code: ProblemCode, extras: ProblemExtras = {}) {
    super(extras.detail ?? PROBLEMS[code].title);
    this.code = code;
    this.extras = extras;
  }
}

/** The document of a problem. */
export function problemDocument(
  code: ProblemCode,
  { detail, errors, decision, instanceStatus }: ProblemExtras,
  requestId: string,
): Problem {
  const { status, title, retryable } = PROBLEMS[code];
  return {
    type: `urn:switchyard:problem:${code}`,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    code,
    requestId,
    retryable,
    ...(errors === undefined ? {} : { errors: [...errors] }),
    ...(instanceStatus === undefined ? {} : { instanceStatus }),
    ...(decision === undefined ? {} : { decision }),
  };
}

/** Where a value does not match its schema: one place per issue, one per field that is not known. */
export function placesOf(
  error: z.ZodError,
  part: ProblemPlace["in"],
  prefix: readonly string[] = [],
): ProblemPlace[] {
  return error.issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path.map(String)];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        in: part,
        pointer: pointerTo([...path, key]),
        message: "is not a known field",
      }));
    }
    return [{ in: part, pointer: pointerTo(path), message: issue.message }];
  });
}

/** JSON Pointer (RFC 6901) to a path of keys. */
function pointerTo(path: readonly string[]): string {
  return path.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
