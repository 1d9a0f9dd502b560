/** What comes sooner than this after the one before it is of one burst with it. */
const GAP_MS = 10;
/** Nobody waits longer than that for a burst to be over. */
const LONGEST_MS = 500;

/**
 * A burst of starts. To take one in costs much less than what the engine makes of it, and both go one after the other: so all
 * that come together are accepted first. What comes alone waits for nothing, and what goes on for long waits once.
 */
export class Burst {
  #last = Number.NEGATIVE_INFINITY;
  /** Since when there is a burst; undefined if the last start came alone. */
  #began: number | undefined;

  /** Notes that a start was accepted. */
  note(now: number): void {
    this.#began = now - this.#last < GAP_MS ? (this.#began ?? now) : undefined;
    this.#last = now;
  }

  /** Resolves when a burst is over, or has gone on for long; undefined if there is none. */
  over(): Promise<void> | undefined {
    return this.#isOn() ? this.#wait() : undefined;
  }

  #isOn(): boolean {
    const began = this.#began;
    return began !== undefined && Date.now() < Math.min(this.#last + GAP_MS, began + LONGEST_MS);
  }

  async #wait(): Promise<void> {
    while (this.#isOn()) {
      await pause(GAP_MS);
      // Who came meanwhile is let in first.
      await pause(0);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
