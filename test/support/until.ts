import type { Answer } from "./gateway.ts";

const PAUSE_MS = 50;

/** Asks again and again until the answer is what is waited for. It ends by the time limit of the test alone. */
export async function until<Value>(
  ask: () => Promise<Value>,
  wanted: (value: Value) => boolean,
): Promise<Value> {
  for (;;) {
    const value = await ask();
    if (wanted(value)) return value;
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
}

/** Waits until an instance has this status. @returns the answer that says so. */
export function untilStatus(ask: () => Promise<Answer>, status: string): Promise<Answer> {
  return until(ask, (answer) => answer.json<{ status?: unknown }>().status === status);
}
