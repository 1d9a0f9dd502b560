import { z } from "zod";
import { Approval, Decision, Reason } from "../contract/approval";
import { ProblemError } from "../contract/problem";
import { ApprovalParams } from "./approvals";
import { operation } from "./operation";
import { servedPath } from "./served-path";

const answer = {
  decision: Decision.describe("What was decided"),
  reason: Reason.optional(),
  metadata: z.unknown().optional().describe("As the approval contract of the instance's workflow says"),
};

/** Exactly one of the two ways to say which approval is meant. */
const CallbackBody = z
  .union([
    z.strictObject({
      agent: z
        .string()
        .max(1024)
        .describe("Path of the agent that owns the approval")
        .meta({ examples: ["/agents/order-desk/acme"] }),
      approvalId: ApprovalParams.shape.approvalId,
      ...answer,
    }),
    z.strictObject({ token: z.string().max(4096).describe("Token of a link"), ...answer }),
  ])
  .meta({ id: "ApprovalCallback", description: "The decision of another system, and what it decides" });

export const receiveApprovalCallback = operation<undefined>()({
  id: () => "receiveApprovalCallback",
  summary: () => "Decide an approval by a signed callback of another system",
  description:
    "Signed as [Standard Webhooks](https://www.standardwebhooks.com) says, over the raw body, five minutes old at the most. The sender is `decidedBy`; with the token of a link, whoever that is for. A callback that is sent again under its `webhook-id` is answered as the first time.",
  scope: "approvals:decide",
  signed: true,
  rest: { method: "post", path: () => "/webhooks/approvals", status: 200 },
  schemas: () => ({ body: CallbackBody, output: Approval }),
  problems: [
    "approval_not_found",
    "approval_closed",
    "decision_not_allowed",
    "instance_paused",
    "agent_unavailable",
    "idempotency_key_reused",
  ],
  answer: async ({ body, once }, { registry, port, actor, readLinkToken, mayDecideAt }) => {
    const { decision, reason, metadata } = body;
    const link = "token" in body ? await readLinkToken(body.token) : undefined;
    const { agent, approvalId } = "token" in body ? (link ?? NOWHERE) : body;
    const path = servedPath(registry, agent);
    if (path === undefined || !mayDecideAt(path)) throw new ProblemError("approval_not_found");
    const decided = { decision, reason, metadata, once };
    const at = port.at(path, actor);
    try {
      return await (link === undefined
        ? at.decide({ target: { approvalId }, ...decided })
        : at.decideByLink({ id: link.id, approvalId, ...decided }));
    } catch (failure) {
      throw isUnknown(failure) ? new ProblemError("approval_not_found") : failure;
    }
  },
});

/** What a token is for that is none. */
const NOWHERE = { agent: "", approvalId: "" };

/** What is not there looks the same, whatever of it is not there. */
function isUnknown(failure: unknown): boolean {
  return (
    failure instanceof ProblemError &&
    ["agent_not_found", "instance_not_found", "link_not_found"].includes(failure.code)
  );
}
