import { type TRPC_ERROR_CODE_NUMBER, type TRPCDefaultErrorShape, TRPCError } from "@trpc/server";
import { problemIn } from "../../../routes/problem-response";
import {
  type Problem,
  type ProblemCode,
  problemDocument,
  ProblemError,
  type ProblemExtras,
  PROBLEMS,
} from "../contract/problem";

type Code = TRPCError["code"];

/** tRPC's codes by the status of a problem. */
const CODES: Readonly<Record<number, Code>> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "METHOD_NOT_SUPPORTED",
  409: "CONFLICT",
  412: "PRECONDITION_FAILED",
  413: "PAYLOAD_TOO_LARGE",
  415: "UNSUPPORTED_MEDIA_TYPE",
  422: "UNPROCESSABLE_CONTENT",
  429: "TOO_MANY_REQUESTS",
  500: "INTERNAL_SERVER_ERROR",
  503: "SERVICE_UNAVAILABLE",
};

/** What tRPC itself refuses, by its code. */
const OWN: Partial<Record<Code, ProblemCode>> = {
  BAD_REQUEST: "invalid_request",
  PARSE_ERROR: "malformed_json",
  NOT_FOUND: "not_found",
  METHOD_NOT_SUPPORTED: "method_not_allowed",
  UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
};

/** A problem as a procedure throws it. What tRPC itself has refused stays as it is. */
export function toTrpcError(failure: unknown, requestId: string): TRPCError {
  if (failure instanceof TRPCError) return failure;
  const { code, extras } = problemIn(failure, requestId);
  return new TRPCError({ code: trpcCodeOf(code), cause: new ProblemError(code, extras) });
}

/** tRPC's clients open a subscription again after every code of a server's fault: not after one that stays. */
function trpcCodeOf(code: ProblemCode): Code {
  const { status, retryable } = PROBLEMS[code];
  if (status >= 500 && !retryable) return "PRECONDITION_FAILED";
  return CODES[status] ?? (status >= 500 ? "INTERNAL_SERVER_ERROR" : "BAD_REQUEST");
}

/** The problem in what tRPC is about to tell. */
export function problemOf(error: TRPCError): { code: ProblemCode; extras: ProblemExtras } {
  const { cause, code } = error;
  if (cause instanceof ProblemError) return cause;
  if (cause instanceof SyntaxError) return { code: "malformed_json", extras: {} };
  const own = OWN[code];
  // What tRPC says of its own refusals is meant for clients; what caused them is not.
  if (own !== undefined) return { code: own, extras: cause === undefined ? { detail: error.message } : {} };
  return { code: "internal_error", extras: {} };
}

/** How an error looks on the wire: tRPC's own shape, with the problem in `data`. */
export interface ErrorShape {
  message: string;
  code: TRPC_ERROR_CODE_NUMBER;
  data: { code: Code; httpStatus: number; path?: string; problem: Problem };
}

/** Shapes an error. @param requestId of the request, if that is known. */
export function toShape(
  { code, data: { path, code: name } }: TRPCDefaultErrorShape,
  error: TRPCError,
  requestId = "",
): ErrorShape {
  const { code: problemCode, extras } = problemOf(error);
  const problem = problemDocument(problemCode, extras, requestId);
  return {
    message: problem.detail ?? problem.title,
    code,
    data: { code: name, httpStatus: problem.status, ...(path === undefined ? {} : { path }), problem },
  };
}
