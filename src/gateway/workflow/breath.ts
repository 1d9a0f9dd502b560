/** How long a run may report without a pause. */
const LONGEST_RUSH_MS = 20;

/**
 * Lets others in from time to time. The local engine runs everything in one event loop, which looks at its sockets only
 * when nothing else is to do: a run that reports one thing after the other would hold up every request until it ends.
 */
export class Breath {
  #since = Date.now();

  /** Call it after each piece of work. */
  async take(): Promise<void> {
    if (Date.now() - this.#since < LONGEST_RUSH_MS) return;
    await new Promise((resume) => setTimeout(resume, 0));
    this.#since = Date.now();
  }
}
