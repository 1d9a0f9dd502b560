import type { Migrated } from "../contract/instance";
import { ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import { migrationOf } from "./deeds";
import { requireWorkflow, type ServiceContext } from "./service-context";

/** Gives instances of a binding that was renamed its present name, those of before the gateway too. */
export async function migrateBinding(
  context: ServiceContext,
  { workflow: name, from, once }: Parameters<AgentPort["migrateBinding"]>[0],
): Promise<Migrated> {
  const { records, host } = context;
  const { binding } = requireWorkflow(context, name);
  const owner = host.definition.workflows.find((declared) => declared.binding === from);
  if (owner !== undefined) {
    throw new ProblemError("invalid_request", {
      detail: `"${from}" is the binding of "${owner.name}".`,
      errors: [{ in: "body", pointer: "/from", message: "is a binding that a workflow has now" }],
    });
  }
  await host.ensureAlarm();
  const answer = records.changeOnce(once, (now): Migrated => {
    const migrated = host.migrateBinding(from, binding);
    records.note(migrationOf(from, binding, migrated, records.agent), now);
    return { migrated };
  });
  host.adopt();
  host.deliverSoon();
  return answer;
}
