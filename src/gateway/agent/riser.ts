import type { Records } from "./records";
import type { Rise } from "./upward";

/** How what happens in a sub-agent gets to its parent. */
export interface RiserHost {
  background(work: Promise<unknown>): void;
  /** Passes something up; resolves when the parent has it. */
  passUp(rise: Rise): Promise<void>;
  ensureAlarm(): Promise<void>;
}

/** Passes up what happens in a sub-agent, in order, right after it is committed; what comes meanwhile goes together. */
export class Riser {
  readonly #records: Records;
  readonly #host: RiserHost;
  #isBusy = false;

  constructor(records: Records, host: RiserHost) {
    this.#records = records;
    this.#host = host;
  }

  /** Sees to it that the parent hears of what is new. */
  soon(): void {
    const { upward } = this.#records;
    if (this.#isBusy || upward === undefined || !upward.isNews) return;
    this.#isBusy = true;
    this.#host.background(this.#passAllUp());
  }

  /** Never rejects: what could not be passed up is when the alarm rings, or the agent wakes. */
  async #passAllUp(): Promise<void> {
    try {
      for (let next = this.#records.upward?.next(); next !== undefined; next = this.#records.upward?.next()) {
        await this.#host.passUp(next.rise);
        this.#records.change(next.done);
      }
    } catch (failure) {
      console.warn("switchyard: the parent could not be told of what happened, and will be", failure);
      this.#records.upward?.expect();
      await this.#host.ensureAlarm().catch(() => {});
    } finally {
      this.#isBusy = false;
    }
  }
}
