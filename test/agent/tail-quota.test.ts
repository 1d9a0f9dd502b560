import type { Connection } from "agents";
import { describe, expect, test } from "vitest";
import { callerTag, StreamCounts } from "../../src/gateway/agent/tail-quota.ts";
import { readTailRequest, tailHeaders, tailTags } from "../../src/gateway/agent/tail.ts";

const WATCHED = "switchyard:watch:r-1";
const quota = { caller: "ada", perInstance: 3, perCaller: 2 };
/** So many connections of each tag; whoever goes through them is seen. */
const open =
  (counts: Readonly<Record<string, number>>, looks: string[] = []) =>
  (tag: string) => {
    looks.push(tag);
    return Array.from({ length: counts[tag] ?? 0 }, () => ({}) as Connection);
  };
const CALLER = callerTag("ada");

describe("one stream more", () => {
  test.each([
    [0, 0],
    [2, 1],
    [2, 0],
  ])("has room beside %d of its instance and %d of its caller", (ofInstance, ofCaller) => {
    const counts = { [WATCHED]: ofInstance, [CALLER]: ofCaller, [callerTag("bob")]: 9 };
    expect(new StreamCounts().excessOf(quota, WATCHED, open(counts))).toBeUndefined();
  });

  test("is one too many of its instance, or of its caller, and says of which", () => {
    expect(new StreamCounts().excessOf(quota, WATCHED, open({ [WATCHED]: 3 }))).toMatch(
      /^At most 3 streams follow one instance/,
    );
    expect(new StreamCounts().excessOf(quota, WATCHED, open({ [CALLER]: 2 }))).toMatch(
      /^A caller has at most 2/,
    );
  });
});

describe("what was counted once", () => {
  const wide = { caller: "ada", perInstance: 3, perCaller: 100 };

  test("is not counted again while there is room, however many open", () => {
    const counts = new StreamCounts();
    const looks: string[] = [];
    for (let n = 0; n < 100; n += 1) {
      const connections = open({ [WATCHED]: n, [CALLER]: n }, looks);
      expect(counts.excessOf({ ...wide, perInstance: 100 }, WATCHED, connections)).toBeUndefined();
      counts.opened([WATCHED, CALLER]);
    }
    expect(looks).toEqual([WATCHED, CALLER]);
  });

  test("is full when as many have opened since as there was room for, also if none of them was asked about", () => {
    const counts = new StreamCounts();
    expect(counts.excessOf(wide, WATCHED, open({ [WATCHED]: 1 }))).toBeUndefined();
    for (const _ of [1, 2]) counts.opened([WATCHED]);
    expect(counts.excessOf(wide, WATCHED, open({ [WATCHED]: 3 }))).toMatch(/^At most 3/);
  });

  test("is counted again where it would be too much: what has closed since makes room", () => {
    const counts = new StreamCounts();
    expect(counts.excessOf(wide, WATCHED, open({ [WATCHED]: 3 }))).toMatch(/^At most 3/);
    expect(counts.excessOf(wide, WATCHED, open({ [WATCHED]: 2 }))).toBeUndefined();
    counts.opened([WATCHED]);
    expect(counts.excessOf(wide, WATCHED, open({ [WATCHED]: 3 }))).toMatch(/^At most 3/);
  });

  test("may be forgotten, and is counted anew then", () => {
    const counts = new StreamCounts();
    counts.excessOf(wide, WATCHED, open({ [WATCHED]: 1 }));
    for (let n = 0; n < 1_000; n += 1) counts.excessOf(wide, `switchyard:watch:other-${n}`, open({}));
    counts.opened([WATCHED]);
    expect(counts.excessOf(wide, WATCHED, open({ [WATCHED]: 3 }))).toMatch(/^At most 3/);
  });
});

test("the tag of a caller is short, the same each time, another for another, and does not show the name", () => {
  const names = ["ada", "Ada", "", "x".repeat(5_000), "a b\n", "\uD800"];
  const tags = names.map(callerTag);
  expect(new Set(tags).size).toBe(names.length);
  expect(names.map(callerTag)).toEqual(tags);
  expect(tags.every((tag) => /^switchyard:caller:[\w-]{22}$/.test(tag))).toBe(true);
});

test.each(["ada", "Grüße, \r\nX-Forged: 1", "\uD800", "%41", ""])(
  "a tail of %j tells whose it is, whatever the name",
  (caller) => {
    const request = {
      agent: "/agents/order-desk/acme",
      instanceId: "r-1",
      after: "0a1b2c3d-1",
      tailKey: "key",
      quota: { ...quota, caller },
    };
    const opened = new Request("http://agent/", { headers: tailHeaders(request) });
    const read = readTailRequest(opened, () => request.agent);
    expect(read).toEqual(request);
    expect(read && tailTags(read)).toEqual(["switchyard:tail", WATCHED, callerTag(caller)]);
  },
);

test("a tail that does not count has no caller", () => {
  const request = {
    agent: "/agents/order-desk/acme",
    instanceId: undefined,
    after: "0a1b2c3d-1",
    tailKey: "key",
    quota: undefined,
  };
  const read = readTailRequest(
    new Request("http://agent/", { headers: tailHeaders(request) }),
    () => request.agent,
  );
  expect(read).toEqual(request);
  expect(read && tailTags(read)).toEqual(["switchyard:tail", "switchyard:watch-agent"]);
});
