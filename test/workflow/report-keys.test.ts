import { describe, expect, test } from "vitest";
import { ReportKeys } from "../../src/gateway/workflow/report-keys.ts";

const unique = (keys: readonly string[]): boolean => new Set(keys).size === keys.length;

/** A run as its author writes it: reports outside of steps, in steps, and the same again. */
function aRun(keys: ReportKeys, finished: readonly string[] = []): string[] {
  const said: string[] = [];
  const say = (content: unknown, kind = "progress") => said.push(keys.keyOf(kind, content));
  const step = (name: string, work: () => void) => {
    const inPlace = keys.place(name);
    // The engine does not run a finished step again: it stays silent.
    if (!finished.includes(name)) inPlace(work);
  };
  say({ percent: 0 });
  step("load", () => {
    say({ percent: 0.5 });
    say({ percent: 0.5 });
  });
  say({ percent: 0.5 });
  step("load", () => say({ percent: 0.5 }));
  say({ percent: 0.5 });
  step("pay", () => say("paid", "message"));
  say({ percent: 1 });
  return said;
}

/** A run that only says these, one after the other. */
function keysOf(contents: readonly string[]): string[] {
  const keys = new ReportKeys();
  return contents.map((content) => keys.keyOf("progress", content));
}

describe("on a replay", () => {
  test("a run says the same again under the same keys", () => {
    const keys = aRun(new ReportKeys());
    expect(unique(keys)).toBe(true);
    expect(aRun(new ReportKeys())).toEqual(keys);
  });

  test("steps that are finished stay silent, and no other key changes by that", () => {
    const all = aRun(new ReportKeys());
    const replayed = aRun(new ReportKeys(), ["load", "pay"]);
    expect(replayed).toEqual(all.filter((key) => key.startsWith("run:")));
    expect(replayed).toHaveLength(4);
  });

  test("a run that comes to say something else has another key for that, and the old ones for the rest", () => {
    const before = keysOf(["first", "second", "third"]);
    const after = keysOf(["first", "changed", "third"]);
    expect([after[0], after[2]]).toEqual([before[0], before[2]]);
    expect(before).not.toContain(after[1]);
  });
});

describe("at one place", () => {
  test("the same content counts each time it is said", () => {
    const keys = new ReportKeys();
    expect(unique([1, 2, 3].map(() => keys.keyOf("progress", { percent: 0.5 })))).toBe(true);
  });

  test("other content, and the same content of another kind, has a key of its own", () => {
    const contents = [{ a: 1 }, { a: 2 }, "a", "1", 1, null, undefined, [], {}, "", { a: { b: 1 } }];
    const all = contents.flatMap((content) =>
      ["progress", "event", "message"].map((kind) => new ReportKeys().keyOf(kind, content)),
    );
    expect(unique(all)).toBe(true);
  });

  test("a key is short and of plain characters, however long the content is", () => {
    const key = new ReportKeys().keyOf("message", "😀\n".repeat(100_000));
    expect(key).toMatch(/^[\x21-\x7e]{1,100}$/);
  });
});

describe("a step", () => {
  test("is a place of its own, and so is each further use of its name", () => {
    const keys = new ReportKeys();
    const say = () => keys.keyOf("progress", "same");
    expect(
      unique([say(), keys.place("load")(say), keys.place("load")(say), keys.place("pay")(say), say()]),
    ).toBe(true);
  });

  test("that is tried again says the same under the same keys", () => {
    const keys = new ReportKeys();
    const tries = keys.place("load");
    const work = () => ["a", "b", "a"].map((content) => keys.keyOf("progress", content));
    const first = tries(work);
    expect(unique(first)).toBe(true);
    expect(tries(work)).toEqual(first);
  });

  test("that failed half-way and is tried again repeats what it said, and says the rest", () => {
    const keys = new ReportKeys();
    const tries = keys.place("load");
    const said: string[] = [];
    const work = (fails: boolean) => () => {
      said.push(keys.keyOf("progress", 1));
      if (fails) throw new Error("half-way");
      said.push(keys.keyOf("progress", 2));
    };
    expect(() => tries(work(true))).toThrow("half-way");
    tries(work(false));
    const [first, again, second] = said;
    expect(again).toBe(first);
    expect(second).not.toBe(first);
  });

  test("is the place of what it says after it waited, too", async () => {
    const keys = new ReportKeys();
    const say = () => keys.keyOf("progress", "same");
    const key = keys.place("load")(async () => {
      await new Promise((resume) => setTimeout(resume));
      return say();
    });
    expect(await key).not.toBe(say());
    expect((await key).startsWith("step:load:1:")).toBe(true);
  });

  test("cannot take the place of another by its name", () => {
    const keys = new ReportKeys();
    const say = () => keys.keyOf("progress", "same");
    const names = ["a", "a:1", "a:1:1", "run", "", "step:a", "gate:a"];
    expect(unique([say(), ...names.map((name) => keys.place(name)(say))])).toBe(true);
  });
});

/** Runs steps that all report, letting them go on in the given order. */
async function branches(order: readonly number[]): Promise<string[]> {
  const keys = new ReportKeys();
  const said: string[] = [];
  const gates = order.map(() => Promise.withResolvers<void>());
  const running = gates.map(({ promise }, n) =>
    keys.place(`part ${n % 2}`)(async () => {
      said.push(keys.keyOf("progress", "begins"));
      await promise;
      said.push(keys.keyOf("progress", "begins"), keys.keyOf("progress", n));
    }),
  );
  for (const n of order) {
    gates[n]?.resolve();
    await running[n];
  }
  return said;
}

describe("branches that run side by side", () => {
  test("have the same keys in whatever order they come to speak", async () => {
    const inOrder = await branches([0, 1, 2, 3]);
    expect(unique(inOrder)).toBe(true);
    expect(inOrder).toHaveLength(12);
    for (const order of [
      [3, 2, 1, 0],
      [2, 0, 3, 1],
    ]) {
      const said = await branches(order);
      expect(said).not.toEqual(inOrder);
      expect(said.toSorted()).toEqual(inOrder.toSorted());
    }
  });
});
test("uses of a name are counted from 1, each name by itself, and anew in each run", () => {
  const keys = new ReportKeys();
  expect(["a", "a", "b", "a", "constructor"].map((name) => keys.occurrenceOf(name))).toEqual([1, 2, 1, 3, 1]);
  expect(new ReportKeys().occurrenceOf("a")).toBe(1);
});
