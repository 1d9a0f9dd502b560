import type { Decision } from "../contract/approval";
import type { ApprovalLink } from "../contract/link";
import type { Control } from "../contract/control";
import { type AgentStep, childPath } from "../contract/names";
import type { Deed } from "../durable/audit-log";
import type { StateChange } from "../port";
import type { ApprovalRow } from "./approvals";
import { type InstanceRow, instanceAddress } from "./ledger";

/**
 * What the audit log of an agent says of each deed. It names things, and what people gave as a reason, cut short; never
 * params, payloads, metadata, states, or what a method takes. `agent` is always the path of the agent itself.
 */

/** Characters of a reason that are kept. */
const MOST_CHARACTERS = 200;

export function startOf({ id, workflow }: InstanceRow, agent: string): Deed {
  return { action: "instance.start", target: instanceAddress(id, agent), detail: { workflow } };
}

/** @param instance as it is afterwards. */
export function controlOf(control: Control, { id, attempt }: InstanceRow, agent: string): Deed {
  const target = instanceAddress(id, agent);
  switch (control.action) {
    case "terminate":
      return { action: "instance.terminate", target, detail: { rollback: control.rollback } };
    case "restart":
      return { action: "instance.restart", target, detail: { attempt, from: control.from?.name ?? null } };
    default:
      return { action: `instance.${control.action}`, target };
  }
}

export function deletionOf({ id, workflow, status }: InstanceRow, agent: string): Deed {
  return { action: "instance.delete", target: instanceAddress(id, agent), detail: { workflow, status } };
}

/** Of several at once. @param force whether active ones were terminated for it. */
export function sweepOf(count: number, force: boolean, agent: string): Deed {
  return { action: "instances.delete", target: `${agent}/instances`, detail: { count, force } };
}

export function eventTo({ id }: InstanceRow, type: string, agent: string): Deed {
  return { action: "event.send", target: instanceAddress(id, agent), detail: { type } };
}

/** @param gate as it is afterwards: pending, if it takes more votes. */
export function decisionOn(
  gate: ApprovalRow,
  agent: string,
  {
    decision,
    reason,
    detail,
  }: {
    readonly decision: Decision;
    readonly reason: string | undefined;
    readonly detail?: Readonly<Record<string, string>> | undefined;
  },
): Deed {
  const { id: approvalId, instance_id: instanceId, status } = gate;
  return {
    action: `approval.${decision}`,
    target: `${agent}/approvals/${approvalId}`,
    detail: { approvalId, instanceId, status, reason: reason?.slice(0, MOST_CHARACTERS) ?? null, ...detail },
  };
}

export function stateChangeOf({ kind }: StateChange, etag: string, agent: string): Deed {
  return { action: `state.${kind}`, target: `${agent}/state`, detail: { etag } };
}

export function callOf(method: string, agent: string): Deed {
  return { action: "method.call", target: `${agent}/methods/${method}`, detail: { method } };
}

export function creationOf(child: AgentStep, agent: string): Deed {
  return { action: "agent.create", target: childPath(agent, child) };
}

export function departureOf(child: AgentStep, agent: string): Deed {
  return { action: "agent.delete", target: childPath(agent, child) };
}

/** @param from what the binding was called, and how many instances go on under its present name. */
export function migrationOf(from: string, to: string, migrated: number, agent: string): Deed {
  return { action: "binding.migrate", target: agent, detail: { from, to, migrated } };
}

export function revocationOf(tokenId: string, agent: string): Deed {
  return { action: "stream-token.revoke", target: agent, detail: { tokenId } };
}

export function linkCreationOf(link: ApprovalLink, agent: string): Deed {
  const { id: linkId, approvalId, for: holder, decisions, expiresAt } = link;
  return {
    action: "link.create",
    target: `${agent}/approvals/${approvalId}`,
    detail: { linkId, for: holder, decisions, expiresAt },
  };
}

export function linkRevocationOf(approvalId: string, linkId: string, agent: string): Deed {
  return { action: "link.revoke", target: `${agent}/approvals/${approvalId}`, detail: { linkId } };
}
