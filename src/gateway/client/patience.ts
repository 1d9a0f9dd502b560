/** What a client has of the machine that it runs on; tests pass a clock of their own. */
export interface Machine {
  /** Milliseconds since the epoch. */
  now(): number;
  /** From 0, to below 1. */
  random(): number;
  /** Resolves after a time; rejects with the reason of `signal` as soon as that aborts. */
  pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void>;
}

export const MACHINE: Machine = { now: () => Date.now(), random: () => Math.random(), pause };

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;

/**
 * How long to wait before trying again: exponential with full jitter, so that many clients that failed together do not come
 * back together.
 *
 * @param failures how often it failed in a row, from 1.
 * @param atLeast milliseconds that the other side asked for.
 */
export function delayAfter(failures: number, { random }: Pick<Machine, "random">, atLeast = 0): number {
  return atLeast + random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
}

/** Reads `Retry-After` (RFC 9110): seconds, or a date. @returns milliseconds; undefined if it says nothing. */
export function retryAfterOf(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A timer takes no more. */
const LONGEST_TIMER_MS = 2_147_483_647;

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      },
      Math.min(milliseconds, LONGEST_TIMER_MS),
    );
    signal?.addEventListener("abort", abort, { once: true });
  });
}
