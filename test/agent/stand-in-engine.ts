import { vi } from "vitest";
import { Courier } from "../../src/gateway/agent/courier.ts";
import { Engine, type EngineView } from "../../src/gateway/agent/engine.ts";
import { type Desk, force, openDesk } from "./stand-ins.ts";

/** A workflow binding whose instances can be controlled, and that writes down what was asked of them. */
export class StandInWorkflow {
  readonly log: string[] = [];
  /** The engine's own view of each instance that it has. */
  readonly views = new Map<string, EngineView>();
  /** What an instance is in once its pause was asked for. */
  afterPause: EngineView["status"] = "paused";
  /** Whether the engine answers nothing at all. */
  unreachable = false;
  /** Runs before each call is taken; a throw is a failure of the platform. */
  before: (call: string) => Promise<void> | void = () => {};

  async create({ id }: { id: string }): Promise<void> {
    await this.#ask(`create ${id}`);
    this.views.set(id, { status: "running" });
  }

  async get(id: string) {
    if (this.unreachable) throw new Error("the engine is unreachable");
    if (!this.views.has(id)) throw new Error("(instance.not_found)");
    const set = (status: EngineView["status"]) => this.views.set(id, { status });
    const unlessEnded = () => {
      if (["complete", "errored", "terminated"].includes(this.#viewOf(id).status))
        throw new Error("the instance has ended");
    };
    return {
      status: async () => this.#viewOf(id),
      sendEvent: async ({ type }: { type: string }) => this.#ask(`send ${type}`),
      pause: async () => {
        await this.#ask("pause");
        set(this.afterPause);
      },
      resume: async () => {
        await this.#ask("resume");
        set("running");
      },
      terminate: async ({ rollback = false }: { rollback?: boolean } = {}) => {
        await this.#ask(rollback ? "terminate with rollback" : "terminate");
        unlessEnded();
        set("terminated");
      },
      restart: async (options: object = {}) => {
        await this.#ask(`restart ${JSON.stringify(options)}`);
        set("running");
      },
      delete: async () => {
        await this.#ask("delete");
        this.views.delete(id);
      },
    };
  }

  async #ask(call: string): Promise<void> {
    this.log.push(call);
    await this.before(call);
  }

  #viewOf(id: string): EngineView {
    const view = this.views.get(id);
    if (view === undefined) throw new Error("(instance.not_found)");
    return view;
  }
}

/** A courier over real records, with an engine that stands in. */
export function openCourier() {
  const desk = openDesk();
  const workflow = new StandInWorkflow();
  const failures: string[] = [];
  const courier = new Courier(desk.records, new Engine({ REFUND: workflow }), () => ({}), {
    failed: (id) => failures.push(id),
    dissolve: async () => "done",
    finishAttempt: async () => {},
    burst: {},
  });
  return { courier, desk, failures, workflow };
}

/** An instance that runs, here and in the engine. */
export function running(view: EngineView = { status: "running" }) {
  const opened = openCourier();
  opened.desk.accept("r-1");
  force(opened.desk, "r-1", "running");
  opened.workflow.views.set("engine-r-1", view);
  return opened;
}

/** Whether nothing is left to tell. */
export const isEmpty = ({ records }: Desk): boolean => records.outbox.nextDueAt() === undefined;

/** Delivers, with an alarm behind it every minute, for ten minutes unless more are given. */
export async function deliverForLong(courier: Courier, minutes = 10): Promise<void> {
  for (let alarm = 1; alarm <= minutes; alarm += 1) {
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(60_000);
    await round;
  }
}

/** Fails the first calls that begin with this word, or all of them. */
export function failFirst(workflow: StandInWorkflow, word: string, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  workflow.before = (call) => {
    if (!call.startsWith(word) || left === 0) return;
    left -= 1;
    throw new Error("overloaded");
  };
}
