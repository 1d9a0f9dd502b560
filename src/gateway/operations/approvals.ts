import { z } from "zod";
import { Approval, ApprovalStatus, type Decision, Reason } from "../contract/approval";
import { Limit, ListScope, pageOf } from "../contract/page";
import type { AgentDefinition } from "../registry/agent-definition";
import { InstanceParams, repeated } from "./instances";
import { operation, type Subject } from "./operation";
import { workflowSchemas } from "./schemas";
import { pascal, words } from "./words";

const ApprovalPage = pageOf(Approval, "ApprovalPage");
/** The metadata is checked by the agent, which knows whose approval it is: checked twice, a schema that coerces would read its own result. */
const DecisionBody = z.strictObject({ reason: Reason.optional(), metadata: z.unknown().optional() });
const ApprovalParams = z.object({
  approvalId: z
    .string()
    .regex(/^apr_[0-9a-f-]{36}$/)
    .describe("Id of the approval")
    .meta({ examples: ["apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4"] }),
});

export const listApprovals = operation<Subject>()({
  id: ({ agent }) => `list${pascal(agent.name)}Approvals`,
  summary: ({ agent }) => `List the approvals of one ${words(agent.name)}, newest first`,
  description:
    "Also those that were decided, expired or cancelled, unless `status` chooses. With `scope=subtree` those of all agents below, too.",
  scope: "instances:read",
  rest: { method: "get", path: () => "/approvals", status: 200 },
  schemas: () => ({
    query: z.strictObject({
      status: repeated(ApprovalStatus).describe("Only these statuses; may be given several times"),
      scope: ListScope,
      limit: Limit,
      cursor: z.string().optional().describe("`nextCursor` of the page before"),
    }),
    output: ApprovalPage,
  }),
  problems: ["invalid_cursor"],
  answer: ({ query }, { agent }) => {
    const { status, scope, limit, cursor } = query;
    return agent.listApprovals({ status, subtree: scope === "subtree", limit, cursor });
  },
});

export const getApproval = operation<Subject>()({
  id: ({ agent }) => `get${pascal(agent.name)}Approval`,
  summary: ({ agent }) => `Read one approval of one ${words(agent.name)}`,
  description: "What is asked, of which instance, by when, and how it was decided.",
  scope: "instances:read",
  rest: { method: "get", path: () => "/approvals/{approvalId}", status: 200 },
  schemas: () => ({ params: ApprovalParams, output: Approval }),
  problems: ["approval_not_found"],
  answer: ({ params }, { agent }) => agent.getApproval({ id: params.approvalId }),
});

export const approve = decideApproval("approve");
export const reject = decideApproval("reject");
export const approveInstance = decideInstance("approve");
export const rejectInstance = decideInstance("reject");

function decideApproval(decision: Decision) {
  return operation<Subject>()({
    id: ({ agent }) => `${decision}${pascal(agent.name)}Approval`,
    summary: ({ agent }) => `${pascal(decision)} one approval of one ${words(agent.name)}`,
    description: "An approval is decided once: the first decision stands, every later one is told which.",
    scope: "approvals:decide",
    rest: { method: "post", path: () => `/approvals/{approvalId}/${decision}`, status: 200 },
    schemas: ({ agent }) => ({
      params: ApprovalParams,
      body: DecisionBody,
      shownBody: shownBody(agent, decision),
      output: Approval,
    }),
    problems: ["approval_not_found", "approval_closed", "instance_paused"],
    answer: ({ params, body, caller, once }, { agent }) =>
      agent.decide({
        ...decisionOf(body),
        target: { approvalId: params.approvalId },
        decision,
        decidedBy: caller,
        once,
      }),
  });
}

function decideInstance(decision: Decision) {
  return operation<Subject>()({
    id: ({ agent }) => `${decision}${pascal(agent.name)}Instance`,
    summary: ({ agent }) =>
      `${pascal(decision)} the only open approval of one instance of one ${words(agent.name)}`,
    description:
      "For whoever knows the instance and not its approval. An instance with none, or several, is told `approval_ambiguous`.",
    scope: "approvals:decide",
    rest: { method: "post", path: () => `/instances/{instanceId}/${decision}`, status: 200 },
    schemas: ({ agent }) => ({
      params: InstanceParams,
      body: DecisionBody,
      shownBody: shownBody(agent, decision),
      output: Approval,
    }),
    problems: ["instance_not_found", "approval_ambiguous", "approval_closed", "instance_paused"],
    answer: ({ params, body, caller, once }, { agent }) =>
      agent.decide({
        ...decisionOf(body),
        target: { instanceId: params.instanceId },
        decision,
        decidedBy: caller,
        once,
      }),
  });
}

/** What each workflow takes as metadata. A rejection may come without. */
function shownBody({ name, workflows }: AgentDefinition, decision: Decision): z.ZodType {
  const contracts = workflows.flatMap((workflow) => workflowSchemas(workflow).approval ?? []);
  const metadata = z.union(contracts).describe("As the approval contract of the instance's workflow says");
  const needed = decision === "approve" && contracts.length === workflows.length;
  return z
    .strictObject({
      reason: Reason.optional(),
      ...(contracts.length === 0 ? {} : { metadata: needed ? metadata : metadata.optional() }),
    })
    .meta({
      id: `${pascal(name)}${pascal(decision)}Request`,
      description: `What a decision to ${decision} may say beside that`,
    });
}

function decisionOf({ reason, metadata }: { reason?: string | undefined; metadata?: unknown }) {
  return { reason, metadata };
}
