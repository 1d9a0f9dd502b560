/** Of the message of an error; it is shown shorter. */
const MOST_CHARACTERS = 8_000;

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
    // What a step returned comes with its event, and may be large, or a stream.
    result?.[Symbol.dispose]?.();
    return result?.done === false ? withoutContent(result.value) : undefined;
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

/** An event without what steps take, return and are configured with, and with no more of an error than can be shown. */
function withoutContent(event: WorkflowInstanceEvent): WorkflowInstanceEvent {
  switch (event.type) {
    case "attempt_errored": {
      const { name, message } = event.error;
      return { ...event, error: { name, message: message?.slice(0, MOST_CHARACTERS) } };
    }
    case "step_started": {
      const { config: _, ...rest } = event;
      return rest;
    }
    case "step_completed": {
      const { output: _, ...rest } = event;
      return rest;
    }
    default:
      return event;
  }
}

function ignore(): void {}
