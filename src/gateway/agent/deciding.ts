import type { Approval } from "../contract/approval";
import { placesOf, ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import { currentActor } from "./acting";
import { type ApprovalRow, termsOf, toStandingDecision } from "./approvals";
import { decisionOn } from "./deeds";
import { closeGate, expireGate } from "./gates";
import type { InstanceRow } from "./ledger";
import { requireMayDecide } from "./may-decide";
import type { Records } from "./records";
import type { DecisionPayload } from "./reports";
import { requireApproval, requireInstance, type ServiceContext } from "./service-context";

type DecideInput = Parameters<AgentPort["decide"]>[0];

/** What came of a decision: the gate as it stands, and whether it was closed before. */
interface Decided {
  readonly approval: Approval;
  readonly late: boolean;
}

/** What else belongs to the change that decides. */
interface Along {
  /** May refuse the decision, by throwing. */
  readonly before: (gate: ApprovalRow, now: number) => void;
  /** Follows a decision that was not late. */
  readonly after: (now: number) => void;
}

/**
 * Decides a gate, or votes at it: one conditional update, with its event, its entry in the audit log and the message to the
 * engine, in one change.
 */
export async function decide(context: ServiceContext, input: DecideInput, along?: Along): Promise<Approval> {
  const { records, host } = context;
  await host.ensureAlarm();
  await lookFirst(context, input.target);
  const { approval, late } = records.changeOnce(input.once, (now) => {
    const gate = gateOf(context, input.target);
    along?.before(gate, now);
    const decided = makeDecision(context, gate, input, now);
    if (!decided.late) along?.after(now);
    return decided;
  });
  if (late) throw closedProblem(requireApproval(context, approval.id));
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

/** @throws ProblemError `approval_not_found`, `approval_ambiguous` */
function gateOf(context: ServiceContext, target: DecideInput["target"]): ApprovalRow {
  return "approvalId" in target ? requireApproval(context, target.approvalId) : onlyOpen(context, target);
}

function onlyOpen(context: ServiceContext, { instanceId }: { readonly instanceId: string }): ApprovalRow {
  const instance = requireInstance(context, instanceId);
  const [gate, another] = context.records.approvals.pendingOf(instance.id);
  if (gate !== undefined && another === undefined) return gate;
  if (gate !== undefined)
    throw new ProblemError("approval_ambiguous", {
      detail: "Several approvals of the instance are open: decide each by its own id.",
    });
  const last = context.records.approvals.lastOf(instance.id);
  const decision = last && toStandingDecision(last);
  throw new ProblemError("approval_ambiguous", {
    detail: `No approval of the instance is open; it is ${instance.status}.`,
    ...(decision === undefined ? {} : { decision }),
  });
}

/** Inside a change: all that hangs on the decision stands in the same one. */
function makeDecision(context: ServiceContext, gate: ApprovalRow, input: DecideInput, now: number): Decided {
  const { records } = context;
  const instance = requireInstance(context, gate.instance_id);
  requireMayDecide(instance, termsOf(gate), currentActor());
  if (instance.status === "paused" && gate.status === "pending") throw new ProblemError("instance_paused");
  // Whoever comes too late is told what stands, whatever else is wrong.
  const late = expireGate(records, instance, gate.id, now) || gate.status !== "pending";
  if (!late) {
    const checked = { ...input, metadata: checkedMetadata(context, gate, input) };
    take(context, instance, gate, checked, now);
  }
  return { approval: records.approvals.view(requireApproval(context, gate.id)), late };
}

/** Inside a change. What was said before by the same principal changes nothing. */
function take(
  context: ServiceContext,
  instance: InstanceRow,
  gate: ApprovalRow,
  input: DecideInput,
  now: number,
): void {
  const { records } = context;
  if (!counts(records, gate, input, now)) return;
  if (decides(records, gate, input)) close(records, instance, gate, input, now);
  else tellVote(records, instance, gate, now);
  records.note(decisionOn(requireApproval(context, gate.id), records.agent, input), now);
}

/** Where several must approve, a decision is a vote, and counts once. @returns false if it is known already. */
function counts(
  records: Records,
  gate: ApprovalRow,
  { decision, reason, metadata, shown }: DecideInput,
  now: number,
): boolean {
  if (termsOf(gate).required === 1) return true;
  const { name: principal, door } = currentActor();
  const said = { decision, reason: reason ?? null, shown, metadata };
  return records.votes.cast({ approvalId: gate.id, principal, door, ...said }, now);
}

/** Whether a decision that counts closes its gate: a rejection does, and the last of the approvals that it takes. */
function decides(records: Records, gate: ApprovalRow, { decision }: DecideInput): boolean {
  const { required } = termsOf(gate);
  return decision === "reject" || required === 1 || records.votes.countApprovals(gate.id) >= required;
}

/** Closes an open gate and leaves the message to the engine. */
function close(
  records: Records,
  instance: InstanceRow,
  gate: ApprovalRow,
  { decision, reason, metadata, shown }: DecideInput,
  now: number,
): void {
  const { name: decidedBy, door: decidedVia } = currentActor();
  const status = decision === "approve" ? "approved" : "rejected";
  const closing = { status, decidedBy, decidedVia, reason: reason ?? null, metadata, shown } as const;
  const closed = closeGate(records, instance, gate.id, closing, now);
  if (closed === undefined) throw new Error("the gate that was just open is closed");
  const payload: DecisionPayload = { approved: decision === "approve", reason, metadata };
  records.outbox.add(
    { kind: "event", instanceId: instance.id, payload: { type: closed.event_type, payload } },
    now,
  );
}

function tellVote(records: Records, instance: InstanceRow, gate: ApprovalRow, now: number): void {
  records.journal.append(instance, "approval.voted", { approval: records.approvals.view(gate) }, now);
}

function closedProblem(gate: ApprovalRow): ProblemError {
  const decision = toStandingDecision(gate);
  return new ProblemError("approval_closed", decision === undefined ? {} : { decision });
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
