import { isTerminal } from "../contract/instance";
import type { StepEvent } from "../contract/step-event";
import type { StepBatch, StepSource } from "../port";
import type { Engine } from "./engine";
import { besideJournal } from "./events-with-steps";
import type { Records } from "./records";
import { toStepChange } from "./step-changes";
import { copySteps } from "./step-pump";

/**
 * Where the steps of an instance are read on from; `over` once nothing is left to read, `later` if there is nothing before its run
 * begins, and is heard.
 */
export function stepSource(records: Records, id: string): StepSource | "later" | "over" {
  const instance = records.ledger.find(id);
  if (instance === undefined) return "over";
  const { binding, engine_id: engineId, attempt, intent, started_at: startedAt } = instance;
  const known = records.steps.reading(id);
  const ended = isTerminal(instance.status);
  const isRestarting = intent === "restart";
  // Until the engine restarts it, what it tells is of the attempt before.
  if (known?.complete === 0 && (isRestarting || known.attempt === attempt))
    return { binding, engineId, attempt: known.attempt, after: known.engine_event, ended };
  if (isRestarting) return "later";
  if (known?.attempt === attempt) return "over";
  return startedAt === null && !ended ? "later" : { binding, engineId, attempt, after: 0, ended };
}

/**
 * Takes what the engine told after an event. It counts only if nobody else told that meanwhile, and the attempt was not restarted
 * since.
 *
 * @returns where to read on.
 */
export function takeSteps(
  records: Records,
  { id, attempt, after, events, end }: StepBatch,
  publish: (event: StepEvent) => void,
): StepSource | "later" | "over" {
  return records.change(() => {
    const { steps, approvals } = records;
    const source = stepSource(records, id);
    const instance = records.ledger.find(id);
    if (instance === undefined || typeof source === "string") return source;
    if (source.attempt !== attempt || source.after !== after) return source;
    if (steps.reading(id)?.attempt !== attempt) steps.beginAttempt(instance);
    const gateOf = (eventType: string) => approvals.findByEventType(id, eventType)?.id;
    for (const event of events) {
      const row = steps.append(instance, event, toStepChange(event, gateOf));
      if (row !== undefined)
        records.afterwards(() => publish(besideJournal(records, row, instance.workflow)));
    }
    if (end) steps.complete(id, attempt);
    return stepSource(records, id);
  });
}

/** How often it is read on while somebody else reads too. */
const MOST_ROUNDS = 5;

/**
 * Copies what is left of an attempt that is about to be restarted, if anybody ever asked for its steps: the engine forgets it
 * then. The agent may wait for the engine here, since the restart ends what waits.
 */
export async function finishAttempt(
  records: Records,
  engine: Engine,
  id: string,
  publish: (event: StepEvent) => void,
): Promise<void> {
  const known = records.steps.reading(id);
  if (known === undefined || known.complete === 1) return;
  const take = async (batch: Omit<StepBatch, "id">) => takeSteps(records, { id, ...batch }, publish);
  try {
    for (let round = 1; round <= MOST_ROUNDS; round += 1) {
      const source = stepSource(records, id);
      if (typeof source === "string" || (await copySteps(engine, source, take))) break;
    }
  } catch (failure) {
    console.warn("switchyard: the last steps of an attempt could not be read", failure);
  }
  // Kept, so that it holds also if we die here: what the engine tells next may be of the new attempt.
  records.change(() => records.steps.complete(id, known.attempt));
}
