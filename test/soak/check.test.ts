import { describe, expect, test } from "vitest";
import type { Heard } from "../support/dropping-reader.ts";
import { faultsOf } from "../support/soak-check.ts";
import { soakReader } from "../support/soak-readers.ts";

const PLACE = { root: "/agents/workshop/w", agent: "/agents/workshop/w", instanceId: "babble" };
const event = (n: number, type = "instance.progress", prefix = "own"): Heard => {
  const id = `${prefix}-${n}`;
  const { instanceId } = PLACE;
  return { id, type, instanceId, data: JSON.stringify({ id, type, instanceId, data: { n } }) };
};
const JOURNAL = [event(1, "instance.queued"), event(2), event(3), event(4), event(5, "instance.completed")];
/** The same events as the list of a subtree has them: under its own cursors. */
const FEED = JOURNAL.map(({ type }, at) => event(at + 1, type, "feed"));

const NONE = { lost: 0, doubled: 0, disordered: 0, altered: 0, gaps: 0 };
const INSTANCE = 0;
const SUBTREE = 2;
const PROGRESS = 3;

const check = (kind: number, heard: readonly Heard[], gaps = 0) => {
  const controls = new Map(gaps > 0 ? [["stream.gap", gaps]] : []);
  const { examples, ...faults } = faultsOf(
    soakReader(kind, PLACE, 1, 1),
    { heard, controls, connections: 1 },
    JOURNAL,
  );
  expect(examples.length > 0).toBe(Object.values(faults).some((count) => count > 0));
  return faults;
};

describe.each([
  ["an instance", INSTANCE, JOURNAL],
  ["a subtree", SUBTREE, FEED],
])("the checker of %s", (_, kind, all) => {
  const [first, second, third, ...rest] = all;
  if (first === undefined || second === undefined || third === undefined) throw new Error("too few");

  test("finds nothing wrong where everything came once and in order", () => {
    expect(check(kind, all)).toEqual(NONE);
  });

  test("finds what is lost, at the end too", () => {
    expect(check(kind, [first, third, ...rest])).toEqual({ ...NONE, lost: 1 });
    expect(check(kind, all.slice(0, 3))).toEqual({ ...NONE, lost: 2 });
  });

  test("finds what came twice, at once or later", () => {
    expect(check(kind, [first, first, second, third, ...rest])).toEqual({ ...NONE, doubled: 1 });
    expect(check(kind, [...all, first])).toEqual({ ...NONE, doubled: 1 });
  });

  test("finds what is out of order", () => {
    expect(check(kind, [first, third, second, ...rest])).toEqual({ ...NONE, disordered: 1 });
  });

  test("finds what has another text, or is not in the journal", () => {
    const altered = { ...second, data: second.data.replace('"n":2', '"n":22') };
    expect(check(kind, [first, altered, third, ...rest]).altered).toBe(1);
    expect(check(kind, [...all, event(9)])).toEqual({ ...NONE, altered: 1 });
  });

  test("finds a gap that was told of", () => {
    expect(check(kind, all, 2)).toEqual({ ...NONE, gaps: 2 });
  });
});

test("the checker of one type expects that type alone", () => {
  const progress = JOURNAL.filter(({ type }) => type === "instance.progress");
  expect(check(PROGRESS, progress)).toEqual(NONE);
  expect(check(PROGRESS, JOURNAL).altered).toBe(2);
});

test("the checker of a subtree leaves out what other instances did", () => {
  const other = { ...event(9), instanceId: "other" };
  expect(check(SUBTREE, [other, ...FEED])).toEqual(NONE);
});
