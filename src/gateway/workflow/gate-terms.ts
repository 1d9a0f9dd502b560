import { type GateTerms, MOST_REQUIRED, OPEN_TERMS } from "../contract/approval";
import { DefinitionError } from "../registry/definition-error";

/** Who may decide at a gate, and how many must approve. */
export interface TermsOptions {
  /** Who may decide, beside having the scope `approvals:decide`; anybody if left out. */
  approvers?: {
    /** Scopes that an approver must hold, all of them; also such that the gateway itself does not know. */
    scopes?: readonly string[];
    /** Names of the only principals who may decide. */
    principals?: readonly string[];
  };
  /** Whether whoever started the instance may decide, as far as that is known; true if left out. */
  selfApproval?: boolean;
  /** How many principals must approve, 1 to 20; 1 if left out. One rejection is enough. */
  required?: number;
}

/**
 * Reads what an author says of a gate.
 *
 * @throws DefinitionError if nobody could ever open the gate, or it says what has no meaning.
 */
export function gateTerms(stepName: string, options: TermsOptions): GateTerms {
  const { approvers = {}, selfApproval = OPEN_TERMS.selfApproval, required = OPEN_TERMS.required } = options;
  const { scopes = [], principals } = approvers;
  const wrong = (what: string): DefinitionError => new DefinitionError(`The gate "${stepName}": ${what}`);
  for (const [list, names] of Object.entries({ scopes, principals: principals ?? [] })) {
    const areNames = Array.isArray(names) && names.every((name) => typeof name === "string" && name !== "");
    if (!areNames) throw wrong(`approvers.${list} must be a list of names.`);
  }
  const only = [...new Set(principals)];
  if (principals !== undefined && only.length === 0)
    throw wrong("approvers.principals names nobody. Leave it out to let anybody decide.");
  if (typeof selfApproval !== "boolean") throw wrong("selfApproval must be true or false.");
  if (!Number.isInteger(required) || required < 1 || required > MOST_REQUIRED)
    throw wrong(`required must be a whole number from 1 to ${MOST_REQUIRED}.`);
  if (principals !== undefined && only.length < required)
    throw wrong(`required is ${required}, and approvers.principals names only ${only.length}.`);
  return { approvers: { scopes: [...new Set(scopes)], principals: only }, selfApproval, required };
}
