import type { StepBatch, StepSource } from "../port";
import type { Engine } from "./engine";
import type { EngineEvents } from "./engine-events";
import { TOO_LATE, within } from "./patience";
import { STEP_FILTER } from "./step-changes";

/** After such a silence the engine has told what it had. */
const SETTLED_MS = 100;
/** What has ended has a last event, which its engine may be about to write. */
const ENDING_MS = 1_000;
/** What comes within this time is taken together. */
const GATHER_MS = 5;
const MOST_TOGETHER = 200;
const RETRY_MS = 250;
const LONGEST_RETRY_MS = 30_000;

/** Takes what the engine told. @returns where to read on. */
export type TakeSteps = (batch: Omit<StepBatch, "id">) => Promise<StepSource | "later" | "over">;

/** How far a copy came: `all` there was, or `part` of it, since somebody else copied or nothing can be taken any more. */
interface Copied {
  readonly took: boolean;
  readonly as: "all" | "part";
}

/** Copies what the engine has told of steps so far. @returns whether that is all; otherwise somebody else copies too. */
export async function copySteps(engine: Engine, source: StepSource, take: TakeSteps): Promise<boolean> {
  const { as } = await copy(engine, source, take, source.ended ? ENDING_MS : SETTLED_MS);
  return as === "all";
}

/**
 * Copies what the engine tells of steps, as it tells it, until `stop` aborts, nothing is left, or nothing can be read before the
 * instance is heard again. What fails is tried again, ever more rarely. Never rejects.
 */
export async function pumpSteps(
  engine: Engine,
  find: () => Promise<StepSource | "later" | "over">,
  take: TakeSteps,
  stop: AbortSignal,
): Promise<void> {
  for (let failures = 0; !stop.aborted; failures += 1) {
    try {
      const source = await find();
      if (typeof source === "string") return;
      const { took } = await copy(engine, source, take, undefined, stop);
      if (took) failures = 0;
    } catch (failure) {
      // The engine throws at whoever follows an instance that is ended or restarted; then it can be followed again.
      console.warn("switchyard: the steps of an instance could not be followed", failure);
    }
    await new Promise((resume) => setTimeout(resume, Math.min(RETRY_MS * 2 ** failures, LONGEST_RETRY_MS)));
  }
}

async function copy(
  engine: Engine,
  { binding, engineId, attempt, after, ended }: StepSource,
  take: TakeSteps,
  patience: number | undefined,
  stop?: AbortSignal,
): Promise<Copied> {
  using events = await engine.subscribe(binding, engineId, after, STEP_FILTER);
  if (events === undefined) {
    // It never began, or the engine has forgotten it.
    if (ended) await take({ attempt, after, events: [], end: true });
    return { took: false, as: "all" };
  }
  const leave = (): void => events[Symbol.dispose]();
  stop?.addEventListener("abort", leave, { once: true });
  let last = after;
  for await (const { batch, end } of batchesOf(events, patience)) {
    if (stop?.aborted) return { took: last !== after, as: "part" };
    const next = await take({ attempt, after: last, events: batch, end });
    last = batch.at(-1)?.eventId ?? last;
    const isNext = typeof next !== "string" && next.attempt === attempt && next.after === last;
    if (!isNext && !end) return { took: false, as: "part" };
  }
  return { took: last !== after, as: "all" };
}

/** All that comes, until nothing will, or for so long nothing did. */
async function* batchesOf(
  events: EngineEvents,
  patience: number | undefined,
): AsyncGenerator<{ readonly batch: readonly WorkflowInstanceEvent[]; readonly end: boolean }, void> {
  let batch: WorkflowInstanceEvent[] = [];
  let next = events.next();
  for (;;) {
    const wait = batch.length > 0 ? GATHER_MS : patience;
    const came = wait === undefined ? await next : await within(next, wait);
    if (came === undefined) {
      yield { batch, end: true };
      return;
    }
    if (came !== TOO_LATE) {
      batch.push(came);
      next = events.next();
      // It may be given up while nobody waits for it.
      next.catch(ignore);
    }
    if (came === TOO_LATE && batch.length === 0) return;
    if (came !== TOO_LATE && batch.length < MOST_TOGETHER) continue;
    yield { batch, end: false };
    batch = [];
  }
}

function ignore(): void {}
