/** What is sent to an instance that waits. */
export interface EngineEvent {
  readonly type: string;
  readonly payload: unknown;
}

/** The platform's Workflows, spoken to so that a message may be sent twice and counts once. */
export class Engine {
  readonly #env: object;

  constructor(env: object) {
    this.#env = env;
  }

  /**
   * Creates an instance. Resolves also if it exists already, whoever created it: the id is ours alone.
   *
   * @throws what the engine threw, if the instance does not exist afterwards.
   */
  async create(binding: string, id: string, params: Record<string, unknown>): Promise<void> {
    const workflow = this.#workflow(binding);
    try {
      await workflow.create({ id, params });
    } catch (failure) {
      // The engine says "exists" only in the text of an error; whether it does is a question it answers reliably.
      const exists = await workflow.get(id).then(
        () => true,
        () => false,
      );
      if (!exists) throw failure;
    }
  }

  /** Sends an event. Resolves also if the instance has ended and cannot take it any more. */
  async sendEvent(binding: string, id: string, event: EngineEvent): Promise<void> {
    const instance = await this.#workflow(binding).get(id);
    try {
      await instance.sendEvent(event);
    } catch (failure) {
      const status = await this.status(binding, id);
      if (status !== "complete" && status !== "errored" && status !== "terminated") throw failure;
    }
  }

  /** Reads the engine's own status of an instance. */
  async status(binding: string, id: string): Promise<InstanceStatus["status"]> {
    const instance = await this.#workflow(binding).get(id);
    return (await instance.status()).status;
  }

  #workflow(binding: string): Workflow<Record<string, unknown>> {
    const candidate: unknown = Reflect.get(this.#env, binding);
    if (!isWorkflow(candidate)) throw new Error(`The environment has no workflow binding ${binding}`);
    return candidate;
  }
}

/** @returns whether a value of the environment is a workflow binding. */
export function isWorkflow(candidate: unknown): candidate is Workflow<Record<string, unknown>> {
  return typeof candidate === "object" && candidate !== null && "create" in candidate && "get" in candidate;
}
