import type { Store } from "../durable/store";

interface Armed {
  readonly id: string;
  readonly at: number;
}

/** How the scheduler of the SDK is reached: a sub-agent's goes through its root. */
export interface AlarmClock {
  set(at: number): Promise<string>;
  cancel(id: string): Promise<unknown>;
}

/** The one alarm of an agent: set early enough for all that is to be done, and not oftener. */
export class Alarm {
  readonly #store: Store;
  readonly #clock: AlarmClock;
  #arming: Promise<void> = Promise.resolve();

  constructor(store: Store, clock: AlarmClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Resolves when it is certain that the alarm rings by that time, in milliseconds, whatever happens to this process. */
  ensure(by: number): Promise<void> {
    this.#arming = this.#arming.catch(ignore).then(() => this.#arm(by));
    return this.#arming;
  }

  /** Whether it is set, and has not rung yet as far as anybody noted. */
  isSet(): boolean {
    return this.#armed() !== undefined;
  }

  /** Notes that it has rung. */
  rang(): void {
    if (this.#store.exists()) this.#store.setMeta("alarm", "");
  }

  async #arm(by: number): Promise<void> {
    this.#store.open();
    const armed = this.#armed();
    const now = Date.now();
    if (armed !== undefined && armed.at <= by && armed.at > now) return;
    const id = await this.#clock.set(by);
    this.#store.setMeta("alarm", JSON.stringify({ id, at: by } satisfies Armed));
    if (armed !== undefined) await this.#clock.cancel(armed.id);
  }

  #armed(): Armed | undefined {
    const text = this.#store.findMeta("alarm");
    return text === undefined || text === "" ? undefined : (JSON.parse(text) as Armed);
  }
}

function ignore(): void {}
