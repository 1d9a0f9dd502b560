import { describe, expect, test } from "vitest";
import { applyControl } from "../../src/gateway/agent/controls.ts";
import { remove } from "../../src/gateway/agent/removing.ts";
import type { GatewayEvent } from "../../src/gateway/contract/event.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { type Desk, force, NOON, openDesk } from "./stand-ins.ts";

/** A journal that keeps ten events of an instance. It drops what is too much each 64th time. */
const KEEP = 10;
const deskOf = (...ids: string[]): Desk => {
  const desk = openDesk(sqliteStorage(), { keepEvents: KEEP });
  for (const id of ids) desk.accept(id);
  return desk;
};
/** Reports progress `from` to `to`, each in a change of its own. @returns which of them were new. */
const tell = (desk: Desk, id: string, from: number, to: number): number[] => {
  const numbers = Array.from({ length: to - from + 1 }, (_, n) => from + n);
  return numbers.filter(
    (n) => desk.report(id, { type: "progress", key: `run:${n}`, progress: n }).callback !== undefined,
  );
};
const read = ({ records }: Desk, asked: { instanceId?: string; after?: string; limit?: number } = {}) =>
  records.journal.read({ instanceId: asked.instanceId, after: asked.after, limit: asked.limit ?? 1_000 });
const progressOf = (events: readonly GatewayEvent[]): unknown[] =>
  events.flatMap(({ type, data }) =>
    type === "instance.progress" ? [(data as { progress: unknown }).progress] : [],
  );
const count = ({ query }: Desk, table: string): unknown =>
  query(`SELECT count(*) AS n FROM ${table}`)[0]?.["n"];

const removed = (desk: Desk, id: string): void =>
  desk.records.change(() => remove(desk.records, desk.row(id), NOON));

const update = (desk: Desk, from: number, to: number): void => {
  for (let n = from; n <= to; n += 1) {
    desk.records.change((now) =>
      desk.records.journal.appendOfAgent("state.updated", { etag: `"${n}"`, source: "rest" }, now),
    );
  }
};

describe("the journal of an instance", () => {
  test("keeps everything up to its number, and drops the oldest beyond", () => {
    const desk = deskOf("r-1");
    // The start is the first event, so that this makes 63.
    tell(desk, "r-1", 1, 62);
    expect(read(desk).events).toHaveLength(63);
    tell(desk, "r-1", 63, 63);
    expect(progressOf(read(desk).events)).toEqual([54, 55, 56, 57, 58, 59, 60, 61, 62, 63]);
  });

  test("is at no time longer than its number and 63 more", () => {
    const desk = deskOf("r-1");
    for (let n = 1; n <= 500; n += 1) {
      tell(desk, "r-1", n, n);
      expect(count(desk, "switchyard_events")).toBeLessThan(KEEP + 64);
    }
    expect(progressOf(read(desk).events).at(-1)).toBe(500);
  });

  test("is dropped alone: other instances that tell in turn keep what is theirs, and lose what is too much", () => {
    const desk = deskOf("r-1", "r-2", "r-3");
    tell(desk, "r-3", 1, 5);
    for (let n = 1; n <= 100; n += 1) {
      tell(desk, "r-1", n, n);
      tell(desk, "r-2", n, n);
    }
    for (const instanceId of ["r-1", "r-2"]) {
      const { events } = read(desk, { instanceId });
      expect(progressOf(events)).toEqual(Array.from({ length: 47 }, (_, n) => 54 + n));
    }
    expect(progressOf(read(desk, { instanceId: "r-3" }).events)).toEqual([1, 2, 3, 4, 5]);
  });

  test("goes on to be as long as it should when fewer are to be kept than before", () => {
    const generous = openDesk(sqliteStorage(), { keepEvents: 1_000 });
    generous.accept("r-1");
    tell(generous, "r-1", 1, 300);
    const strict = openDesk(generous, { keepEvents: KEEP });
    tell(strict, "r-1", 301, 319);
    expect(progressOf(read(strict).events)).toEqual(Array.from({ length: 10 }, (_, n) => 310 + n));
  });

  test("is dropped in the transaction of the event that was too much, or not at all", () => {
    const desk = deskOf("r-1");
    tell(desk, "r-1", 1, 62);
    const failing = () =>
      desk.records.change(() => {
        desk.records.journal.append(desk.row("r-1"), "instance.message", { message: 1 }, NOON);
        expect(count(desk, "switchyard_events")).toBe(KEEP);
        throw new Error("half-way");
      });
    expect(failing).toThrow("half-way");
    expect(read(desk).events).toHaveLength(63);
    expect(count(desk, "switchyard_dropped_keys")).toBe(0);
    expect(read(desk, { after: read(desk, { limit: 1 }).cursor }).gap).toBe(false);
  });
});

describe("what was dropped", () => {
  test("does not come back as new when a run that goes on after a pause reports everything again", () => {
    const desk = deskOf("r-1");
    expect(tell(desk, "r-1", 1, 200)).toHaveLength(200);
    const before = read(desk);
    expect(tell(desk, "r-1", 1, 200)).toEqual([]);
    expect(read(desk)).toEqual(before);
    expect(tell(desk, "r-1", 199, 202)).toEqual([201, 202]);
  });

  test("does not come back after the agent has slept either", () => {
    const desk = deskOf("r-1");
    tell(desk, "r-1", 1, 200);
    expect(tell(openDesk(desk, { keepEvents: KEEP }), "r-1", 1, 201)).toEqual([201]);
  });

  test("is another event in another attempt, and in another instance", () => {
    const desk = deskOf("r-1", "r-2");
    tell(desk, "r-1", 1, 200);
    expect(tell(desk, "r-2", 1, 1)).toEqual([1]);
    desk.records.change(() =>
      applyControl(desk.records, desk.row("r-1"), { action: "restart", resetClock: false }, NOON),
    );
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { intent: null }, NOON));
    expect(tell(desk, "r-1", 1, 2)).toEqual([1, 2]);
  });

  test("is remembered by sixteen characters, of the present attempt alone", () => {
    const desk = deskOf("r-1");
    tell(desk, "r-1", 1, 200);
    // 192 of the 201 events were there when it was last dropped: all but ten.
    expect(count(desk, "switchyard_dropped_keys")).toBe(192 - KEEP);
    expect(desk.query("SELECT max(length(digest)) AS longest FROM switchyard_dropped_keys")).toEqual([
      { longest: 16 },
    ]);
    force(desk, "r-1", "complete");
    desk.records.change(() =>
      applyControl(desk.records, desk.row("r-1"), { action: "restart", resetClock: false }, NOON),
    );
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { intent: null }, NOON));
    expect(count(desk, "switchyard_dropped_keys")).toBe(0);
    tell(desk, "r-1", 1, 100);
    // Only of the attempt that runs: 256 events in all, of which the first 201 are of the one before.
    const ofSecond = desk.query("SELECT count(*) AS n FROM switchyard_events WHERE attempt = 2")[0]?.["n"];
    expect(Number(count(desk, "switchyard_dropped_keys")) + Number(ofSecond)).toBe(102);
  });
});

describe("a reader of one instance", () => {
  test("who has seen what was dropped misses nothing", () => {
    const desk = deskOf("r-1");
    tell(desk, "r-1", 1, 54);
    const { cursor } = read(desk, { instanceId: "r-1" });
    tell(desk, "r-1", 55, 63);
    const answer = read(desk, { instanceId: "r-1", after: cursor });
    expect(answer.gap).toBe(false);
    expect(progressOf(answer.events)).toEqual([55, 56, 57, 58, 59, 60, 61, 62, 63]);
  });

  test("who has not is told, once, and goes on with what is kept", () => {
    const desk = deskOf("r-1");
    tell(desk, "r-1", 1, 3);
    const { cursor } = read(desk, { instanceId: "r-1" });
    tell(desk, "r-1", 4, 63);
    const answer = read(desk, { instanceId: "r-1", after: cursor });
    expect(answer.gap).toBe(true);
    expect(progressOf(answer.events)[0]).toBe(54);
    // Neither from the place where it was told, nor from where it went on.
    for (const after of [answer.from, answer.cursor, answer.events[0]?.id])
      expect(read(desk, { instanceId: "r-1", after: after ?? "" }).gap).toBe(false);
  });

  test("who begins at the beginning misses nothing, on no page", () => {
    const desk = deskOf("r-1");
    tell(desk, "r-1", 1, 63);
    const gaps: boolean[] = [];
    let after: string | undefined;
    for (let more = true; more;) {
      const answer = read(desk, { instanceId: "r-1", limit: 3, ...(after === undefined ? {} : { after }) });
      gaps.push(answer.gap);
      ({ more } = answer);
      after = answer.cursor;
    }
    expect(gaps).toEqual([false, false, false, false]);
  });

  test("does not miss what was dropped of another", () => {
    const desk = deskOf("r-1", "r-2");
    tell(desk, "r-2", 1, 1);
    const { cursor } = read(desk, { instanceId: "r-2" });
    tell(desk, "r-1", 1, 63);
    expect(read(desk, { instanceId: "r-2", after: cursor }).gap).toBe(false);
  });
});

describe("a reader of the whole agent", () => {
  test("is told of what was dropped of any instance, if it has not seen it", () => {
    const desk = deskOf("r-1", "r-2");
    tell(desk, "r-2", 1, 1);
    const early = read(desk).cursor;
    tell(desk, "r-1", 1, 63);
    const late = read(desk).cursor;
    expect(read(desk, { after: early }).gap).toBe(true);
    expect(read(desk, { after: late }).gap).toBe(false);
    expect(read(desk).gap).toBe(false);
  });

  test("is told that events went with their instance, if it has not seen them", () => {
    const desk = deskOf("r-1", "r-2");
    tell(desk, "r-1", 1, 2);
    const before = read(desk).cursor;
    tell(desk, "r-1", 3, 3);
    const after = read(desk).cursor;
    tell(desk, "r-2", 1, 1);
    removed(desk, "r-1");
    expect(read(desk, { after: before }).gap).toBe(true);
    expect(progressOf(read(desk, { after: before }).events)).toEqual([1]);
    expect(read(desk, { after }).gap).toBe(false);
  });

  test("is told once, also if nothing is left to read", () => {
    const desk = deskOf("r-1");
    tell(desk, "r-1", 1, 1);
    const { cursor } = read(desk);
    tell(desk, "r-1", 2, 2);
    removed(desk, "r-1");
    const told = read(desk, { after: cursor });
    expect(told).toMatchObject({ events: [], gap: true });
    expect(read(desk, { after: told.cursor })).toMatchObject({ events: [], gap: false });
    desk.accept("r-2");
    tell(desk, "r-2", 7, 7);
    expect(progressOf(read(desk, { after: told.cursor }).events)).toEqual([7]);
  });

  test("who begins at the beginning is told nothing, on no page, until more is lost", () => {
    const desk = deskOf("r-1", "r-2");
    tell(desk, "r-2", 1, 4);
    tell(desk, "r-1", 1, 1);
    removed(desk, "r-1");
    const first = read(desk, { limit: 2 });
    const second = read(desk, { limit: 2, after: first.cursor });
    expect([first.gap, second.gap, second.more]).toEqual([false, false, true]);
    desk.accept("r-3");
    tell(desk, "r-3", 1, 1);
    removed(desk, "r-3");
    expect(read(desk, { limit: 2, after: second.cursor }).gap).toBe(true);
  });
});

describe("the events of the agent itself", () => {
  test("stand among those of instances, and are of none", () => {
    const desk = deskOf("r-1");
    update(desk, 1, 1);
    tell(desk, "r-1", 1, 1);
    update(desk, 2, 2);
    expect(read(desk).events.map(({ type }) => type)).toEqual([
      "state.updated",
      "instance.started",
      "instance.progress",
      "state.updated",
    ]);
    expect(read(desk).events[0]).toEqual({
      id: expect.any(String) as string,
      type: "state.updated",
      agent: desk.records.agent,
      time: expect.any(String) as string,
      data: { etag: '"1"', source: "rest" },
    });
    expect(desk.types()).toEqual(read(desk).events.map(({ type }) => type));
    expect(read(desk, { instanceId: "r-1" }).events.map(({ type }) => type)).toEqual([
      "instance.started",
      "instance.progress",
    ]);
  });

  test("are kept up to a thousand, and take nothing from instances", () => {
    const desk = deskOf("r-1");
    tell(desk, "r-1", 1, 1);
    const { cursor } = read(desk);
    update(desk, 1, 1_100);
    const ofAgent = "switchyard_events WHERE instance_id IS NULL";
    expect(Number(count(desk, ofAgent))).toBeGreaterThanOrEqual(1_000);
    expect(Number(count(desk, ofAgent))).toBeLessThan(1_064);
    expect(progressOf(read(desk).events)).toEqual([1]);
    expect(read(desk, { after: cursor }).gap).toBe(true);
  });
});
