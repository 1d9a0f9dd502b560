import { type Deleted, isTerminal } from "../contract/instance";
import { ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import { deletionOf } from "./deeds";
import { remove, sweep, SWEPT_AT_ONCE } from "./removing";
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
    records.note(deletionOf(instance, records.agent), now);
    return { deleted: 1, more: false, nextCursor: null };
  });
  host.closeTails({ instanceId: id });
  host.deliverSoon();
  return answer;
}

/** Deletes the instances that match, oldest first. What ended is deleted, what is active only if forced. */
export async function deleteInstances(
  context: ServiceContext,
  { filter, force, once }: Parameters<AgentPort["deleteInstances"]>[0],
): Promise<Deleted> {
  const { records, host } = context;
  await host.ensureAlarm();
  const { answer, gone } = sweep(records, { filter, force, once, limit: SWEPT_AT_ONCE });
  for (const instanceId of gone) host.closeTails({ instanceId });
  host.deliverSoon();
  return answer;
}
