/** What is due later than this is left to the alarm. */
const LONGEST_STAY_MS = 5_000;

/** Where the items of rounds come from, and what is done with them. */
export interface RoundsHost<Item> {
  /** Resolves when a round may begin; undefined if it may now. */
  quiet?(): Promise<void> | undefined;
  /** Hears that nothing is due. */
  settled?(): void;
  /** The next items that are due; none only if none is. */
  due(now: number): readonly Item[];
  /** When the next item is due, in milliseconds; undefined if none is left. */
  nextDueAt(): number | undefined;
  /** Never rejects. An item that is not done is put off, or taken away, before it resolves. */
  handle(item: Item): Promise<void>;
}

/** Does what is due, round after round, until nothing is that would be due in a moment. Rounds do not overlap. */
export class Rounds<Item> {
  readonly #host: RoundsHost<Item>;
  #running: Promise<void> = Promise.resolve();
  #busy = false;
  #wake = ignore;

  constructor(host: RoundsHost<Item>) {
    this.#host = host;
  }

  /** Resolves when nothing is due, now or in a moment. Never rejects. */
  run(): Promise<void> {
    if (this.#busy) this.#wake();
    else this.#running = this.#runAll();
    return this.#running;
  }

  /** It is busy until the very moment in which it finds nothing to do: what is added later begins a new round. */
  async #runAll(): Promise<void> {
    this.#busy = true;
    try {
      for (;;) {
        const quiet = this.#host.quiet?.();
        if (quiet !== undefined) await quiet;
        const now = Date.now();
        const next = this.#host.nextDueAt();
        if (next === undefined || next > now) this.#host.settled?.();
        if (next === undefined || next - now > LONGEST_STAY_MS) return;
        if (next > now) await this.#sleep(next - now + 1);
        else await Promise.all(this.#host.due(now).map((item) => this.#host.handle(item)));
      }
    } finally {
      this.#busy = false;
    }
  }

  /** Ends early if something new is to be done. */
  async #sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resume) => {
      this.#wake = resume;
      setTimeout(resume, milliseconds);
    });
    this.#wake = ignore;
  }
}

function ignore(): void {}
