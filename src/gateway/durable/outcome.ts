import { ProblemError } from "../contract/problem";
import type { ProblemCode, ProblemExtras } from "../contract/problem";

/** An answer that crosses RPC: classes of errors do not survive there, so a problem travels as a value. */
export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: ProblemCode; readonly extras: ProblemExtras };

/** Runs work on the agent's side. What is no problem for the client is logged here and told as `internal_error`. */
export async function toOutcome(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { ok: true, value: await work() };
  } catch (failure) {
    if (failure instanceof ProblemError) return { ok: false, code: failure.code, extras: failure.extras };
    console.error("switchyard: a call failed inside the agent", failure);
    return { ok: false, code: "internal_error", extras: {} };
  }
}

/** The value of an outcome. @throws ProblemError if it is a problem. */
export function fromOutcome(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.value;
  throw new ProblemError(outcome.code, outcome.extras);
}
