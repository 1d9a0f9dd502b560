import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Children } from "../../src/gateway/agent/children.ts";
import { Courier } from "../../src/gateway/agent/courier.ts";
import { Departures, type Dissolved, isLeaving } from "../../src/gateway/agent/departures.ts";
import { Engine } from "../../src/gateway/agent/engine.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { failFirst, isEmpty, StandInWorkflow } from "./stand-in-engine.ts";
import { NOON, openDesk } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

class Stool {
  readonly kind = "Stool";
}
const stool = defineAgent({ name: "departing-stool", agent: Stool });
const PATIENCE_MS = 2_000;

/** One agent with what is below it; each is asked to end as by the agent above it. */
class Node {
  readonly desk;
  readonly departures: Departures;
  readonly courier: Courier;
  readonly below = new Map<string, Node>();
  readonly workflow = new StandInWorkflow();
  /** When it was asked to end, in milliseconds after noon. */
  readonly asked: number[] = [];

  constructor() {
    const sqlite = sqliteStorage();
    sqlite.query(
      "CREATE TABLE cf_agents_sub_agents (class TEXT, name TEXT, created_at INTEGER, PRIMARY KEY (class, name))",
    );
    this.desk = openDesk(sqlite);
    const { records } = this.desk;
    const children = new Children(records.store, { children: [stool] }, (child) => isLeaving(records, child));
    this.departures = new Departures(records, children, {
      path: [{ agent: "order-desk", name: "acme" }],
      ensureAlarm: async () => {},
      deliver: () =>
        Promise.race([
          this.courier.deliver(),
          new Promise<void>((resume) => setTimeout(resume, PATIENCE_MS)),
        ]),
      hasChild: ({ name }) => this.below.has(name),
      dissolveChild: ({ name }) => this.child(name).dissolve(),
      wipeChild: async ({ name }) => {
        this.below.delete(name);
        records.store.run("DELETE FROM cf_agents_sub_agents WHERE name = ?", name);
      },
      announce: async () => {},
      closeTails: () => {},
    });
    this.courier = new Courier(records, new Engine({ REFUND: this.workflow }), () => ({}), {
      failed: () => {},
      dissolve: (child) => this.departures.proceed(child),
      finishAttempt: async () => {},
      burst: {},
    });
  }

  add(name: string): Node {
    const node = new Node();
    this.below.set(name, node);
    this.desk.records.store.run("INSERT INTO cf_agents_sub_agents VALUES (?, ?, ?)", "Stool", name, NOON);
    return node;
  }

  child(name: string): Node {
    const node = this.below.get(name);
    if (node === undefined) throw new Error(`no child ${name}`);
    return node;
  }

  /** Has an instance run that the engine does not end before some time has passed. */
  runs(id: string, { for: busyFor = 0 } = {}): this {
    this.desk.accept(id);
    this.workflow.views.set(`engine-${id}`, { status: "running" });
    const before = this.workflow.before;
    this.workflow.before = (call) => {
      if (call.startsWith("terminate") && Date.now() < NOON + busyFor) throw new Error("overloaded");
      return before(call);
    };
    return this;
  }

  dissolve(): Promise<Dissolved> {
    this.asked.push(Date.now() - NOON);
    return this.departures.dissolve();
  }

  /** Deletes a child, with an alarm behind it every second. @returns when it was gone, in milliseconds after noon. */
  async deletes(name: string): Promise<number> {
    void this.departures.begin({ agent: stool.name, name }, undefined);
    for (let second = 1; second <= 600 && this.below.has(name); second += 1) {
      await vi.advanceTimersByTimeAsync(1_000);
      void this.courier.deliver();
    }
    return Date.now() - NOON;
  }
}

describe("the end of an agent", () => {
  test("is over when all that ran in it and below it is, and nothing is left to tell", async () => {
    const root = new Node();
    const x = root.add("x").runs("r-1");
    const y = x.add("y").runs("r-2");
    await root.departures.begin({ agent: stool.name, name: "x" }, undefined);
    expect(root.below.size).toBe(0);
    expect(x.below.size).toBe(0);
    for (const { workflow } of [x, y]) expect(workflow.log).toEqual(["terminate", "delete"]);
    expect(isEmpty(root.desk)).toBe(true);
  });

  test("begins with all below it at once: one that takes long keeps no other back", async () => {
    const root = new Node();
    const x = root.add("x");
    const names = Array.from({ length: 60 }, (_, n) => `y-${n}`);
    const below = names.map((name) => x.add(name).runs("r-1", { for: 120_000 }));
    void root.departures.begin({ agent: stool.name, name: "x" }, undefined);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(below.filter(({ workflow }) => workflow.log.length === 0)).toEqual([]);
    expect(x.below.size).toBe(60);
  });

  test("is over soon after the engine has ended what ran, however many there are below it", async () => {
    const root = new Node();
    const x = root.add("x");
    for (let n = 1; n <= 12; n += 1) failFirst(x.add(`y-${n}`).runs("r-1").workflow, "terminate", 3);
    expect(await root.deletes("x")).toBeLessThan(30_000);
  });

  test("has come further whenever anything below it has, however deep", async () => {
    const x = new Node();
    const y = x.add("y");
    y.add("first").runs("r-1", { for: 100_000 });
    y.add("second").runs("r-1", { for: 200_000 });
    const outcomes: Dissolved[] = [];
    for (let minute = 0; minute < 8; minute += 1) {
      const dissolved = x.dissolve();
      await vi.advanceTimersByTimeAsync(60_000);
      outcomes.push(await dissolved);
    }
    const inShort = outcomes.filter((outcome, at) => outcome !== outcomes[at - 1]);
    expect(inShort).toEqual(["more", "waits", "more", "waits", "done"]);
  });

  test("is put off for ever longer while nothing below it moves", async () => {
    const root = new Node();
    const x = root.add("x").runs("r-1");
    failFirst(x.workflow, "terminate");
    await root.deletes("x");
    expect(x.asked.length).toBeLessThan(30);
    expect(root.below.has("x")).toBe(true);
  });

  test("ends also children that the author gave names without an address", async () => {
    const root = new Node();
    const x = root.add("x");
    const odd = ["a/b", "with space", "sub", "ä"].map((name) => x.add(name).runs("r-1"));
    await root.departures.begin({ agent: stool.name, name: "x" }, undefined);
    for (const { workflow } of odd) expect(workflow.log).toEqual(["terminate", "delete"]);
    expect(root.below.size).toBe(0);
  });

  test("ends more children, and more instances, than one call takes", async () => {
    const root = new Node();
    const x = root.add("x");
    for (let n = 1; n <= 501; n += 1) x.runs(`r-${n}`);
    for (let n = 1; n <= 3; n += 1) x.add(`y-${n}`);
    await root.deletes("x");
    expect([x.workflow.views.size, x.below.size, root.below.size]).toEqual([0, 0, 0]);
  });
});
