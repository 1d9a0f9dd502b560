import { within } from "./patience";

/** How long a reader waits for another one that copies. */
const PATIENCE_MS = 2_000;

/** Lets one reader at a time copy the steps of an instance, for all who ask meanwhile. */
export class StepTurns {
  readonly #turns = new Map<string, PromiseWithResolvers<void>>();

  /** @returns whether it is the turn of who asks; otherwise another one has just had it. */
  async take(instanceId: string): Promise<boolean> {
    const turn = this.#turns.get(instanceId);
    if (turn === undefined) {
      this.#turns.set(instanceId, Promise.withResolvers());
      return true;
    }
    await within(turn.promise, PATIENCE_MS);
    // One that takes so long may have died.
    if (this.#turns.get(instanceId) === turn) this.end(instanceId);
    return false;
  }

  /** Ends the turn of who copies. */
  end(instanceId: string): void {
    this.#turns.get(instanceId)?.resolve();
    this.#turns.delete(instanceId);
  }
}
