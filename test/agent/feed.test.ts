import { describe, expect, test } from "vitest";
import { Records } from "../../src/gateway/agent/records.ts";
import { Riser } from "../../src/gateway/agent/riser.ts";
import type { Rise } from "../../src/gateway/agent/upward.ts";
import type { GatewayEvent } from "../../src/gateway/contract/event.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { NOON } from "./stand-ins.ts";

const PARENT = "/agents/order-desk/acme";
const STEP = { agent: "shipment", name: "s 1" };
const CHILD = `${PARENT}/sub/shipment/s%201`;

/** The records of an agent with as much of an instance as events need. */
function open(agent: string, kin: { isParent?: boolean; isChild?: boolean }, sqlite = sqliteStorage()) {
  const ofSubtree: GatewayEvent[] = [];
  const records = new Records(sqlite.storage, agent, (_, all) => ofSubtree.push(...all), kin);
  records.store.open();
  const start = (id: string): void =>
    records.change((now) => {
      const engineId = `engine-${id}`;
      records.ledger.insert({
        id,
        engineId,
        workflow: "ship",
        binding: "SHIP",
        params: {},
        metadata: {},
        now,
      });
    });
  const sayWith = (id: string, rest: object, numbers: readonly number[]): void =>
    records.change(() => {
      const row = records.ledger.find(id);
      if (row === undefined) throw new Error(`no instance ${id}`);
      for (const message of numbers)
        records.journal.append(row, "instance.message", { message, ...rest }, NOON);
    });
  const say = (id: string, ...numbers: number[]): void => sayWith(id, {}, numbers);
  const sayAtLength = (id: string, ...numbers: number[]): void =>
    sayWith(id, { padding: "x".repeat(1_000_000) }, numbers);
  const remove = (id: string): void =>
    records.change(() => {
      const row = records.ledger.find(id);
      if (row !== undefined) records.forget(row);
    });
  return { records, ofSubtree, start, say, sayAtLength, remove, sqlite };
}
const parent = () => open(PARENT, { isParent: true });
const child = () => open(CHILD, { isChild: true });
type Opened = ReturnType<typeof open>;

/** What is next to be passed up. */
const nextOf = ({ records }: Opened) => {
  const next = records.upward?.next();
  if (next === undefined) throw new Error("there is nothing to pass up");
  return next;
};
/** Passes all up. @returns how many events each call took, and the size of the largest call. */
function passAllUp(below: Opened, takeUp: (rise: Rise) => void): { events: number[]; largest: number } {
  const events: number[] = [];
  let largest = 0;
  for (let next = below.records.upward?.next(); next !== undefined; next = below.records.upward?.next()) {
    events.push(next.rise.events.length);
    largest = Math.max(largest, JSON.stringify(next.rise).length);
    takeUp(next.rise);
    below.records.change(next.done);
  }
  return { events, largest };
}
const take = ({ records }: Opened, rise: Rise): void => records.change(() => records.take(STEP, rise));
const saidIn = ({ records }: Opened, after?: string): string[] =>
  (records.feed?.read({ instanceId: undefined, after, limit: 1_000 }).events ?? []).map(
    ({ agent, data }) =>
      `${agent === PARENT ? "parent" : "child"} ${String((data as { message: number }).message)}`,
  );

const like = (agent: string, n: number): GatewayEvent => ({
  id: "",
  type: "state.updated",
  agent,
  time: "",
  data: { message: n },
});

describe("a feed", () => {
  test("has what happens to the agent itself in the very change, and publishes it under cursors of its own", () => {
    const desk = parent();
    desk.start("a");
    desk.say("a", 1, 2);
    expect(saidIn(desk)).toEqual(["parent 1", "parent 2"]);
    expect(desk.ofSubtree.map(({ id }) => id)).toEqual(
      desk.records.feed
        ?.read({ instanceId: undefined, after: undefined, limit: 10 })
        .events.map(({ id }) => id),
    );
    const [own] = desk.records.journal.read({ instanceId: "a", after: undefined, limit: 1 }).events;
    expect(desk.ofSubtree.map(({ id }) => id)).not.toContain(own?.id);
  });

  test("has nothing of a change that failed", () => {
    const desk = parent();
    desk.start("a");
    expect(() =>
      desk.records.change(() => {
        desk.say("a", 1);
        throw new TypeError("half-way");
      }),
    ).toThrow(TypeError);
    desk.say("a", 2);
    expect(saidIn(desk)).toEqual(["parent 2"]);
    expect(desk.ofSubtree).toHaveLength(1);
  });

  test("takes what comes up once, however often it comes", () => {
    const [above, below] = [parent(), child()];
    below.start("b");
    below.say("b", 1, 2);
    const first = nextOf(below);
    take(above, first.rise);
    take(above, first.rise);
    // The answer was lost: what is new comes together with what was passed up.
    below.say("b", 3);
    const second = nextOf(below);
    expect(second.rise.events).toHaveLength(3);
    take(above, second.rise);
    below.records.change(second.done);
    expect(below.records.upward?.next()).toBeUndefined();
    expect(saidIn(above)).toEqual(["child 1", "child 2", "child 3"]);
  });

  test("takes another child of the same name from its beginning", () => {
    const [above, first, second] = [parent(), child(), child()];
    for (const [at, one] of [first, second].entries()) {
      one.start("b");
      one.say("b", at);
      take(above, nextOf(one).rise);
    }
    expect(saidIn(above)).toEqual(["child 0", "child 1"]);
  });

  test("says that something is missing when it is, and only to who missed it", () => {
    const above = parent();
    const below = child();
    above.start("a");
    above.say("a", 1);
    below.start("b");
    below.say("b", 2);
    take(above, nextOf(below).rise);
    above.say("a", 3);
    const read = (after?: string) =>
      above.records.feed?.read({ instanceId: undefined, after, limit: 10 }) ?? {
        gap: undefined,
        events: [],
        cursor: "",
      };
    const [one, two, three] = read().events;
    above.records.change(() => above.records.forgetEvents({ agent: CHILD, instanceId: "b" }));
    expect(saidIn(above)).toEqual(["parent 1", "parent 3"]);
    expect([read(one?.id).gap, read(two?.id).gap, read(three?.id).gap, read().gap]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test("forgets an agent with all below it, and no other whose name begins alike", () => {
    const above = parent();
    above.records.change(() =>
      above.records.feed?.add([
        like(CHILD, 1),
        like(`${CHILD}/sub/box/b`, 2),
        like(`${CHILD}0`, 3),
        like(`${CHILD}-1`, 4),
      ]),
    );
    above.records.change(() => above.records.forgetChild(STEP));
    expect(saidIn(above)).toEqual(["child 3", "child 4"]);
  });

  test("keeps the newest 10,000, and tells who comes from before them", () => {
    const above = parent();
    above.start("a");
    const numbers = Array.from({ length: 10_200 }, (_, n) => n);
    above.say("a", ...numbers);
    const { events, gap } = above.records.feed?.read({
      instanceId: undefined,
      after: undefined,
      limit: 20_000,
    }) ?? {
      events: [],
      gap: true,
    };
    expect(gap).toBe(false);
    expect(events.length).toBeGreaterThanOrEqual(10_000);
    expect(events.length).toBeLessThan(10_064);
    expect(events.at(-1)?.data).toEqual({ message: 10_199 });
    const old = above.ofSubtree[5]?.id;
    expect(above.records.feed?.read({ instanceId: undefined, after: old, limit: 1 }).gap).toBe(true);
  });
});

describe("what a sub-agent passes up", () => {
  test("goes on where it was when the agent wakes", () => {
    const below = child();
    below.start("b");
    below.say("b", 1);
    below.records.change(nextOf(below).done);
    below.say("b", 2);
    const awake = open(CHILD, { isChild: true }, below.sqlite);
    expect(nextOf(awake).rise.events.map(({ event }) => event.data)).toEqual([{ message: 2 }]);
  });

  test("of an agent in between is its whole feed, and what is to be forgotten goes all the way up", () => {
    const middle = open(CHILD, { isChild: true, isParent: true });
    const [above, below] = [parent(), open(`${CHILD}/sub/box/b`, { isChild: true })];
    below.start("deep");
    below.say("deep", 1);
    middle.records.change(() => middle.records.take({ agent: "box", name: "b" }, nextOf(below).rise));
    const up = nextOf(middle);
    take(above, up.rise);
    middle.records.change(up.done);
    expect(saidIn(above)).toEqual(["child 1"]);

    below.remove("deep");
    middle.records.change(() => middle.records.take({ agent: "box", name: "b" }, nextOf(below).rise));
    take(above, nextOf(middle).rise);
    expect([saidIn(middle), saidIn(above)]).toEqual([[], []]);
  });

  test("is passed up in order and in batches, and again after a failure", async () => {
    const [above, below] = [parent(), child()];
    below.start("b");
    below.say("b", ...Array.from({ length: 450 }, (_, n) => n));
    let failures = 0;
    let alarms = 0;
    const rises: number[] = [];
    const work: Promise<unknown>[] = [];
    const riser = new Riser(below.records, {
      background: (one) => work.push(one),
      passUp: async (rise) => {
        if (rises.length === 1 && failures === 0) {
          failures += 1;
          throw new Error("the parent is not there just now");
        }
        rises.push(rise.events.length);
        take(above, rise);
      },
      ensureAlarm: async () => {
        alarms += 1;
      },
    });
    riser.soon();
    await Promise.all(work);
    expect([rises, alarms]).toEqual([[200], 1]);
    riser.soon();
    riser.soon();
    await Promise.all(work);
    expect([rises, work.length]).toEqual([[200, 200, 50], 2]);
    expect(saidIn(above)).toEqual(Array.from({ length: 450 }, (_, n) => `child ${n}`));
    riser.soon();
    expect(work).toHaveLength(2);
  });
});

describe("what is larger than one call may be", () => {
  test("goes up in several, through an agent in between too", () => {
    const below = open(`${CHILD}/sub/box/b`, { isChild: true });
    const middle = open(CHILD, { isChild: true, isParent: true });
    const above = parent();
    const numbers = Array.from({ length: 10 }, (_, n) => n);
    below.start("b");
    below.sayAtLength("b", ...numbers);
    const ofBelow = passAllUp(below, (rise) =>
      middle.records.change(() => middle.records.take({ agent: "box", name: "b" }, rise)),
    );
    const ofMiddle = passAllUp(middle, (rise) => take(above, rise));
    for (const { events, largest } of [ofBelow, ofMiddle]) {
      expect(events).toEqual([3, 3, 3, 1]);
      expect(largest).toBeLessThan(4_000_000);
    }
    expect(above.ofSubtree.map(({ data }) => data)).toMatchObject(numbers.map((message) => ({ message })));
  });
});

describe("a filter", () => {
  test("lets a page go through a bounded part of the list, and on from there", () => {
    const desk = child();
    desk.start("b");
    desk.say("b", ...Array.from({ length: 2_500 }, (_, n) => n));
    desk.records.change((now) => desk.records.journal.appendOfAgent("state.updated", {}, now));
    const pages: number[] = [];
    let after: string | undefined;
    let more = true;
    while (more) {
      const request = { instanceId: undefined, types: ["state.updated"], after, limit: 10 } as const;
      const answer = desk.records.journal.read(request);
      pages.push(answer.events.length);
      ({ cursor: after, more } = answer);
    }
    expect(pages).toEqual([0, 0, 1]);
    expect(
      desk.records.journal.read({ instanceId: "b", workflow: "other", after: undefined, limit: 5 }).events,
    ).toEqual([]);
  });
});
