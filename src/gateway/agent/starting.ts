import type { Instance, StartedItem } from "../contract/instance";
import { ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import { currentActor } from "./acting";
import { startOf } from "./deeds";
import { toInstance } from "./ledger";
import { requireWorkflow, type ServiceContext } from "./service-context";

type StartInput = Parameters<AgentPort["start"]>[0];
type StartManyInput = Parameters<AgentPort["startMany"]>[0];

/** Accepts a start: the commit of its row is the acknowledgement, the engine is told after it. */
export async function start(context: ServiceContext, input: StartInput): Promise<Instance> {
  const { records, host } = context;
  await host.ensureAlarm();
  const instance = records.changeOnce(input.once, (now) => accept(context, input, now));
  host.deliverStarts();
  return instance;
}

/** Accepts several starts in one change. One that cannot be accepted stops no other. */
export async function startMany(
  context: ServiceContext,
  { workflow, items, once }: StartManyInput,
): Promise<readonly StartedItem[]> {
  const { records, host } = context;
  await host.ensureAlarm();
  const started = records.changeOnce(once, (now) =>
    items.map((item): StartedItem => {
      if (item.id !== undefined && records.ledger.find(item.id) !== undefined) return refused(item.id);
      return { started: true, instance: accept(context, { ...item, workflow }, now) };
    }),
  );
  host.deliverStarts();
  return started;
}

/** Inside a change. @throws ProblemError `instance_exists` */
function accept(
  context: ServiceContext,
  { workflow: name, params, id = crypto.randomUUID(), metadata, delay = 0 }: Omit<StartInput, "once">,
  now: number,
): Instance {
  const { records } = context;
  if (records.store.findMeta("leaving") !== undefined) throw new ProblemError("agent_not_found");
  const workflow = requireWorkflow(context, name);
  const reserved = Object.keys(params).find((key) => key.startsWith("__"));
  if (reserved !== undefined) {
    const place = { in: "body", pointer: `/params/${reserved}`, message: "is a reserved name" } as const;
    throw new ProblemError("invalid_request", {
      detail: `The parameter ${reserved} is reserved.`,
      errors: [place],
    });
  }
  const engineId = `sy_${crypto.randomUUID()}`;
  const { binding } = workflow;
  const { name: startedBy } = currentActor();
  const accepted = { id, engineId, workflow: name, binding, params, metadata, startedBy, now };
  const row = records.ledger.insert(accepted);
  if (row === undefined)
    throw new ProblemError("instance_exists", { detail: `The agent has an instance "${id}".` });
  records.journal.append(row, "instance.queued", { metadata }, now, "queued");
  records.outbox.add({ kind: "create", instanceId: id, payload: { params } }, now + delay);
  records.note(startOf(row, records.agent), now);
  return toInstance(row, records.agent);
}

function refused(id: string): StartedItem {
  return { started: false, code: "instance_exists", detail: `The agent has an instance "${id}".` };
}
