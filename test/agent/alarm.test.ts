import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Alarm, type AlarmClock } from "../../src/gateway/agent/alarm.ts";
import { AGENT_SCHEMA } from "../../src/gateway/agent/schema.ts";
import { Store } from "../../src/gateway/durable/store.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { NOON } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A scheduler that writes down what it is asked. */
class StandInClock implements AlarmClock {
  readonly log: string[] = [];
  /** What will ring, by id. */
  readonly ringing = new Map<string, number>();
  onSet: () => Promise<void> | void = () => {};

  async set(at: number): Promise<string> {
    this.log.push(`set ${at - NOON}`);
    await this.onSet();
    const id = `a-${this.log.length}`;
    this.ringing.set(id, at);
    return id;
  }

  async cancel(id: string): Promise<void> {
    this.log.push(`cancel ${(this.ringing.get(id) ?? 0) - NOON}`);
    this.ringing.delete(id);
  }

  /** The times at which it will ring, in milliseconds after noon. */
  get times(): number[] {
    return [...this.ringing.values()].map((at) => at - NOON);
  }
}

function openAlarm() {
  const sqlite = sqliteStorage();
  const clock = new StandInClock();
  const store = new Store(sqlite.storage, AGENT_SCHEMA);
  return { alarm: new Alarm(store, clock), clock, sqlite, store };
}

describe("the alarm", () => {
  test("is set for what is to be done, before its caller goes on", async () => {
    const { alarm, clock } = openAlarm();
    const armed = Promise.withResolvers<void>();
    clock.onSet = () => armed.promise;
    let certain = false;
    const ensured = alarm.ensure(NOON + 20_000).then(() => {
      certain = true;
      return certain;
    });
    await vi.advanceTimersByTimeAsync(0);
    expect([clock.log, certain]).toEqual([["set 20000"], false]);
    armed.resolve();
    await ensured;
    expect(clock.times).toEqual([20_000]);
  });

  test("is moved by an earlier need, and at no moment is none set", async () => {
    const { alarm, clock } = openAlarm();
    await alarm.ensure(NOON + 20_000);
    await alarm.ensure(NOON + 5_000);
    expect(clock.log).toEqual(["set 20000", "set 5000", "cancel 20000"]);
    expect(clock.times).toEqual([5_000]);
  });

  test("is left by a later need, and by the same", async () => {
    const { alarm, clock } = openAlarm();
    await alarm.ensure(NOON + 5_000);
    await alarm.ensure(NOON + 20_000);
    await alarm.ensure(NOON + 5_000);
    expect(clock.log).toEqual(["set 5000"]);
  });

  test("is set once for many that ask at the same time", async () => {
    const { alarm, clock } = openAlarm();
    await Promise.all(Array.from({ length: 20 }, () => alarm.ensure(NOON + 20_000)));
    expect(clock.log).toEqual(["set 20000"]);
  });

  test("is one, at the earliest time, whatever is asked for at the same time", async () => {
    const { alarm, clock } = openAlarm();
    await Promise.all([20_000, 5_000, 60_000, 1_000, 5_000].map((after) => alarm.ensure(NOON + after)));
    expect(clock.times).toEqual([1_000]);
  });

  test("is known after the agent has slept", async () => {
    const { alarm, clock, sqlite } = openAlarm();
    await alarm.ensure(NOON + 20_000);
    const awake = new Alarm(new Store(sqlite.storage, AGENT_SCHEMA), clock);
    await awake.ensure(NOON + 30_000);
    expect(clock.log).toEqual(["set 20000"]);
    await awake.ensure(NOON + 10_000);
    expect(clock.times).toEqual([10_000]);
  });

  test("that has rung is set anew, and not cancelled", async () => {
    const { alarm, clock } = openAlarm();
    await alarm.ensure(NOON + 20_000);
    alarm.rang();
    await alarm.ensure(NOON + 60_000);
    expect(clock.log).toEqual(["set 20000", "set 60000"]);
  });

  test("whose time has passed without a sound is not relied on", async () => {
    const { alarm, clock } = openAlarm();
    await alarm.ensure(NOON + 20_000);
    vi.setSystemTime(NOON + 20_000);
    await alarm.ensure(NOON + 40_000);
    expect(clock.times).toEqual([40_000]);
  });

  test("that could not be set is no certainty: who asked is told, and the next who asks sets it", async () => {
    const { alarm, clock } = openAlarm();
    clock.onSet = () => {
      throw new Error("overloaded");
    };
    await expect(alarm.ensure(NOON + 20_000)).rejects.toThrow("overloaded");
    clock.onSet = () => {};
    await alarm.ensure(NOON + 30_000);
    expect(clock.times).toEqual([30_000]);
  });

  test("that could not be moved rings when it would have", async () => {
    const { alarm, clock } = openAlarm();
    await alarm.ensure(NOON + 20_000);
    clock.onSet = () => {
      throw new Error("overloaded");
    };
    await expect(alarm.ensure(NOON + 5_000)).rejects.toThrow("overloaded");
    expect(clock.times).toEqual([20_000]);
    clock.onSet = () => {};
    await alarm.ensure(NOON + 20_000);
    expect(clock.log).toEqual(["set 20000", "set 5000"]);
  });

  test("that rings for an agent to which nothing was written writes nothing", () => {
    const { alarm, store } = openAlarm();
    alarm.rang();
    expect(store.exists()).toBe(false);
  });
});
