/** What comes sooner than this after the one before it is of one burst with it. */
const GAP_MS = 10;
/** What waits for bursts to be over waits no longer than that, all together. */
const LONGEST_MS = 500;

/**
 * A burst of starts. To take one in costs much less than what the engine makes of it, and both go one after the other: so all
 * that come together are accepted first. What comes alone waits for nothing.
 */
export class Burst {
  #last = Number.NEGATIVE_INFINITY;
  #isOn = false;
  /** Until when those who wait may be kept waiting; undefined while nobody waits. */
  #deadline: number | undefined;

  /** Notes that a start was accepted. */
  note(now: number): void {
    this.#isOn = now - this.#last < GAP_MS;
    this.#last = now;
  }

  /** Resolves when a burst is over, or those who wait have waited for long; undefined if nobody has to wait. */
  over(): Promise<void> | undefined {
    return this.#keepsWaiting() ? this.#wait() : undefined;
  }

  /** Notes that nobody waits any more. */
  settled(): void {
    this.#deadline = undefined;
  }

  #keepsWaiting(): boolean {
    const now = Date.now();
    return this.#isOn && now < Math.min(this.#last + GAP_MS, this.#deadline ?? Number.POSITIVE_INFINITY);
  }

  async #wait(): Promise<void> {
    this.#deadline ??= Date.now() + LONGEST_MS;
    while (this.#keepsWaiting()) {
      await pause(GAP_MS);
      // Who came meanwhile is let in first.
      await pause(0);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
