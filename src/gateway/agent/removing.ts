import { type Deleted, InstanceStatus, isTerminal } from "../contract/instance";
import { ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";
import { requireInstance, type ServiceContext } from "./service-context";

/** Deletes an instance, its journal and its gates. Its id is free at once; the engine is told after. */
export async function deleteInstance(
  context: ServiceContext,
  { id, force, once }: Parameters<AgentPort["deleteInstance"]>[0],
): Promise<Deleted> {
  const { records, host } = context;
  await host.ensureAlarm();
  const answer = records.changeOnce(once, (now): Deleted => {
    const instance = requireInstance(context, id);
    if (!isTerminal(instance.status) && !force) {
      throw new ProblemError("status_conflict", {
        detail: `The instance is ${instance.status}; terminate it first, or delete it with force.`,
        instanceStatus: instance.status,
      });
    }
    remove(records, instance, now);
    return { deleted: 1, more: false };
  });
  host.closeTails(id);
  host.deliverSoon();
  return answer;
}

/** Most instances that one call deletes. */
const AT_ONCE = 500;

/** Deletes the instances that match, oldest first. What ended is deleted, what is active only if forced. */
export async function deleteInstances(
  context: ServiceContext,
  { filter, force, once }: Parameters<AgentPort["deleteInstances"]>[0],
): Promise<Deleted> {
  const { records, host } = context;
  await host.ensureAlarm();
  const gone: string[] = [];
  const answer = records.changeOnce(once, (now): Deleted => {
    const asked = filter.status.length === 0 ? InstanceStatus.options : filter.status;
    const status = force ? asked : asked.filter(isTerminal);
    const matching = status.length === 0 ? [] : records.ledger.matching({ ...filter, status }, AT_ONCE + 1);
    for (const instance of matching.slice(0, AT_ONCE)) {
      remove(records, instance, now);
      gone.push(instance.id);
    }
    return { deleted: gone.length, more: matching.length > AT_ONCE };
  });
  for (const id of gone) host.closeTails(id);
  host.deliverSoon();
  return answer;
}

/** Removes all that is kept of an instance, and has the engine told. Inside a change. */
export function remove(
  records: Records,
  { id, binding, engine_id: engineId }: InstanceRow,
  now: number,
): void {
  const isUntold = records.outbox.isUntold(id, now);
  records.outbox.drop(id, ["create", "event", "pause", "resume", "terminate", "restart"]);
  if (!isUntold) {
    // Under a name of its own: a new instance of the same id need not wait for the end of the old one.
    records.outbox.add({ kind: "delete", instanceId: engineId, payload: { binding, engineId } }, now);
  }
  records.forget(id);
}
