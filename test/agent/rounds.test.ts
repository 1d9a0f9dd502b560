import { describe, expect, test } from "vitest";
import { Rounds } from "../../src/gateway/agent/rounds.ts";

/** Items that are due at once. `log` has what happened, in order. */
function openRounds(quiet?: () => Promise<void> | undefined) {
  const log: string[] = [];
  const items: string[] = [];
  const rounds = new Rounds<string>({
    ...(quiet === undefined ? {} : { quiet }),
    settled: () => log.push("settled"),
    due: () => items.slice(0, 2),
    nextDueAt: () => (items.length === 0 ? undefined : 0),
    async handle(item) {
      items.splice(items.indexOf(item), 1);
      log.push(item);
    },
  });
  return { rounds, items, log };
}

describe("rounds", () => {
  test("do what is due, some at a time, and hear once nothing is", async () => {
    const { rounds, items, log } = openRounds();
    items.push("a", "b", "c");
    await rounds.run();
    expect(log).toEqual(["a", "b", "c", "settled"]);
  });

  test("begin only when it is quiet, with what was added meanwhile", async () => {
    const burst = Promise.withResolvers<void>();
    let isQuiet = false;
    const { rounds, items, log } = openRounds(() => (isQuiet ? undefined : burst.promise));
    items.push("a");
    const done = rounds.run();
    items.push("b");
    void rounds.run();
    await new Promise((resume) => setTimeout(resume, 0));
    expect(log).toEqual([]);
    isQuiet = true;
    burst.resolve();
    await done;
    expect(log).toEqual(["a", "b", "settled"]);
  });
});
