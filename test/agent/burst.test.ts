import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Burst } from "../../src/gateway/agent/burst.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Starts one after the other, at even distances. */
async function start(burst: Burst, count: number, everyMs: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    if (n > 0) await vi.advanceTimersByTimeAsync(everyMs);
    burst.note(Date.now());
  }
}

/** @returns how long one waits from now on, in milliseconds, while starts go on coming if `everyMs` is given. */
async function wait(burst: Burst, everyMs?: number): Promise<number> {
  const began = Date.now();
  const waiting = { isOver: false };
  const awaited = (async () => {
    await burst.over();
    waiting.isOver = true;
  })();
  await vi.advanceTimersByTimeAsync(0);
  for (let ms = 1; !waiting.isOver && ms < 2_000; ms += 1) {
    await vi.advanceTimersByTimeAsync(1);
    if (everyMs !== undefined && ms % everyMs === 0) burst.note(Date.now());
  }
  await awaited;
  return Date.now() - began;
}

describe("a start", () => {
  test.each([1, 5])("that comes alone waits for nothing: %i of them", async (count) => {
    const burst = new Burst();
    await start(burst, count, 20);
    expect(await wait(burst)).toBe(0);
  });

  test("that comes with others waits until none follows", async () => {
    const burst = new Burst();
    await start(burst, 5, 2);
    const waited = await wait(burst);
    expect(waited).toBeGreaterThan(0);
    expect(waited).toBeLessThanOrEqual(20);
  });

  test("of many that go on coming waits half a second, and those behind it no longer", async () => {
    const burst = new Burst();
    await start(burst, 2, 2);
    const waited = await wait(burst, 5);
    expect(waited).toBeGreaterThanOrEqual(480);
    expect(waited).toBeLessThanOrEqual(520);
    await start(burst, 3, 5);
    expect(await wait(burst, 5)).toBe(0);
    burst.settled();
    expect(await wait(burst, 5)).toBeGreaterThanOrEqual(480);
  });

  test.each([7, 11, 13])(
    "waits no longer in all for bursts with gaps between them, one every %i ms",
    async (everyMs) => {
      const burst = new Burst();
      let waited = 0;
      for (let round = 0; round < 400; round += 1) {
        burst.note(Date.now());
        await vi.advanceTimersByTimeAsync(1);
        burst.note(Date.now());
        waited += await wait(burst);
        await vi.advanceTimersByTimeAsync(everyMs);
      }
      expect(waited).toBeLessThanOrEqual(530);
    },
  );
});
