import { describe, expect, test } from "vitest";
import { OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import { DefinitionError } from "../../src/gateway/registry/definition-error.ts";
import { gateTerms, type TermsOptions } from "../../src/gateway/workflow/gate-terms.ts";

const refusal = (options: TermsOptions): string => {
  try {
    gateTerms("manager", options);
  } catch (failure) {
    if (failure instanceof DefinitionError) return failure.message;
    throw failure;
  }
  return "taken";
};
/** What an author's code may pass where no compiler looked. */
const untyped = (options: unknown) => options as TermsOptions;

describe("the terms of a gate", () => {
  test("are open if nothing is said of them", () => {
    expect(gateTerms("manager", {})).toEqual(OPEN_TERMS);
    expect(gateTerms("manager", { approvers: {} })).toEqual(OPEN_TERMS);
  });

  test("are what was said of them, each name once", () => {
    const approvers = { scopes: ["finance", "finance"], principals: ["ada", "bob", "ada"] };
    expect(gateTerms("manager", { approvers, selfApproval: false, required: 2 })).toEqual({
      approvers: { scopes: ["finance"], principals: ["ada", "bob"] },
      selfApproval: false,
      required: 2,
    });
  });

  test.each([
    [{ approvers: { principals: [] } }, "names nobody"],
    [{ approvers: { principals: ["ada", ""] } }, "approvers.principals must be a list of names"],
    [{ approvers: { scopes: "finance" } }, "approvers.scopes must be a list of names"],
    [{ approvers: { scopes: [7] } }, "approvers.scopes must be a list of names"],
    [{ required: 0 }, "required must be a whole number from 1 to 20"],
    [{ required: 21 }, "required must be a whole number from 1 to 20"],
    [{ required: 1.5 }, "required must be a whole number from 1 to 20"],
    [{ required: "2" }, "required must be a whole number from 1 to 20"],
    [{ required: 3, approvers: { principals: ["ada", "bob", "ada"] } }, "names only 2"],
    [{ selfApproval: "no" }, "selfApproval must be true or false"],
  ])("%j: the workflow is told that %s", (options, message) => {
    expect(refusal(untyped(options))).toContain('The gate "manager"');
    expect(refusal(untyped(options))).toContain(message);
  });

  test.each([1, 20])("may require %d", (required) => expect(refusal({ required })).toBe("taken"));
});
