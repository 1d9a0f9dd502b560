import { type Deleted, isTerminal } from "../contract/instance";
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

/** Removes all that is kept of an instance, and has the engine told. Inside a change. */
export function remove(
  records: Records,
  { id, binding, engine_id: engineId }: InstanceRow,
  now: number,
): void {
  records.outbox.drop(id, ["create", "event", "pause", "resume", "terminate", "restart"]);
  // Under a name of its own: a new instance of the same id need not wait for the end of the old one.
  records.outbox.add({ kind: "delete", instanceId: engineId, payload: { binding, engineId } }, now);
  records.forget(id);
}
