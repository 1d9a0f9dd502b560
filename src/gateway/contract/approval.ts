import { z } from "zod";

/** Statuses of a gate. Only `pending` can change, and only once. */
export const ApprovalStatus = z.enum(["pending", "approved", "rejected", "expired", "cancelled"]);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

/** One gate of one instance: what is asked, and how it was decided. */
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
    status: ApprovalStatus.describe("Whether it waits, or how it was closed"),
    requestedAt: z.iso.datetime().describe("When it was asked"),
    deadline: z.iso.datetime().nullable().describe("When it expires"),
    decidedBy: z.string().nullable().describe("Name of the principal who decided"),
    decidedAt: z.iso.datetime().nullable().describe("When it was closed"),
    reason: z.string().nullable().describe("The reason that was given"),
    metadata: z.unknown().describe("What the approver sent with the decision"),
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
      .meta({ id: "ApprovalLinks", description: "Addresses of what belongs to an approval" }),
  })
  .meta({ id: "Approval", description: "A gate that waits for a person" });
export type Approval = z.infer<typeof Approval>;

/** The two decisions. */
export const Decision = z.enum(["approve", "reject"]);
export type Decision = z.infer<typeof Decision>;

/** Why somebody decided as they did: at most 2,000 characters. */
export const Reason = z.string().max(2000).describe("Why; shown to whoever asked");
