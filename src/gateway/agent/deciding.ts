import type { Approval } from "../contract/approval";
import { placesOf, ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import { type ApprovalRow, toApproval, toStandingDecision } from "./approvals";
import { closeGate, expireGate } from "./gates";
import type { DecisionPayload } from "./reports";
import { requireApproval, requireInstance, type ServiceContext } from "./service-context";

type DecideInput = Parameters<AgentPort["decide"]>[0];

/** Decides a gate: one conditional update, with its event and the message to the engine, in one change. */
export async function decide(context: ServiceContext, input: DecideInput): Promise<Approval> {
  const { records, host } = context;
  const { decision, decidedBy, reason, once } = input;
  await host.ensureAlarm();
  await lookFirst(context, input.target);

  const { approval, lost } = records.changeOnce(once, (now): { approval: Approval; lost: boolean } => {
    const gate =
      "approvalId" in input.target
        ? requireApproval(context, input.target.approvalId)
        : onlyOpen(context, input.target);
    const metadata = checkedMetadata(context, gate, input);
    const instance = requireInstance(context, gate.instance_id);
    if (instance.status === "paused" && gate.status === "pending") throw new ProblemError("instance_paused");
    const closing = {
      status: decision === "approve" ? "approved" : "rejected",
      decidedBy,
      reason: reason ?? null,
      metadata,
    } as const;
    const closed = expireGate(records, instance, gate.id, now)
      ? undefined
      : closeGate(records, instance, gate.id, closing, now);
    if (closed === undefined)
      return { approval: toApproval(requireApproval(context, gate.id), records.agent), lost: true };
    const payload: DecisionPayload = { approved: decision === "approve", reason, metadata };
    records.outbox.add(
      { kind: "event", instanceId: instance.id, payload: { type: closed.event_type, payload } },
      now,
    );
    return { approval: toApproval(closed, records.agent), lost: false };
  });

  if (lost) throw closedProblem(requireApproval(context, approval.id));
  host.deliverSoon();
  return approval;
}

/** A gate of a run that does not tell is seen only by the engine: whether it is there, and whether it is still open. */
async function lookFirst({ records, host }: ServiceContext, target: DecideInput["target"]): Promise<void> {
  const id =
    "instanceId" in target ? target.instanceId : records.approvals.find(target.approvalId)?.instance_id;
  const instance = id === undefined ? undefined : records.ledger.find(id);
  if (instance !== undefined) await host.inspection.checkIfUnheard(instance);
}

function closedProblem(gate: ApprovalRow): ProblemError {
  const decision = toStandingDecision(gate);
  return new ProblemError("approval_closed", decision === undefined ? {} : { decision });
}

function onlyOpen(context: ServiceContext, { instanceId }: { readonly instanceId: string }): ApprovalRow {
  const instance = requireInstance(context, instanceId);
  const [gate, another] = context.records.approvals.pendingOf(instance.id);
  if (gate !== undefined && another === undefined) return gate;
  throw new ProblemError("approval_ambiguous", {
    detail:
      gate === undefined
        ? `No approval of the instance is open; it is ${instance.status}.`
        : "Several approvals of the instance are open: decide each by its own id.",
  });
}

/** What the approver sent, if it fits the contract of the workflow, which parses it. A rejection may come without. */
function checkedMetadata(
  { host }: ServiceContext,
  gate: ApprovalRow,
  { decision, metadata }: DecideInput,
): unknown {
  const workflow = host.definition.workflows.find(({ name }) => name === gate.workflow);
  if (workflow === undefined || (decision === "reject" && metadata === undefined)) return metadata;
  const checked = workflow.approval.safeParse(metadata);
  if (checked.success) return metadata;
  throw new ProblemError("invalid_request", {
    detail: `The metadata does not match the approval contract of "${workflow.name}".`,
    errors: placesOf(checked.error, "body", ["metadata"]),
  });
}
