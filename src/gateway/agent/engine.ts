import { EngineEvents } from "./engine-events";
import { type EngineHistory, readHistory } from "./engine-history";

/** What is sent to an instance that waits. */
export interface EngineEvent {
  readonly type: string;
  readonly payload: unknown;
}

/** Where a restart begins: a step by its name, and which of several of that name. */
export interface RestartPoint {
  readonly name: string;
  readonly count?: number;
  readonly type?: "do" | "sleep" | "waitForEvent";
}

/** The engine's own view of an instance. */
export type EngineView = Pick<InstanceStatus, "status" | "output" | "error">;

/**
 * Whether a message is how the engine ends a run on purpose, as for a pause, which the SDK takes for a failure. It says so
 * by this text alone.
 */
export function isEngineStop(message: string): boolean {
  return message.startsWith("Aborting engine:");
}

/**
 * The platform's Workflows, spoken to so that everything may be asked twice and counts once. Each method rejects if the
 * engine cannot be reached or refuses; then nothing is known, and it is asked again later.
 */
export class Engine {
  readonly #env: object;

  constructor(env: object) {
    this.#env = env;
  }

  /** Creates an instance. Resolves also if it exists already, whoever created it: the id is ours alone. */
  async create(binding: string, id: string, params: Record<string, unknown>): Promise<void> {
    try {
      await this.#workflow(binding).create({ id, params });
    } catch (failure) {
      // The engine says "exists" only in the text of an error; whether it does is a question it answers reliably.
      if ((await this.#find(binding, id)) === undefined) throw failure;
    }
  }

  /** Sends an event. @returns false if nobody can take it any more: the instance has ended, or there is none. */
  async sendEvent(binding: string, id: string, event: EngineEvent): Promise<boolean> {
    const instance = await this.#find(binding, id);
    return instance !== undefined && (await unlessEnded(instance, () => instance.sendEvent(event)));
  }

  /** Reads the engine's view; undefined if there is no such instance. */
  async view(binding: string, id: string): Promise<EngineView | undefined> {
    const instance = await this.#find(binding, id);
    return instance?.status();
  }

  /** Reads what the engine keeps of a run; undefined if there is no such instance, or more of it than can be read. */
  async history(binding: string, id: string): Promise<EngineHistory | undefined> {
    const instance = await this.#find(binding, id);
    return instance && readHistory(instance);
  }

  /** Asks for a pause. @returns the view afterwards: a step that runs is let finish first. */
  async pause(binding: string, id: string): Promise<EngineView | undefined> {
    const instance = await this.#find(binding, id);
    const before = await instance?.status();
    if (before?.status !== "running" && before?.status !== "waiting") return before;
    await instance?.pause();
    return instance?.status();
  }

  /** Resumes, or calls off a pause that is not reached yet. @returns false if nothing can be resumed any more, as of an event. */
  async resume(binding: string, id: string): Promise<boolean> {
    const instance = await this.#find(binding, id);
    const { status } = (await instance?.status()) ?? {};
    if (status === undefined || isEngineTerminal(status)) return false;
    if (status === "paused" || status === "waitingForPause") await instance?.resume();
    return true;
  }

  /** Ends an instance. Resolves also if it has ended. */
  async terminate(binding: string, id: string, rollback: boolean): Promise<void> {
    const instance = await this.#find(binding, id);
    if (instance !== undefined)
      await unlessEnded(instance, () => instance.terminate(rollback ? { rollback } : {}));
  }

  /** Runs an instance again, from the beginning or from a step. @returns false if there is none any more. */
  async restart(binding: string, id: string, from: RestartPoint | undefined): Promise<boolean> {
    const instance = await this.#find(binding, id);
    await instance?.restart(from === undefined ? {} : { from });
    return instance !== undefined;
  }

  /** Subscribes to what becomes of an instance after one of its events; undefined if there is no such instance. To be disposed of. */
  async subscribe(
    binding: string,
    id: string,
    after: number,
    filter: WorkflowInstanceEvent["type"][],
  ): Promise<EngineEvents | undefined> {
    const instance = await this.#find(binding, id);
    return instance && new EngineEvents(await instance.subscribe({ cursor: after, filter }));
  }

  /** Deletes an instance and what the engine keeps of it. Resolves also if it is not there. */
  async delete(binding: string, id: string): Promise<void> {
    const instance = await this.#find(binding, id);
    await instance?.delete();
  }

  async #find(binding: string, id: string): Promise<WorkflowInstance | undefined> {
    try {
      return await this.#workflow(binding).get(id);
    } catch (failure) {
      // The only place where the engine puts its code.
      if (failure instanceof Error && failure.message.includes("instance.not_found")) return undefined;
      throw failure;
    }
  }

  #workflow(binding: string): Workflow<Record<string, unknown>> {
    const candidate: unknown = Reflect.get(this.#env, binding);
    if (!isWorkflow(candidate)) throw new Error(`The environment has no workflow binding ${binding}`);
    return candidate;
  }
}

/** @returns whether the engine has ended an instance in this status. */
export function isEngineTerminal(
  status: InstanceStatus["status"],
): status is "complete" | "errored" | "terminated" {
  return status === "complete" || status === "errored" || status === "terminated";
}

/** Asks something of an instance. @returns false if it refuses because it has ended. */
async function unlessEnded(instance: WorkflowInstance, ask: () => Promise<void>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (failure) {
    const { status } = await instance.status();
    if (!isEngineTerminal(status)) throw failure;
    return false;
  }
}

/** @returns whether a value of the environment is a workflow binding. */
export function isWorkflow(candidate: unknown): candidate is Workflow<Record<string, unknown>> {
  return typeof candidate === "object" && candidate !== null && "create" in candidate && "get" in candidate;
}
