import { z } from "zod";
import { Door } from "./audit";
import { LIMITS } from "./limits";

/** Statuses of a gate. Only `pending` can change, and only once. */
export const ApprovalStatus = z.enum(["pending", "approved", "rejected", "expired", "cancelled"]);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

/** The two decisions. */
export const Decision = z.enum(["approve", "reject"]);
export type Decision = z.infer<typeof Decision>;

/** Who may decide, beside having the scope for it. */
export const Approvers = z
  .object({
    scopes: z
      .array(z.string())
      .describe("Scopes that an approver must hold, all of them; empty if none")
      .meta({ examples: [["refunds:approve"]] }),
    principals: z
      .array(z.string())
      .describe("Names of the only principals who may decide; empty if any may")
      .meta({ examples: [[]] }),
  })
  .meta({ id: "Approvers", description: "Who may decide an approval" });
export type Approvers = z.infer<typeof Approvers>;

/** What a gate asks of those who decide it. */
export interface GateTerms {
  readonly approvers: Approvers;
  /** Whether whoever started the instance may decide. */
  readonly selfApproval: boolean;
  /** How many principals must approve. */
  readonly required: number;
}

/** Most principals that a gate can require. */
export const MOST_REQUIRED = 20;

/** The terms of a gate that says nothing of them: whoever has the scope may decide, alone. */
export const OPEN_TERMS: GateTerms = {
  approvers: { scopes: [], principals: [] },
  selfApproval: true,
  required: 1,
};

/** One vote at a gate that takes several. */
export const Vote = z
  .object({
    principal: z
      .string()
      .describe("Name of the principal who voted")
      .meta({ examples: ["ada"] }),
    decision: Decision.describe("What the vote was for"),
    door: Door.describe("By which door the vote came"),
    reason: z.string().nullable().describe("The reason that was given"),
    votedAt: z.iso.datetime().describe("When it was counted"),
  })
  .meta({ id: "Vote", description: "One vote at an approval that takes several" });
export type Vote = z.infer<typeof Vote>;

/** One gate of one instance: what is asked, of whom, and how it was decided. */
export const Approval = z
  .object({
    id: z
      .string()
      .describe("Id of the approval")
      .meta({ examples: ["apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4"] }),
    instanceId: z
      .string()
      .describe("The instance that waits")
      .meta({ examples: ["november"] }),
    workflow: z
      .string()
      .describe("Public name of its workflow")
      .meta({ examples: ["refund"] }),
    agent: z
      .string()
      .describe("Path of the agent that owns it")
      .meta({ examples: ["/agents/order-desk/acme"] }),
    attempt: z.int().describe("Attempt of the instance that asked"),
    stepName: z
      .string()
      .describe("The step that waits")
      .meta({ examples: ["manager"] }),
    occurrence: z.int().describe("1, or more when the step name is used again in one run"),
    summary: z
      .string()
      .nullable()
      .describe("What is asked, in a sentence")
      .meta({ examples: ["Refund order 1234?"] }),
    details: z.unknown().describe("What an approver should see: any JSON"),
    metadataSchema: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe(
        "JSON Schema of the `metadata` that goes with an approval; null if the workflow is served no more",
      ),
    approvers: Approvers.describe("Who may decide, beside having the scope for it"),
    selfApproval: z.boolean().describe("Whether whoever started the instance may decide"),
    required: z.int().min(1).describe("How many principals must approve; one rejection is enough"),
    votes: z
      .array(Vote)
      .describe(
        "Votes so far, oldest first, where several must approve; the last one closed it, if it is closed",
      )
      .meta({ examples: [[]] }),
    status: ApprovalStatus.describe("Whether it waits, or how it was closed"),
    requestedAt: z.iso.datetime().describe("When it was asked"),
    deadline: z.iso.datetime().nullable().describe("When it expires"),
    decidedBy: z.string().nullable().describe("Name of the principal whose decision closed it"),
    decidedVia: Door.nullable().describe("By which door that decision came"),
    decidedAt: z.iso.datetime().nullable().describe("When it was closed"),
    reason: z.string().nullable().describe("The reason that was given"),
    shown: z
      .string()
      .nullable()
      .describe("Digest of what whoever decided was shown, where they were shown the question"),
    metadata: z.unknown().describe("What the approver sent with the decision that closed it"),
    links: z
      .object({
        self: z
          .string()
          .describe("The approval")
          .meta({ examples: ["/agents/order-desk/acme/approvals/apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4"] }),
        instance: z
          .string()
          .describe("The instance that waits")
          .meta({ examples: ["/agents/order-desk/acme/instances/november"] }),
        approve: z
          .string()
          .describe("Where it is approved")
          .meta({
            examples: ["/agents/order-desk/acme/approvals/apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4/approve"],
          }),
        reject: z
          .string()
          .describe("Where it is rejected")
          .meta({
            examples: ["/agents/order-desk/acme/approvals/apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4/reject"],
          }),
      })
      .meta({ id: "ApprovalAddresses", description: "Addresses of what belongs to an approval" }),
  })
  .meta({ id: "Approval", description: "A gate that waits for people" });
export type Approval = z.infer<typeof Approval>;

/** Why somebody decided as they did: at most 2,000 characters. */
export const Reason = z.string().max(LIMITS.reasonCharacters.most).describe("Why; shown to whoever asked");
