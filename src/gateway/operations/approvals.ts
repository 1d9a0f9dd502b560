import { z } from "zod";
import { Approval, ApprovalStatus, type Decision, Reason } from "../contract/approval";
import { ApprovalWithHistory } from "../contract/approval-history";
import { Name } from "../contract/names";
import { Limit, ListScope, pageOf } from "../contract/page";
import type { AgentDefinition } from "../registry/agent-definition";
import { InstanceParams, repeated, Time } from "./instances";
import { operation, type Subject } from "./operation";
import { workflowSchemas } from "./schemas";
import { pascal, words } from "./words";

const ApprovalPage = pageOf(Approval, "ApprovalPage");
/** The metadata is checked by the agent, which knows whose approval it is: checked twice, a schema that coerces would read its own result. */
const DecisionBody = z.strictObject({ reason: Reason.optional(), metadata: z.unknown().optional() });
export const ApprovalParams = z.object({
  approvalId: z
    .string()
    .regex(/^apr_[0-9a-f-]{36}$/)
    .describe("Id of the approval")
    .meta({ examples: ["apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4"] }),
});

const ABOUT_DECIDING =
  "An approval is decided once: the decision that closes it stands, every later one is told which. " +
  "Where several must approve, each approval is a vote of its principal, and is answered with the approval as it stands then: pending, until enough have approved. " +
  "To approve again changes nothing; one rejection closes it, also by who has approved before. The workflow gets the metadata of the decision that closed it.";
/** Problems of every decision. */
const DECIDING = ["approval_closed", "decision_not_allowed", "instance_paused"] as const;

export const listApprovals = operation<Subject>()({
  id: ({ agent }) => `list${pascal(agent.name)}Approvals`,
  summary: ({ agent }) => `List the approvals of one ${words(agent.name)}, newest first`,
  description:
    "Also those that were decided, expired or cancelled, unless `status` chooses; all filters must hold. With `scope=subtree` those of all agents below, too.",
  scope: "instances:read",
  rest: { method: "get", path: () => "/approvals", status: 200 },
  schemas: () => ({
    query: z.strictObject({
      status: repeated(ApprovalStatus).describe("Only these statuses; may be given several times"),
      workflow: z.string().optional().describe("Only of instances of this workflow"),
      instanceId: Name.optional().describe("Only of this instance"),
      requestedFrom: Time.describe("Not asked before this time"),
      requestedTo: Time.describe("Asked before this time"),
      scope: ListScope,
      limit: Limit,
      cursor: z.string().optional().describe("`nextCursor` of the page before"),
    }),
    output: ApprovalPage,
  }),
  problems: ["invalid_cursor"],
  answer: ({ query }, { agent }) => {
    const {
      status,
      workflow,
      instanceId,
      requestedFrom: from,
      requestedTo: to,
      scope,
      limit,
      cursor,
    } = query;
    return agent.listApprovals({
      status,
      workflow,
      instanceId,
      requested: { from, to },
      subtree: scope === "subtree",
      limit,
      cursor,
    });
  },
});

export const getApproval = operation<Subject>()({
  id: ({ agent }) => `get${pascal(agent.name)}Approval`,
  summary: ({ agent }) => `Read one approval of one ${words(agent.name)}`,
  description: "What is asked, of which instance, by when, and how it was decided.",
  scope: "instances:read",
  rest: { method: "get", path: () => "/approvals/{approvalId}", status: 200 },
  schemas: () => ({ params: ApprovalParams, output: ApprovalWithHistory }),
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
    description: ABOUT_DECIDING,
    scope: "approvals:decide",
    rest: { method: "post", path: () => `/approvals/{approvalId}/${decision}`, status: 200 },
    schemas: ({ agent }) => ({
      params: ApprovalParams,
      body: DecisionBody,
      shownBody: shownBody(agent, decision),
      output: Approval,
    }),
    problems: ["approval_not_found", ...DECIDING],
    answer: ({ params, body, once }, { agent }) =>
      agent.decide({
        ...decisionOf(body),
        target: { approvalId: params.approvalId },
        decision,
        once,
      }),
  });
}

function decideInstance(decision: Decision) {
  return operation<Subject>()({
    id: ({ agent }) => `${decision}${pascal(agent.name)}Instance`,
    summary: ({ agent }) =>
      `${pascal(decision)} the only open approval of one instance of one ${words(agent.name)}`,
    description: `For whoever knows the instance and not its approval. An instance with none, or several, is told \`approval_ambiguous\`. ${ABOUT_DECIDING}`,
    scope: "approvals:decide",
    rest: { method: "post", path: () => `/instances/{instanceId}/${decision}`, status: 200 },
    schemas: ({ agent }) => ({
      params: InstanceParams,
      body: DecisionBody,
      shownBody: shownBody(agent, decision),
      output: Approval,
    }),
    problems: ["instance_not_found", "approval_ambiguous", ...DECIDING],
    answer: ({ params, body, once }, { agent }) =>
      agent.decide({
        ...decisionOf(body),
        target: { instanceId: params.instanceId },
        decision,
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
