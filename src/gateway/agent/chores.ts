import type { WorkflowDefinition } from "../registry/workflow-definition";
import type { Adoption } from "./adoption";
import type { Alarm } from "./alarm";
import type { Announcer } from "./announcer";
import type { Courier } from "./courier";
import type { Hearing } from "./hearing";
import type { Inspection } from "./inspection";
import type { Records } from "./records";
import { remove } from "./removing";
import { Retention } from "./retention";
import type { Riser } from "./riser";

/** What was committed and could not be told at once is told within this time. */
export const SOON_MS = 20_000;
const SOONEST_MS = 1_000;
const CHECKS_AT_ONCE = 50;
const ENDED_SWEPT_AT_ONCE = 100;
const NEVER = Number.POSITIVE_INFINITY;

/** Who has something to do when an agent wakes, or its alarm rings. */
export interface Workers {
  readonly alarm: Alarm;
  readonly courier: Courier;
  readonly hearing: Hearing;
  readonly inspection: Inspection;
  readonly adoption: Adoption;
  readonly riser: Riser;
  readonly announcer: Announcer;
  readonly background: (work: Promise<unknown>) => void;
}

/** What one agent does without being asked: what was left undone, what is due, and what is no longer kept. */
export class Chores {
  readonly #records: Records;
  readonly #workflows: readonly WorkflowDefinition[];
  readonly #retention: Retention;
  readonly #workers: Workers;

  constructor(records: Records, workflows: readonly WorkflowDefinition[], workers: Workers) {
    this.#records = records;
    this.#workflows = workflows;
    this.#retention = new Retention(records.store, workflows);
    this.#workers = workers;
  }

  /** Brings the records up to date with what is declared now, and goes on with what a process before this one left. */
  wake(): void {
    const { store, outbox, ledger, labels } = this.#records;
    const { adoption, alarm, announcer, background, courier, hearing, riser } = this.#workers;
    store.open();
    this.#records.change(() => labels.bringUpToDate());
    this.#takeOverRenamed();
    const adopted = adoption.takeBatch();
    if (outbox.nextDueAt() !== undefined) background(courier.deliver());
    hearing.catchUp();
    riser.soon();
    announcer.soon();
    // For what was just adopted no alarm is set, nor for what was when this process died right after it.
    if (adopted || (!alarm.isSet() && ledger.nextCheckAt() !== undefined))
      background(alarm.ensure(Date.now() + SOONEST_MS));
  }

  /** Sends what is still to be told, asks the engine about what was not heard of for long, and sweeps. */
  async ring(): Promise<void> {
    const { adoption, alarm, announcer, background, courier, hearing, inspection, riser } = this.#workers;
    alarm.rang();
    if (!this.#records.store.exists()) return;
    // An author's callback may take its time: nothing waits for it.
    hearing.catchUp();
    riser.soon();
    announcer.soon();
    // Nor is the end of a sub-agent waited for.
    background(courier.deliver());
    await courier.tellEngine();
    adoption.takeBatch();
    await inspection.checkAll(this.#records.ledger.dueForCheck(Date.now(), CHECKS_AT_ONCE));
    this.#records.change((now) => {
      const over = this.#retention.over(now, ENDED_SWEPT_AT_ONCE);
      for (const instance of this.#records.ledger.each(over)) remove(this.#records, instance, now);
    });
    await courier.tellEngine();
    this.#records.answers.sweep(Date.now());
    const next = this.#nextAt();
    if (next < NEVER) await alarm.ensure(Math.max(next, Date.now() + SOONEST_MS));
  }

  /** When there is something to do next, in milliseconds. */
  #nextAt(): number {
    const { outbox, ledger, announcements, answers, callbacks } = this.#records;
    return Math.min(
      this.#workers.adoption.isDue() ? Date.now() : NEVER,
      outbox.nextDueAt() ?? NEVER,
      ledger.nextCheckAt() ?? NEVER,
      this.#retention.nextAt() ?? NEVER,
      answers.nextSweepAt() ?? NEVER,
      callbacks.any() ? Date.now() + SOON_MS : NEVER,
      announcements?.any() === true ? Date.now() + SOON_MS : NEVER,
    );
  }

  /** Instances that were started under a former name of a binding go on under the present one. */
  #takeOverRenamed(): void {
    for (const { binding, formerBindings } of this.#workflows) {
      for (const former of formerBindings) {
        this.#records.change(() => this.#records.renameBinding(former, binding));
      }
    }
  }
}
