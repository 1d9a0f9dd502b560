import type { InstanceError } from "../contract/instance";
import { cancelGates } from "./gates";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";

/** Ends an instance as `complete`. Inside a change. */
export function complete(records: Records, instance: InstanceRow, output: unknown, now: number): void {
  const ended = end(records, instance, { status: "complete", output }, now);
  records.journal.append(ended, "instance.completed", { output }, now, "ended");
}

/** Ends an instance as `errored`. Inside a change. */
export function fail(records: Records, instance: InstanceRow, error: InstanceError, now: number): void {
  const ended = end(records, instance, { status: "errored", error }, now);
  records.journal.append(ended, "instance.errored", { error }, now, "ended");
}

/** Ends an instance as `terminated`. Inside a change. */
export function terminate(records: Records, instance: InstanceRow, now: number): void {
  const ended = end(records, instance, { status: "terminated" }, now);
  records.journal.append(ended, "instance.terminated", {}, now, "ended");
}

type Ending =
  | { readonly status: "complete"; readonly output: unknown }
  | { readonly status: "errored"; readonly error: InstanceError }
  | { readonly status: "terminated" };

function end(records: Records, instance: InstanceRow, ending: Ending, now: number): InstanceRow {
  const ended = records.ledger.change(
    instance,
    { ...ending, waitingFor: null, intent: null, completedAt: now },
    now,
  );
  cancelGates(records, ended, now);
  return ended;
}
