import { isTerminal, type SentEvent } from "../contract/instance";
import { placesOf, ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import { eventTo } from "./deeds";
import type { InstanceRow } from "./ledger";
import { requireInstance, requireWorkflow, type ServiceContext } from "./service-context";

type SendInput = Parameters<AgentPort["sendEvent"]>[0];

/** Sends an event of a declared type to an instance: one that waits takes it at once, for another it is kept. */
export async function sendEvent(context: ServiceContext, input: SendInput): Promise<SentEvent> {
  const { records, host } = context;
  await host.ensureAlarm();
  await host.inspection.checkIfUnheard(requireInstance(context, input.id));
  const answer = records.changeOnce(input.once, (now): SentEvent => {
    const instance = requireInstance(context, input.id);
    const payload = checkedPayload(context, instance, input);
    if (isTerminal(instance.status)) {
      throw new ProblemError("status_conflict", {
        detail: `The instance is ${instance.status}: it takes no events any more.`,
        instanceStatus: instance.status,
      });
    }
    // The engine forgets on resuming what came while it was paused.
    if (instance.status === "paused") throw new ProblemError("instance_paused");
    const waits = records.waits.isAwaited(instance, input.type);
    if (!waits && input.requireWaiting) throw new ProblemError("not_waiting");
    records.outbox.add(
      { kind: "event", instanceId: instance.id, payload: { type: input.type, payload } },
      now,
    );
    records.note(eventTo(instance, input.type, records.agent), now);
    return { delivery: waits ? "delivered" : "buffered" };
  });
  host.deliverSoon();
  return answer;
}

function checkedPayload(
  context: ServiceContext,
  instance: InstanceRow,
  { type, payload }: SendInput,
): unknown {
  const { name, events } = requireWorkflow(context, instance.workflow);
  const contract = Object.hasOwn(events, type) ? events[type] : undefined;
  if (contract === undefined) {
    throw new ProblemError("invalid_request", {
      detail: `The workflow "${name}" takes ${Object.keys(events).join(", ") || "no events"}.`,
      errors: [{ in: "body", pointer: "/type", message: "is not an event of this workflow" }],
    });
  }
  const checked = contract.safeParse(payload);
  if (checked.success) return payload;
  throw new ProblemError("invalid_request", {
    detail: `The payload does not match the contract of "${type}".`,
    errors: placesOf(checked.error, "body", ["payload"]),
  });
}
