import { describe, expect, test } from "vitest";
import { besideSteps, readWithSteps } from "../../src/gateway/agent/events-with-steps.ts";
import { stepSource, takeSteps } from "../../src/gateway/agent/step-taking.ts";
import { applyControl } from "../../src/gateway/agent/controls.ts";
import { type GatewayEvent, isOfInstance } from "../../src/gateway/contract/event.ts";
import type { StepEvent } from "../../src/gateway/contract/step-event.ts";
import type { StepBatch, StepSource } from "../../src/gateway/port.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { engineEvent } from "./engine-step.ts";
import { type Desk, NOON, openDesk } from "./stand-ins.ts";

const ID = "r-1";

/** A desk with one instance that runs, and everything that was published of its steps. */
function openSteps(keepEvents?: number) {
  const desk = openDesk(sqliteStorage(), keepEvents === undefined ? {} : { keepEvents });
  desk.accept(ID);
  desk.report(ID, { type: "started" });
  const published: StepEvent[] = [];
  const take = (batch: Omit<StepBatch, "id">) =>
    takeSteps(desk.records, { id: ID, ...batch }, (event) => published.push(event));
  return { desk, published, take };
}
const sourceOf = ({ records }: Desk): StepSource => {
  const source = stepSource(records, ID);
  if (typeof source === "string") throw new Error(source);
  return source;
};
/** Steps that each begin: the n-th at n milliseconds after noon. */
const starts = (...numbers: number[]) =>
  numbers.map((n) => engineEvent(n, { type: "step_started", stepName: `s${n}-1` }));
/** The engine tells what comes next of the present attempt. */
function tell(
  { desk, take }: Pick<ReturnType<typeof openSteps>, "desk" | "take">,
  ...numbers: number[]
): void {
  take({ ...sourceOf(desk), events: starts(...numbers), end: false });
}
function progress({ records, row }: Desk, ...times: number[]): void {
  for (const n of times)
    records.change(() => records.journal.append(row(ID), "instance.progress", { progress: n }, NOON + n));
}
const read = ({ records, row }: Desk, after?: string, limit = 100) =>
  readWithSteps(records, { instanceId: ID, steps: true, after, limit }, row(ID));
/** An event in short, by when it was: `s3` is a step, `j3` an event of the journal. */
const short = (events: readonly GatewayEvent[]): string[] =>
  events.map(({ type, time }) => `${type.startsWith("step.") ? "s" : "j"}${Date.parse(time) - NOON}`);
const known = (events: readonly GatewayEvent[]) =>
  events.map((event) => JSON.stringify({ ...event, id: undefined }));
const restart = (desk: Desk): boolean =>
  desk.records.change((now) =>
    applyControl(desk.records, desk.row(ID), { action: "restart", resetClock: false }, now),
  );
/** The engine has restarted the instance, and its run has begun. */
function begin(desk: Desk): void {
  desk.records.change((now) => desk.records.ledger.change(desk.row(ID), { intent: null }, now));
  desk.report(ID, { type: "started" });
}

describe("a stretch with steps", () => {
  test("is of both lists by time, and the journal goes first", () => {
    const opened = openSteps();
    progress(opened.desk, 2, 5);
    tell(opened, 1, 2, 3, 6);
    expect(short(read(opened.desk).events)).toEqual(["j0", "s1", "j2", "s2", "s3", "j5", "s6"]);
  });

  test("leaves each list as it is, even where times do not", () => {
    const opened = openSteps();
    progress(opened.desk, 9, 2);
    tell(opened, 3, 1, 8);
    const told = short(read(opened.desk).events);
    expect(told.filter((one) => one.startsWith("j"))).toEqual(["j0", "j9", "j2"]);
    expect(told.filter((one) => one.startsWith("s"))).toEqual(["s3", "s1", "s8"]);
  });

  test.each([1, 2, 3, 5, 100])("is the same in pages of %d, and after every cursor", (limit) => {
    const opened = openSteps();
    progress(opened.desk, 2, 5, 6, 7, 8, 20);
    tell(opened, 1, 2, 3, 6, 9, 10, 11);
    const all = read(opened.desk).events;
    expect(new Set(all.map(({ id }) => id)).size).toBe(14);
    for (const [at, { id }] of [{ id: undefined }, ...all].entries()) {
      const rest: GatewayEvent[] = [];
      for (let after: string | undefined = id; ;) {
        const page = read(opened.desk, after, limit);
        expect(page.events.length).toBeLessThanOrEqual(limit);
        expect(page.gap).toBe(false);
        rest.push(...page.events);
        after = page.cursor;
        if (!page.more) break;
      }
      expect(rest).toEqual(all.slice(at));
    }
  });

  test("after a cursor that was given without steps has all of them, and the other way round", () => {
    const opened = openSteps();
    progress(opened.desk, 2, 5);
    tell(opened, 1, 3);
    const { events } = opened.desk.records.journal.read({ instanceId: ID, after: undefined, limit: 2 });
    expect(short(read(opened.desk, events.at(-1)?.id).events)).toEqual(["s1", "s3", "j5"]);
    const [, , , third] = read(opened.desk).events;
    const plain = opened.desk.records.journal.read({ instanceId: ID, after: third?.id, limit: 9 });
    expect(short(plain.events)).toEqual(["j5"]);
  });

  test("of another life of the agent begins anew, and is a gap", () => {
    const opened = openSteps();
    tell(opened, 1);
    const { events, gap } = read(opened.desk, "00000000-5.9");
    expect([short(events), gap]).toEqual([["j0", "s1"], true]);
  });
});

test("who follows live gets the same events, and goes on after any of them", () => {
  const opened = openSteps();
  const { desk, published } = opened;
  const live: GatewayEvent[] = [];
  const seen = { journal: desk.published.flat().length, steps: 0 };
  const before = read(desk).cursor;
  const follow = (): void => {
    for (const event of desk.published.flat().slice(seen.journal)) {
      if (isOfInstance(event)) live.push(besideSteps(desk.records, event));
    }
    live.push(...published.slice(seen.steps));
    Object.assign(seen, { journal: desk.published.flat().length, steps: published.length });
  };
  for (const n of [1, 2, 3, 4, 5, 6]) {
    // Late, as what crosses a network is.
    if (n % 2 === 0) progress(desk, n * 10);
    else tell(opened, n * 2, n * 2 + 1);
    follow();
  }
  expect(live).toHaveLength(9);
  for (const [at, { id }] of live.entries()) {
    expect(known(read(desk, id).events).toSorted()).toEqual(known(live.slice(at + 1)).toSorted());
  }
  expect(known(read(desk, before).events).toSorted()).toEqual(known(live).toSorted());
});

describe("what the engine tells", () => {
  test("counts once, whoever tells it", () => {
    const { desk, published, take } = openSteps();
    const source = sourceOf(desk);
    take({ ...source, events: starts(1, 2), end: false });
    // Another one has read the same, and more.
    expect(take({ ...source, events: starts(1, 2, 3), end: false })).toMatchObject({ after: 2 });
    expect(short(published)).toEqual(["s1", "s2"]);
  });

  test("is asked for after what was read, shown or not", () => {
    const { desk, published, take } = openSteps();
    const hidden = engineEvent(7, { type: "step_started", stepName: "__gateway_ask_manager-1" });
    expect(take({ ...sourceOf(desk), events: [hidden], end: false })).toMatchObject({ after: 7 });
    expect(published).toEqual([]);
  });

  test("is not published if it is not kept", () => {
    const { desk, published } = openSteps();
    const source = sourceOf(desk);
    expect(() =>
      desk.records.change(() => {
        takeSteps(desk.records, { id: ID, ...source, events: starts(1), end: false }, (event) =>
          published.push(event),
        );
        throw new Error("rolled back");
      }),
    ).toThrow("rolled back");
    expect([published, short(read(desk).events)]).toEqual([[], ["j0"]]);
  });

  test("is not waited for before a run has begun, and over when it has said so", () => {
    const desk = openDesk();
    desk.accept(ID);
    expect(stepSource(desk.records, ID)).toBe("later");
    expect(stepSource(desk.records, "nobody")).toBe("over");
    const { take, desk: other } = openSteps();
    expect(take({ ...sourceOf(other), events: starts(1), end: true })).toBe("over");
  });
});

describe("a restart", () => {
  test("lets the old attempt speak until the engine has restarted, and then begins anew", () => {
    const opened = openSteps();
    const { desk, take } = opened;
    tell(opened, 1, 2);
    restart(desk);
    const old = sourceOf(desk);
    expect(old).toMatchObject({ attempt: 1, after: 2 });
    take({ ...old, events: starts(3), end: false });
    desk.records.change(() => desk.records.steps.complete(ID, 1));
    // Who is late reads the new attempt already, and takes it for the old one.
    expect(take({ ...old, after: 3, events: starts(4), end: false })).toBe("later");
    begin(desk);
    expect(take({ ...old, after: 3, events: starts(4), end: false })).toMatchObject({ attempt: 2, after: 0 });
    take({
      ...sourceOf(desk),
      events: [engineEvent(1, { type: "step_started", stepName: "s1-1" }, 50)],
      end: false,
    });
    const steps = read(desk).events.filter(({ type }) => type.startsWith("step."));
    expect(steps.map((event) => [isOfInstance(event) && event.attempt, ...short([event])])).toEqual([
      [1, "s1"],
      [1, "s2"],
      [1, "s3"],
      [2, "s50"],
    ]);
  });

  test("from a step does not show again what was before it", () => {
    const opened = openSteps();
    const { desk, published, take } = opened;
    tell(opened, 1, 2, 3);
    desk.records.change(() => desk.records.steps.complete(ID, 1));
    restart(desk);
    begin(desk);
    const again = engineEvent(3, { type: "step_started", stepName: "s3-1" }, 60);
    expect(take({ ...sourceOf(desk), events: [...starts(1, 2), again], end: false })).toMatchObject({
      after: 3,
    });
    expect(short(published)).toEqual(["s1", "s2", "s3", "s60"]);
  });
});

describe("the steps of an instance", () => {
  test("are kept up to as many as its events, and what is missing is told once", () => {
    const opened = openSteps(100);
    tell(opened, 1);
    const { cursor } = read(opened.desk);
    tell(opened, ...Array.from({ length: 199 }, (_, n) => n + 2));
    const rows = opened.desk.query("SELECT count(*) AS n FROM switchyard_steps");
    expect(Number(rows[0]?.["n"])).toBeLessThanOrEqual(163);
    const page = read(opened.desk, cursor, 50);
    expect(page.gap).toBe(true);
    expect(read(opened.desk, page.cursor).gap).toBe(false);
    expect(read(opened.desk, page.from).gap).toBe(false);
    // Who begins at the beginning asks for what is kept.
    expect(read(opened.desk).gap).toBe(false);
  });

  test("that were dropped do not come back after a restart from a step", () => {
    const opened = openSteps(64);
    const { desk, published, take } = opened;
    const all = Array.from({ length: 128 }, (_, n) => n + 1);
    tell(opened, ...all);
    desk.records.change(() => desk.records.steps.complete(ID, 1));
    restart(desk);
    begin(desk);
    take({ ...sourceOf(desk), events: starts(...all), end: false });
    expect(published).toHaveLength(128);
  });

  test("go with it", () => {
    const opened = openSteps();
    tell(opened, 1);
    opened.desk.records.change(() => opened.desk.records.forget(opened.desk.row(ID)));
    for (const table of ["steps", "step_readings"])
      expect(opened.desk.query(`SELECT * FROM switchyard_${table}`)).toEqual([]);
  });
});
