import { describe, expect, test } from "vitest";
import { AGENT_SCHEMA } from "../../src/gateway/agent/schema.ts";
import { Store } from "../../src/gateway/durable/store.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

const tablesOf = (query: (sql: string) => unknown[]) =>
  query("SELECT name FROM sqlite_master WHERE type = 'table'");

describe("the tables of an agent", () => {
  test("are not there before the first write, and asking for them writes nothing", () => {
    const { storage, query } = sqliteStorage();
    const store = new Store(storage, AGENT_SCHEMA);
    expect(store.exists()).toBe(false);
    expect(tablesOf(query)).toEqual([]);
    store.open();
    expect(store.exists()).toBe(true);
  });

  test("are found again by an agent that wakes, with the same life and the same key", () => {
    const { storage } = sqliteStorage();
    const before = new Store(storage, AGENT_SCHEMA);
    before.open();
    const after = new Store(storage, AGENT_SCHEMA);
    expect(after.exists()).toBe(true);
    after.open();
    expect(after.meta("epoch")).toBe(before.meta("epoch"));
    expect(after.meta("tail_key")).toBe(before.meta("tail_key"));
  });

  test("belong to one life of the agent: another one has another name and another key", () => {
    const lives = [sqliteStorage(), sqliteStorage()].map(({ storage }) => {
      const store = new Store(storage, AGENT_SCHEMA);
      store.open();
      return store;
    });
    const [one, two] = lives;
    expect(one?.meta("epoch")).toMatch(/^[0-9a-f]{8}$/);
    expect(one?.meta("epoch")).not.toBe(two?.meta("epoch"));
    expect(one?.meta("tail_key")).not.toBe(two?.meta("tail_key"));
  });

  test("stay out of the way of an author's own tables", () => {
    const { storage, query } = sqliteStorage();
    query("CREATE TABLE instances (id TEXT)");
    query("CREATE TABLE events (id TEXT)");
    new Store(storage, AGENT_SCHEMA).open();
    const names = tablesOf(query).map((row) => (row as { name: string }).name);
    expect(names.filter((name) => !name.startsWith("switchyard_") && !name.startsWith("sqlite_"))).toEqual([
      "instances",
      "events",
    ]);
  });

  test("that could not all be made are not there at all", () => {
    const { storage, query } = sqliteStorage();
    query("CREATE TABLE switchyard_outbox (id TEXT)");
    expect(() => new Store(storage, AGENT_SCHEMA).open()).toThrow("switchyard_outbox");
    expect(tablesOf(query)).toEqual([{ name: "switchyard_outbox" }]);
    expect(new Store(storage, AGENT_SCHEMA).exists()).toBe(false);
  });
});

const open = () => {
  const { storage, query } = sqliteStorage();
  const store = new Store(storage, AGENT_SCHEMA);
  query("CREATE TABLE things (id TEXT PRIMARY KEY, size INTEGER) STRICT");
  const things = () => query("SELECT id FROM things ORDER BY id").map(({ id }) => id);
  return { store, things };
};

describe("statements", () => {
  test("tell how many rows they changed", () => {
    const { store } = open();
    expect(store.change("INSERT INTO things VALUES (?, ?), (?, ?)", "a", 1, "b", 2)).toBe(2);
    expect(store.change("INSERT INTO things VALUES (?, ?) ON CONFLICT DO NOTHING", "a", 9)).toBe(0);
    expect(store.change("UPDATE things SET size = 3 WHERE id = ?", "b")).toBe(1);
    expect(store.change("DELETE FROM things WHERE id = ?", "c")).toBe(0);
  });

  test("of one change are all done, or none of them", () => {
    const { store, things } = open();
    store.transact(() => store.run("INSERT INTO things VALUES ('kept', 1)"));
    const failing = () =>
      store.transact(() => {
        store.run("INSERT INTO things VALUES ('lost', 1)");
        throw new Error("half-way");
      });
    expect(failing).toThrow("half-way");
    expect(things()).toEqual(["kept"]);
  });

  test("of a change within a change are undone alone", () => {
    const { store, things } = open();
    store.transact(() => {
      store.run("INSERT INTO things VALUES ('outer', 1)");
      try {
        store.transact(() => {
          store.run("INSERT INTO things VALUES ('inner', 1)");
          throw new Error("inner");
        });
      } catch {
        store.run("INSERT INTO things VALUES ('after', 1)");
      }
    });
    expect(things()).toEqual(["after", "outer"]);
  });

  test("of a change that is undone leave no value of the object behind", () => {
    const { store } = open();
    store.open();
    store.setMeta("alarm", "before");
    const setAndFail = (): void =>
      store.transact(() => {
        store.setMeta("alarm", "lost");
        store.setMeta("labels", "lost");
        throw new Error("half-way");
      });
    expect(setAndFail).toThrow("half-way");
    expect([store.findMeta("alarm"), store.findMeta("labels")]).toEqual(["before", undefined]);
    store.transact(() => {
      expect(setAndFail).toThrow("half-way");
      expect(store.meta("alarm")).toBe("before");
      store.setMeta("alarm", "after");
    });
    expect(store.meta("alarm")).toBe("after");
  });
});
