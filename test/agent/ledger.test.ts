import { describe, expect, test } from "vitest";
import { toInstance } from "../../src/gateway/agent/ledger.ts";
import { AGENT, force, NOON, openDesk, RefundInstance } from "./stand-ins.ts";

describe("an instance on record", () => {
  test("is found by its id and by the engine's, and by no other", () => {
    const { accept, records } = openDesk();
    const row = accept("r-1");
    expect(records.ledger.find("r-1")).toEqual(row);
    expect(records.ledger.findByEngineId("engine-r-1")).toEqual(row);
    expect(records.ledger.find("engine-r-1")).toBeUndefined();
    expect(records.ledger.findByEngineId("r-1")).toBeUndefined();
  });

  test("keeps its id: a second one of the same id is not taken, and changes nothing", () => {
    const { accept, records } = openDesk();
    const row = accept("r-1");
    const again = {
      id: "r-1",
      engineId: "other",
      workflow: "ship",
      binding: "SHIP",
      params: {},
      metadata: {},
      now: NOON + 1,
    };
    expect(records.ledger.insert(again)).toBeUndefined();
    expect(records.ledger.find("r-1")).toEqual(row);
    expect(records.ledger.insert({ ...again, id: "r-2" })).toMatchObject({ id: "r-2" });
  });

  test("has ids that differ in the case of a letter for different instances", () => {
    const { accept, records } = openDesk();
    accept("r-A");
    expect(records.ledger.find("r-a")).toBeUndefined();
  });
});

describe("the engine is asked", () => {
  const MINUTE = 60_000;

  test("a minute after the last news, then twice as long each time, six hours at most", () => {
    const { accept, records, row } = openDesk();
    accept("r-1");
    const times: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      times.push(row("r-1").check_after / MINUTE);
      records.ledger.checked(row("r-1"), row("r-1").check_at ?? 0);
    }
    expect(times).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]);
  });

  test("no later if readers had it asked often", () => {
    const { accept, records, row } = openDesk();
    accept("r-1");
    for (let second = 1; second <= 30; second += 1) records.ledger.checked(row("r-1"), NOON + second * 1000);
    expect(row("r-1").check_at).toBe(NOON + 30_000 + 90_000);
  });

  test("in a second if it is about to say something else, and after that twice as long each time", () => {
    const { accept, records, row } = openDesk();
    records.ledger.checkAt(accept("r-1"), NOON + 1000, 1000);
    const times: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      times.push(row("r-1").check_after / 1000);
      records.ledger.checked(row("r-1"), row("r-1").check_at ?? 0);
    }
    expect(times.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 64]);
  });
});

describe("a change of an instance", () => {
  test("sets what it names, tells when, and leaves the rest", () => {
    const { accept, records, row } = openDesk();
    const before = accept("r-1");
    const changed = records.ledger.change(before, { status: "running", startedAt: NOON + 5 }, NOON + 5);
    expect(changed).toEqual({
      ...before,
      status: "running",
      started_at: NOON + 5,
      updated_at: NOON + 5,
      check_at: NOON + 5 + 60_000,
    });
    expect(row("r-1")).toEqual(changed);
  });

  test("tells `nothing` from `leave it`: what is set to nothing is null", () => {
    const { accept, records, row } = openDesk();
    const first = records.ledger.change(
      accept("r-1"),
      { progress: { percent: 0.5 }, output: { refundId: "x" } },
      NOON,
    );
    records.ledger.change(first, { status: "running" }, NOON);
    expect(row("r-1")).toMatchObject({ progress: '{"percent":0.5}', output: '{"refundId":"x"}' });
    records.ledger.change(row("r-1"), { progress: undefined, output: undefined }, NOON);
    expect(row("r-1")).toMatchObject({ progress: "null", output: "null" });
  });

  test("of one instance does not touch another", () => {
    const { accept, records, row } = openDesk();
    const other = accept("r-2");
    records.ledger.change(accept("r-1"), { status: "running" }, NOON + 5);
    expect(row("r-2")).toEqual(other);
  });
});

describe("an instance as clients see it", () => {
  const waitingFor = { type: "approval", approvalId: "apr_1", stepName: "manager", deadline: null } as const;
  const error = { name: "TypeError", message: "no" };

  test.each([
    ["queued", {}, {}],
    [
      "running",
      { startedAt: NOON, progress: { percent: 0.5 } },
      { startedAt: "2026-04-01T12:00:00.000Z", progress: { percent: 0.5 } },
    ],
    ["waiting", { waitingFor }, { waitingFor }],
    ["paused", {}, {}],
    [
      "complete",
      { output: { refundId: "x" }, completedAt: NOON },
      { output: { refundId: "x" }, completedAt: "2026-04-01T12:00:00.000Z" },
    ],
    ["complete", { output: undefined }, { output: null }],
    ["errored", { error }, { error }],
    ["terminated", {}, {}],
  ] as const)("matches the contract when it is %s", (status, change, shown) => {
    const { accept, records } = openDesk();
    const row = records.ledger.change(accept("r-1"), { ...change, status }, NOON);
    const instance = toInstance(row, AGENT);
    expect(RefundInstance.safeParse(instance).error).toBeUndefined();
    expect(instance).toMatchObject({
      id: "r-1",
      workflow: "refund",
      agent: AGENT,
      attempt: 1,
      status,
      ...shown,
    });
  });

  test("shows nothing of the engine, nor the params, which may hold what only the workflow should know", () => {
    const { accept } = openDesk();
    const text = JSON.stringify(toInstance(accept("r-1"), AGENT));
    expect(text).not.toContain("engine-");
    expect(text).not.toContain("orderId");
    expect(text).not.toContain("REFUND");
  });

  test("links to itself and its events, with an id that a URL cannot misread", () => {
    const { accept } = openDesk();
    const { links } = toInstance(accept("ada@x+y~1"), AGENT);
    expect(new URL(links.self, "http://gateway").pathname).toBe(links.self);
    expect(decodeURIComponent(links.self)).toBe(`${AGENT}/instances/ada@x+y~1`);
    expect(links.events).toBe(`${links.self}/events`);
  });

  test("is the same in a list", () => {
    const desk = openDesk();
    desk.accept("r-1");
    const row = force(desk, "r-1", "running");
    const page = desk.records.ledger.list(
      { status: [], workflow: undefined, limit: 1, cursor: undefined },
      AGENT,
    );
    expect(page).toEqual({ items: [toInstance(row, AGENT)], nextCursor: null });
  });
});
