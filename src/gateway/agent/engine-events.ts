/** What the engine answers over RPC holds on to the other side until it is let go. */
type Held<Value> = Value & Partial<Disposable>;

/** The events of an instance, one after the other. To be disposed of. */
export class EngineEvents implements Disposable {
  readonly #subscription: WorkflowInstanceSubscription;
  #leave = ignore;
  #left = false;

  constructor(subscription: WorkflowInstanceSubscription) {
    this.#subscription = subscription;
  }

  /** The next event; undefined when there will be none, or this was disposed of. */
  async next(): Promise<WorkflowInstanceEvent | undefined> {
    if (this.#left) return undefined;
    const pending: Held<ReturnType<WorkflowInstanceSubscription["next"]>> = this.#subscription.next();
    const left = new Promise<undefined>((resume) => {
      this.#leave = () => {
        resume(undefined);
        pending[Symbol.dispose]?.();
      };
    });
    const result: Held<IteratorResult<WorkflowInstanceEvent, void>> | undefined = await Promise.race([
      pending,
      left,
    ]);
    this.#leave = ignore;
    // What a step returned comes with its event, and may be a stream.
    result?.[Symbol.dispose]?.();
    return result?.done === false ? result.value : undefined;
  }

  /**
   * Lets go. The platform does not call off a `next` that is under way: it holds its caller, until the instance does something
   * or the caller's own request is over.
   */
  [Symbol.dispose](): void {
    if (this.#left) return;
    this.#left = true;
    this.#leave();
    this.#subscription[Symbol.dispose]();
  }
}

function ignore(): void {}
