import { createHash } from "node:crypto";
import type { WorkflowCallback } from "agents/workflows";
import { isTerminal } from "../contract/instance";
import { isEngineStop } from "./engine";
import { type InstanceRow, json } from "./ledger";
import type { AuthorCallback } from "./callbacks";
import { begin } from "./reception";
import type { Records } from "./records";

/** How long after a run says that it has ended the engine is asked. */
const END_CHECKED_AFTER_MS = 1_000;

/**
 * Takes what a run of the SDK's own `AgentWorkflow` tells its Agent. It tells progress, events, and ends, though not for
 * certain: a run may go on after it told that it was complete, or that it failed. So the engine is asked for the end.
 * Inside a change.
 *
 * @returns what the author is told; undefined if there is nothing to tell.
 */
export function hear(
  records: Records,
  row: InstanceRow,
  callback: WorkflowCallback,
  now: number,
): AuthorCallback | undefined {
  // Of an attempt that is over: what it says late is not true any more.
  if (isTerminal(row.status) || row.intent === "restart") return undefined;
  if (callback.type === "error" && isEngineStop(callback.error)) return undefined;
  const instance = row.started_at === null ? begin(records, row, now) : row;
  switch (callback.type) {
    case "progress": {
      const progress = plain(callback.progress);
      records.ledger.change(instance, { progress }, now);
      // It comes again with each replay and has no key: what was said in this attempt is not said anew.
      records.journal.append(instance, "instance.progress", { progress }, now, keyOf(progress));
      return { type: "progress", progress };
    }
    case "event": {
      const event = plain(callback.event);
      records.journal.append(instance, "instance.event", { event }, now);
      return { type: "event", event };
    }
    case "complete": {
      const output = plain(callback.result);
      askSoon(records, records.ledger.change(instance, { output }, now), now);
      return { type: "complete", result: output };
    }
    case "error":
      askSoon(records, instance, now);
      return { type: "error", error: callback.error };
  }
}

/** The engine's view is about to change. */
function askSoon({ ledger }: Records, instance: InstanceRow, now: number): void {
  ledger.checkAt(instance, now + END_CHECKED_AFTER_MS, END_CHECKED_AFTER_MS);
}

function keyOf(progress: unknown): string {
  return `stock:${createHash("sha256").update(json(progress)).digest("base64url").slice(0, 22)}`;
}

/** What came over RPC may be more than JSON; what is kept is not. */
function plain(value: unknown): unknown {
  return JSON.parse(json(value));
}
