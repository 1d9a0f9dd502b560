import { setTimeout as delay } from "node:timers/promises";
import type { Systems } from "./systems.ts";

const LOOK_EVERY_MS = 50;
/** Looks in a row at which nothing was done. */
const QUIET_LOOKS = 6;
/** What a process that does nothing uses between two looks, at most. */
const QUIET_MS = 0.5;

/** Waits until the servers do nothing: what was begun neither goes on, nor leaks into what is measured next. */
export async function settle(systems: Systems): Promise<void> {
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    const before = systems.processor();
    await delay(LOOK_EVERY_MS);
    quiet = systems.processor() - before < QUIET_MS ? quiet + 1 : 0;
  }
}
