import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Engine } from "../../src/gateway/agent/engine.ts";
import { EngineEvents } from "../../src/gateway/agent/engine-events.ts";
import { copySteps, pumpSteps, type TakeSteps } from "../../src/gateway/agent/step-pump.ts";
import { StepTurns } from "../../src/gateway/agent/step-turns.ts";
import type { StepSource } from "../../src/gateway/port.ts";
import { engineEvent } from "./engine-step.ts";
import { NOON } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The engine's history of one instance, which can be followed. */
class History {
  readonly #events: WorkflowInstanceEvent[] = [];
  #changed = Promise.withResolvers<void>();
  #failure: Error | undefined;
  #over = false;
  exists = true;
  /** After which event each subscription began. */
  readonly subscribed: number[] = [];
  disposed = 0;
  calledOff = 0;

  tell(...numbers: number[]): void {
    for (const n of numbers) this.#events.push(engineEvent(n, { type: "step_started", stepName: `s${n}-1` }));
    this.#change();
  }
  end(): void {
    this.#over = true;
    this.#change();
  }
  /** Throws at everybody who follows, as at a restart. */
  break(): void {
    this.#failure = new Error("Aborting engine: User called restart");
    this.#change();
    this.#failure = undefined;
  }
  /** Also forgets what was. */
  restart(): void {
    this.#events.length = 0;
    this.break();
  }
  #change(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    if (this.#failure === undefined) changed.resolve();
    else changed.reject(this.#failure);
    this.#changed.promise.catch(() => {});
  }

  get engine(): Engine {
    return new Engine({
      REFUND: {
        create: () => {},
        get: async () => {
          if (!this.exists) throw new Error("(instance.not_found)");
          return { subscribe: async ({ cursor }: { cursor: number }) => this.#subscribe(cursor) };
        },
      },
    });
  }

  #subscribe(cursor: number) {
    this.subscribed.push(cursor);
    let after = cursor;
    const next = async () => {
      for (;;) {
        const value = this.#events.find(({ eventId }) => eventId > after);
        if (value !== undefined) {
          after = value.eventId;
          return { done: false, value };
        }
        if (this.#over) return { done: true, value: undefined };
        await this.#changed.promise;
      }
    };
    return {
      next: () => Object.assign(next(), { [Symbol.dispose]: () => (this.calledOff += 1) }),
      [Symbol.dispose]: () => (this.disposed += 1),
    };
  }
}

/** An agent that takes what comes in order. */
function openTaker(history: History) {
  const taken: number[][] = [];
  const state: { source: StepSource; now: StepSource | "later" | "over" | undefined } = {
    source: { binding: "REFUND", engineId: "engine-r-1", attempt: 1, after: 0, ended: false },
    now: undefined,
  };
  const find = async () => state.now ?? state.source;
  const take: TakeSteps = async ({ attempt, after, events, end }) => {
    if (attempt !== state.source.attempt || after !== state.source.after) return find();
    taken.push(events.map(({ eventId }) => eventId));
    state.source = { ...state.source, after: events.at(-1)?.eventId ?? after };
    if (end) state.now = "over";
    return find();
  };
  const stop = new AbortController();
  const pump = () => pumpSteps(history.engine, find, take, stop.signal);
  return { find, pump, state, stop, take, taken };
}
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe("a copy", () => {
  test("takes what there is, together, and leaves when the engine falls silent", async () => {
    const history = new History();
    history.tell(1, 2, 3);
    const { state, take, taken } = openTaker(history);
    const copied = copySteps(history.engine, state.source, take);
    await pass(1_000);
    await copied;
    expect(taken).toEqual([[1, 2, 3]]);
    expect([history.subscribed, history.disposed, history.calledOff]).toEqual([[0], 1, 1]);
  });

  test("goes on after what was read, and to the end if there is one", async () => {
    const history = new History();
    history.tell(1, 2, 3);
    history.end();
    const { state, take, taken } = openTaker(history);
    state.source = { ...state.source, after: 2 };
    await copySteps(history.engine, state.source, take);
    expect([taken, state.now, history.subscribed]).toEqual([[[3]], "over", [2]]);
  });

  test("of what has ended waits longer for its end", async () => {
    const history = new History();
    const { state, take, taken } = openTaker(history);
    const copied = copySteps(history.engine, { ...state.source, ended: true }, take);
    await pass(500);
    history.tell(1);
    history.end();
    await copied;
    expect([taken, state.now]).toEqual([[[1]], "over"]);
  });

  test("has nothing of what steps return", async () => {
    const subscription = {
      next: async () => ({
        done: false as const,
        value: engineEvent(1, { type: "step_completed", stepName: "pay-1", output: "x".repeat(9_000) }),
      }),
      [Symbol.dispose]: () => {},
    };
    using events = new EngineEvents(subscription);
    expect(await events.next()).toEqual(engineEvent(1, { type: "step_completed", stepName: "pay-1" }));
  });

  test("of what has ended, and the engine does not know, is over at once", async () => {
    const history = new History();
    history.exists = false;
    const { state, take } = openTaker(history);
    await copySteps(history.engine, { ...state.source, ended: true }, take);
    expect(state.now).toBe("over");
  });

  test("says that it is not all if somebody else copies too", async () => {
    const history = new History();
    history.tell(1, 2);
    const { state, take } = openTaker(history);
    const before = state.source;
    state.source = { ...before, after: 1 };
    const copied = copySteps(history.engine, before, take);
    await pass(1_000);
    expect(await copied).toBe(false);
    const again = copySteps(history.engine, state.source, take);
    await pass(1_000);
    expect(await again).toBe(true);
  });

  test("of what the engine does not know takes nothing", async () => {
    const history = new History();
    history.exists = false;
    const { state, take, taken } = openTaker(history);
    await copySteps(history.engine, state.source, take);
    expect(taken).toEqual([]);
  });

  test("of thousands of events takes them in stretches", async () => {
    const history = new History();
    history.tell(...Array.from({ length: 1_000 }, (_, n) => n + 1));
    const { state, take, taken } = openTaker(history);
    const copied = copySteps(history.engine, state.source, take);
    await pass(1_000);
    await copied;
    expect(taken.map(({ length }) => length)).toEqual([200, 200, 200, 200, 200]);
  });
});

describe("a pump", () => {
  test("takes each event as it comes, by one subscription, however long the engine is silent", async () => {
    const history = new History();
    const { pump, taken } = openTaker(history);
    const over = pump();
    for (const n of [1, 2, 3]) {
      await pass(86_400_000);
      history.tell(n);
      await pass(100);
    }
    history.end();
    await pass(100_000);
    await over;
    expect([taken, history.subscribed]).toEqual([[[1], [2], [3], []], [0]]);
  });

  test("stops with its tail, though the engine is silent", async () => {
    const history = new History();
    const { pump, stop, taken } = openTaker(history);
    const over = pump();
    await pass(1_000);
    stop.abort();
    await pass(1_000);
    await over;
    expect([taken, history.disposed, history.calledOff]).toEqual([[], 1, 1]);
  });

  test("follows a restart: the engine throws, and its numbers begin anew", async () => {
    const history = new History();
    const { pump, state, taken } = openTaker(history);
    const first = pump();
    await pass(100);
    history.tell(5);
    await pass(100);
    state.now = "later";
    history.restart();
    await pass(1_000);
    await first;
    // It is asked again once the new run is heard.
    state.now = undefined;
    state.source = { ...state.source, attempt: 2, after: 0 };
    const second = pump();
    history.tell(1);
    history.end();
    await pass(1_000);
    await second;
    expect([taken, history.subscribed]).toEqual([
      [[5], [1]],
      [0, 0],
    ]);
  });

  test("gives way to who was faster, and goes on after what that one took", async () => {
    const history = new History();
    const { pump, state, stop, taken } = openTaker(history);
    const over = pump();
    await pass(100);
    state.source = { ...state.source, after: 2 };
    history.tell(1, 2, 3);
    await pass(1_000);
    stop.abort();
    history.tell(4);
    await pass(1_000);
    await over;
    expect([taken, history.subscribed]).toEqual([[[3]], [0, 2]]);
  });

  test("tries again what fails, ever more rarely, and without an end", async () => {
    const history = new History();
    const { pump, stop, taken } = openTaker(history);
    const over = pump();
    for (let n = 0; n < 20; n += 1) {
      await pass(30_000);
      history.break();
    }
    await pass(30_000);
    history.tell(1);
    await pass(1_000);
    stop.abort();
    history.end();
    await pass(60_000);
    await over;
    expect(taken[0]).toEqual([1]);
    expect(history.subscribed.length).toBeLessThan(25);
  });
});

describe("readers who ask at once", () => {
  test("let one of them copy, and have what it copied", async () => {
    const turns = new StepTurns();
    const asked = Array.from({ length: 20 }, () => turns.take("r-1"));
    await pass(500);
    turns.end("r-1");
    expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1);
    expect(await turns.take("r-1")).toBe(true);
    expect(await turns.take("r-2")).toBe(true);
  });

  test("do not wait for ever for one that died", async () => {
    const turns = new StepTurns();
    await turns.take("r-1");
    const second = turns.take("r-1");
    await pass(2_000);
    expect(await second).toBe(false);
    expect(await turns.take("r-1")).toBe(true);
  });
});
