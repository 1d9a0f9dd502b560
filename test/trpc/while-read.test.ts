import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { whileRead } from "../../src/gateway/trpc/while-read.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

async function* items(released: () => void) {
  try {
    yield 1;
    await new Promise((resume) => setTimeout(resume, 3_600_000));
    yield 2;
  } finally {
    released();
  }
}

test("a reader that waits for something reads; one that takes nothing does not, and what it holds is let go", async () => {
  const giveUp = vi.fn<() => void>();
  const released = vi.fn<() => void>();
  const reader = whileRead(items(released), giveUp);
  expect(await reader.next()).toEqual({ done: false, value: 1 });
  await vi.advanceTimersByTimeAsync(29_000);
  const second = reader.next();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(await second).toEqual({ done: false, value: 2 });
  expect(giveUp).not.toHaveBeenCalled();

  await vi.advanceTimersByTimeAsync(30_000);
  expect(giveUp).toHaveBeenCalledOnce();
  expect(released).not.toHaveBeenCalled();
  await reader.return();
  expect(released).toHaveBeenCalledOnce();
});

test("a reader that leaves is not given up later", async () => {
  const giveUp = vi.fn<() => void>();
  const reader = whileRead(
    items(() => {}),
    giveUp,
  );
  await reader.next();
  await reader.return();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(giveUp).not.toHaveBeenCalled();
});
