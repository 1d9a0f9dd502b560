import { isTerminal } from "../contract/instance";
import type { StepEvent } from "../contract/step-event";
import type { Engine } from "./engine";
import { besideJournal } from "./events-with-steps";
import type { InstanceRow } from "./ledger";
import { TOO_LATE, within } from "./patience";
import type { Records } from "./records";
import { STEP_FILTER, toStepChange } from "./step-changes";
import { Reading } from "./step-reading";
import { outlook } from "./step-outlook";

/** How long a reader waits for what the engine has to tell. */
const PATIENCE_MS = 2_000;
/** After such a silence the engine has told what it had. */
const SETTLED_MS = 100;
/** A run that waits, and is silent for so long, is let alone: its agent may sleep. */
const LINGER_MS = 1_000;
/** How often it is looked whether anybody still follows a step that runs. */
const LOOK_MS = 15_000;
/** An attempt of a step takes ten minutes at most, unless its workflow says otherwise. */
const LONGEST_STEP_MS = 11 * 60_000;
const FIRST_RETRY_MS = 250;
const MOST_RETRIES = 4;
/** So long after its end an instance is taken to be through, whatever its engine says. */
const LONGEST_END_MS = 60_000;

/** What the step reader needs of its agent. */
export interface StepReaderHost {
  /** Whether anybody follows the steps of an instance live. */
  watchesSteps(instanceId: string): boolean;
  /** Sends an event to those who do. */
  publishStep(event: StepEvent): void;
  /** Sees to it that the agent is awake at a time, in milliseconds. */
  wakeAt(time: number): void;
}

/** Where a reading goes on. */
interface Point {
  readonly attempt: number;
  /** The engine's number of the last event that was read. */
  readonly after: number;
  readonly isNew: boolean;
}

/**
 * Copies what the engine tells of steps, as long as somebody asks for it: once for each instance, however many read it. It lets
 * go of a run that waits, so that the agent can sleep; when the run goes on it reports, and that stirs this.
 */
export class StepReader {
  readonly #records: Records;
  readonly #engine: Engine;
  readonly #host: StepReaderHost;
  readonly #readings = new Map<string, Reading>();

  constructor(records: Records, engine: Engine, host: StepReaderHost) {
    this.#records = records;
    this.#engine = engine;
    this.#host = host;
  }

  /** Goes on with an instance of which something was heard, if anybody follows its steps. */
  stir(instanceId: string): void {
    if (!this.#host.watchesSteps(instanceId)) return;
    const reading = this.#readings.get(instanceId);
    if (reading === undefined) this.#begin(instanceId);
    else reading.stirred = true;
  }

  /** Goes on with every instance whose steps somebody follows. */
  stirAll(): void {
    for (const id of this.#records.steps.unfinished()) this.stir(id);
  }

  /**
   * Copies what the engine has.
   *
   * @returns false if more is coming just now, or if the instance has ended and its engine did not tell so yet.
   */
  async catchUp(instanceId: string): Promise<boolean> {
    const giveUpAt = Date.now() + PATIENCE_MS;
    for (;;) {
      const instance = this.#records.ledger.find(instanceId);
      if (instance === undefined || this.#pointOf(instance) === undefined) return true;
      const ended = isTerminal(instance.status);
      const reading = this.#readings.get(instanceId) ?? this.#begin(instanceId);
      const left = giveUpAt - Date.now();
      if (left <= 0) {
        if (ended) return Date.now() - (instance.completed_at ?? 0) > LONGEST_END_MS;
        return !reading.hears(LINGER_MS);
      }
      // What has ended has a last event; of what goes on it shows only by silence that there is no more.
      await within(ended ? reading.over : reading.settled, left);
      if (!ended && reading.isSettled) return true;
      // Not through, though it is over: the engine is about to end it, and has thrown.
      if (ended) await within(new Promise(() => {}), Math.min(SETTLED_MS, left));
    }
  }

  /** Copies what is left of an attempt that is about to be restarted. After that nothing can be read of it any more. */
  async finishAttempt(instanceId: string): Promise<void> {
    const { steps, ledger } = this.#records;
    const known = steps.reading(instanceId);
    const instance = ledger.find(instanceId);
    if (known === undefined || known.complete === 1 || instance === undefined) return;
    if (this.#pointOf(instance)?.isNew === false) {
      const reading = this.#readings.get(instanceId) ?? this.#begin(instanceId);
      await within(reading.settled, PATIENCE_MS);
    }
    // Kept, so that it holds also if we die here: what the engine tells next may be of the new attempt.
    this.#records.change(() => steps.complete(instanceId, known.attempt));
    await this.#readings.get(instanceId)?.stop();
  }

  #begin(instanceId: string): Reading {
    const reading = new Reading((own) => this.#read(instanceId, own));
    this.#readings.set(instanceId, reading);
    void reading.over.then(() => {
      this.#readings.delete(instanceId);
      if (reading.stirred) this.stir(instanceId);
    });
    return reading;
  }

  /** Reads until nothing is left, or nobody wants more. What fails is tried again only while somebody follows. */
  async #read(instanceId: string, reading: Reading): Promise<void> {
    for (let failures = 0; failures <= MOST_RETRIES; failures += 1) {
      try {
        return await this.#copy(instanceId, reading);
      } catch (failure) {
        // The engine throws at whoever follows an instance that is ended, or restarted from elsewhere.
        if (reading.isStopped || !this.#host.watchesSteps(instanceId)) return;
        console.warn("switchyard: the steps of an instance could not be read on", failure);
      }
      await reading.wait(new Promise(() => {}), FIRST_RETRY_MS * 2 ** failures);
    }
  }

  async #copy(instanceId: string, reading: Reading): Promise<void> {
    const { ledger, steps } = this.#records;
    const instance = ledger.find(instanceId);
    const point = instance && this.#pointOf(instance);
    if (instance === undefined || point === undefined) return;
    if (point.isNew) this.#records.change(() => steps.beginAttempt(instance));
    const { binding, engine_id: engineId, status } = instance;
    using subscription = await this.#engine.subscribe(binding, engineId, point.after, STEP_FILTER);
    // Not created yet, or forgotten since.
    if (subscription === undefined) {
      if (isTerminal(status)) this.#records.change(() => steps.complete(instanceId, point.attempt));
      return;
    }
    let next = nextOf(subscription);
    for (let silent = 0; ;) {
      const wait = silent < SETTLED_MS ? SETTLED_MS : silent < LINGER_MS ? LINGER_MS - SETTLED_MS : LOOK_MS;
      const came = await reading.wait(next, wait);
      if (came === "stopped") return;
      if (came === TOO_LATE) {
        silent += wait;
        reading.settle();
        if (silent >= LINGER_MS && !this.#stays(instanceId, point.attempt, silent)) return;
        continue;
      }
      if (came === undefined) {
        this.#records.change(() => steps.complete(instanceId, point.attempt));
        return;
      }
      silent = 0;
      reading.heard();
      if (!this.#take(instanceId, came)) return;
      next = nextOf(subscription);
    }
  }

  /** @returns false if there is no such instance any more. */
  #take(instanceId: string, event: WorkflowInstanceEvent): boolean {
    const { ledger, steps, approvals } = this.#records;
    return this.#records.change(() => {
      const instance = ledger.find(instanceId);
      if (instance === undefined) return false;
      const gateOf = (eventType: string) => approvals.findByEventType(instanceId, eventType)?.id;
      const row = steps.append(instance, event, toStepChange(event, gateOf));
      if (row !== undefined) {
        this.#records.afterwards(() =>
          this.#host.publishStep(besideJournal(this.#records, row, instance.workflow)),
        );
      }
      return true;
    });
  }

  /** Whether to stay with a run that is silent. It is left if it waits: then a report, or an alarm, tells when it goes on. */
  #stays(instanceId: string, attempt: number, silent: number): boolean {
    const { ledger, steps } = this.#records;
    const instance = ledger.find(instanceId);
    if (instance === undefined || silent >= LONGEST_STEP_MS || !this.#host.watchesSteps(instanceId))
      return false;
    const { runs, goesOnAt } = outlook(instance.status, steps.open(instanceId, attempt), Date.now());
    if (!runs && goesOnAt !== undefined) this.#host.wakeAt(goesOnAt);
    return runs;
  }

  /** Undefined if nothing is left to read, or just now nothing may be: what comes would be of one attempt or the other. */
  #pointOf({ id, attempt, intent }: InstanceRow): Point | undefined {
    const known = this.#records.steps.reading(id);
    const isRestarting = intent === "restart";
    if (known?.complete === 0 && (isRestarting || known.attempt === attempt))
      return { attempt: known.attempt, after: known.engine_event, isNew: false };
    if (isRestarting || known?.attempt === attempt) return undefined;
    return { attempt, after: 0, isNew: true };
  }
}

/** The next event; undefined when there will be none. What a step returned is not looked at, and let go. */
async function nextOf(
  subscription: WorkflowInstanceSubscription,
): Promise<WorkflowInstanceEvent | undefined> {
  const result: IteratorResult<WorkflowInstanceEvent, void> & Partial<Disposable> = await subscription.next();
  result[Symbol.dispose]?.();
  return result.done === true ? undefined : result.value;
}
