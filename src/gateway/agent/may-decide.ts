import type { GateTerms } from "../contract/approval";
import type { Actor } from "../contract/audit";
import { ProblemError } from "../contract/problem";
import { type InstanceRow, textOf } from "./ledger";

/**
 * Keeps from deciding whom the terms of a gate keep from it, be it open or closed. An instance that was adopted was started
 * by nobody knows whom: so nobody is kept from it for that.
 *
 * @throws ProblemError `decision_not_allowed`
 */
export function requireMayDecide(
  { started_by: startedBy }: InstanceRow,
  { approvers, selfApproval }: GateTerms,
  { name, scopes }: Actor,
): void {
  const { principals } = approvers;
  if (principals.length > 0 && !principals.includes(name))
    throw refusal("Only those whom its `approvers` name may decide this approval.");
  const missing = scopes === "all" ? [] : approvers.scopes.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) throw refusal(`Whoever decides this approval must hold ${missing.join(", ")}.`);
  if (!selfApproval && textOf(startedBy) === name)
    throw refusal("Whoever started the instance may not decide this approval.");
}

function refusal(detail: string): ProblemError {
  return new ProblemError("decision_not_allowed", { detail });
}
