/** What the engine answers over RPC holds on to the other side until it is let go. */
type Held<Value> = Value & Partial<Disposable>;

/** The events of an instance, one after the other, from a subscription that is really let go of. */
export class EngineEvents implements Disposable {
  readonly #subscription: WorkflowInstanceSubscription;
  #pending: Held<ReturnType<WorkflowInstanceSubscription["next"]>> | undefined;

  constructor(subscription: WorkflowInstanceSubscription) {
    this.#subscription = subscription;
  }

  /** The next event; undefined when there will be none. What a step returned, which comes with it, is let go. */
  async next(): Promise<WorkflowInstanceEvent | undefined> {
    this.#pending = this.#subscription.next();
    const result: Held<IteratorResult<WorkflowInstanceEvent, void>> = await this.#pending;
    this.#pending = undefined;
    result[Symbol.dispose]?.();
    return result.done === true ? undefined : result.value;
  }

  /** Also calls off a `next` that is under way: otherwise that would keep the agent awake as long as the instance is silent. */
  [Symbol.dispose](): void {
    this.#pending?.[Symbol.dispose]?.();
    this.#subscription[Symbol.dispose]();
  }
}
