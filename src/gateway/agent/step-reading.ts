import { TOO_LATE, within } from "./patience";

/** One stay at the history of an instance: from when somebody asks for it, until it is left alone. */
export class Reading {
  /** Resolves once it is over, however it ended. */
  readonly over: Promise<void>;
  /** Resolves once everything that was there is copied, or it is over. */
  readonly settled: Promise<void>;
  /** Whether something was heard of the instance meanwhile, so that it is begun anew if it ends. */
  stirred = false;
  readonly #settled = Promise.withResolvers<void>();
  readonly #stopped = Promise.withResolvers<"stopped">();
  #isSettled = false;
  #isStopped = false;
  #heardAt = 0;

  constructor(work: (own: Reading) => Promise<void>) {
    this.settled = this.#settled.promise;
    this.over = work(this)
      .catch((failure: unknown) => console.error("switchyard: the steps of an instance were lost", failure))
      .then(() => this.settle());
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  settle(): void {
    this.#isSettled = true;
    this.#settled.resolve();
  }

  /** Ends it; resolves when nothing of it goes on. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopped.resolve("stopped");
    return this.over;
  }

  /** Notes that an event came just now. */
  heard(): void {
    this.#heardAt = Date.now();
  }

  /** Whether events still come. */
  hears(milliseconds: number): boolean {
    return Date.now() - this.#heardAt < milliseconds;
  }

  /** Waits for something, as long as it may and until this is stopped. */
  async wait<Value>(
    awaited: Promise<Value>,
    milliseconds: number,
  ): Promise<Value | typeof TOO_LATE | "stopped"> {
    return within(Promise.race([awaited, this.#stopped.promise]), milliseconds);
  }
}
