import { type Deleted, InstanceStatus, isTerminal } from "../contract/instance";
import type { AgentPort } from "../port";
import { sweepOf } from "./deeds";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";

/** Most instances that one call deletes. */
export const SWEPT_AT_ONCE = 500;

/** Deletes as many of the instances that match as are asked for, in one change. @returns also which went now. */
export function sweep(
  records: Records,
  {
    filter,
    force,
    once,
    limit,
  }: Pick<Parameters<AgentPort["deleteInstances"]>[0], "filter" | "force" | "once"> & {
    readonly limit: number;
  },
): { answer: Deleted; gone: readonly string[] } {
  const gone: string[] = [];
  const answer = records.changeOnce(once, (now): Deleted => {
    const asked = filter.status.length === 0 ? InstanceStatus.options : filter.status;
    const status = force ? asked : asked.filter(isTerminal);
    const matching = status.length === 0 ? [] : records.ledger.matching({ ...filter, status }, limit + 1);
    for (const instance of records.ledger.each(matching.slice(0, limit))) {
      remove(records, instance, now);
      gone.push(instance.id);
    }
    if (gone.length > 0) records.note(sweepOf(gone.length, force, records.agent), now);
    return { deleted: gone.length, more: matching.length > limit, nextCursor: null };
  });
  return { answer, gone };
}

/** Removes all that is kept of an instance, and has the engine told. Inside a change. */
export function remove(records: Records, instance: InstanceRow, now: number): void {
  const { id, binding, engine_id: engineId } = instance;
  const isUntold = records.outbox.isUntold(id, now);
  records.outbox.drop(id, ["create", "event", "pause", "resume", "terminate", "restart"]);
  if (!isUntold) {
    // Under a name of its own: a new instance of the same id need not wait for the end of the old one.
    records.outbox.add({ kind: "delete", instanceId: engineId, payload: { binding, engineId } }, now);
  }
  records.forget(instance);
}
