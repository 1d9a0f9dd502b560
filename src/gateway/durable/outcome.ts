import type { Actor } from "../contract/audit";
import { ProblemError } from "../contract/problem";
import type { ProblemCode, ProblemExtras } from "../contract/problem";

/**
 * An answer that crosses RPC: classes of errors do not survive there, so a problem travels as a value. What was answered travels
 * as JSON, and undefined as itself: whoever is on the way passes it on unread.
 */
export type Outcome =
  | { readonly ok: true; readonly json: string | undefined }
  | { readonly ok: false; readonly code: ProblemCode; readonly extras: ProblemExtras };

/** What tells requests apart in logs. */
type RequestMark = Partial<Pick<Actor, "requestId" | "traceparent">>;

/**
 * Runs work on the agent's side. What is no problem for the client is logged here and told as `internal_error`.
 *
 * @param request which request it is of, for the log.
 */
export function toOutcome(work: () => Promise<unknown>, request: RequestMark = {}): Promise<Outcome> {
  return passOn(async () => ({ ok: true, json: JSON.stringify(await work()) }), request);
}

/** The same of work that gives an outcome already, as that of another agent. */
export async function passOn(work: () => Promise<Outcome>, request: RequestMark = {}): Promise<Outcome> {
  try {
    return await work();
  } catch (failure) {
    if (failure instanceof ProblemError) return { ok: false, code: failure.code, extras: failure.extras };
    const { requestId = null, traceparent = null } = request;
    console.error(
      "switchyard: a call failed inside the agent",
      JSON.stringify({ requestId, traceparent }),
      failure,
    );
    return { ok: false, code: "internal_error", extras: {} };
  }
}

/** The value of an outcome. @throws ProblemError if it is a problem. */
export function fromOutcome(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.json === undefined ? undefined : (JSON.parse(outcome.json) as unknown);
  throw new ProblemError(outcome.code, outcome.extras);
}
