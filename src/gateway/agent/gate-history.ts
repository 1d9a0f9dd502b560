import type { ApprovalHistoryEntry, ApprovalWithHistory } from "../contract/approval-history";
import type { ApprovalRow } from "./approvals";
import { iso, textOf } from "./ledger";
import type { Records } from "./records";

/** A gate as it is shown alone, with what happened to it. */
export function withHistory(records: Records, gate: ApprovalRow): ApprovalWithHistory {
  return { ...records.approvals.view(gate), history: historyOf(records, gate) };
}

/** Each part is in the order in which it happened. */
function historyOf(records: Records, gate: ApprovalRow): ApprovalHistoryEntry[] {
  const parts = [
    [{ type: "requested", time: iso(gate.requested_at) } as const],
    votesAt(records, gate),
    closingOf(gate),
  ];
  return parts.flat().toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
}

function votesAt({ votes }: Records, { id }: ApprovalRow): ApprovalHistoryEntry[] {
  return votes.of(id).map(({ principal, door, decision, reason, shown, metadata, at }) => ({
    type: "voted",
    time: iso(at),
    principal: textOf(principal) ?? "",
    door,
    decision,
    reason: textOf(reason),
    shown: textOf(shown),
    metadata: JSON.parse(metadata ?? "null") as unknown,
  }));
}

function closingOf(gate: ApprovalRow): ApprovalHistoryEntry[] {
  const { status, decided_at: closedAt, decided_by: principal, decided_via: door, reason } = gate;
  if (status === "pending" || closedAt === null) return [];
  return [{ type: "closed", time: iso(closedAt), status, principal, door, reason: textOf(reason) }];
}
