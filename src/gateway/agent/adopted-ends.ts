import type { InstanceError } from "../contract/instance";
import { reconcile } from "./controls";
import { complete, fail, terminate } from "./endings";
import { type EngineView, isEngineTerminal } from "./engine";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";

/**
 * Makes certain how an instance ended of which only the SDK's table knows. The SDK keeps no output, and takes a run for
 * failed that was paused, or that went on after an error. So the engine says what is true; if it does not know the run any
 * more, what the SDK said holds. Inside a change.
 */
export function settleEnd(
  records: Records,
  row: InstanceRow,
  view: EngineView | undefined,
  now: number,
): void {
  const endedAt = row.completed_at ?? now;
  const open = records.ledger.change(
    row,
    { status: "running", output: null, error: null, completedAt: null },
    endedAt,
  );
  if (view !== undefined) reconcile(records, open, view, isEngineTerminal(view.status) ? endedAt : now);
  else if (row.status === "complete") complete(records, open, null, endedAt);
  else if (row.status === "terminated") terminate(records, open, endedAt);
  else fail(records, open, JSON.parse(row.error ?? "null") as InstanceError, endedAt);
}
