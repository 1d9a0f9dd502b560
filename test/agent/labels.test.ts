import { describe, expect, test } from "vitest";
import { labelText } from "../../src/gateway/agent/labels.ts";
import type { Metadata } from "../../src/gateway/contract/instance.ts";
import { type SqliteStorage, sqliteStorage } from "../support/sqlite-storage.ts";
import { type Desk, openDesk } from "./stand-ins.ts";

const labelled = ({ records }: Desk, metadata: Metadata): string[] =>
  records.ledger
    .list({ status: [], metadata, limit: 100, cursor: undefined, order: "oldest" }, records.agent)
    .items.map(({ id }) => id);
const indexed = ({ query }: SqliteStorage) =>
  query(
    "SELECT key || ' ' || value || ' ' || ordinal AS label FROM switchyard_labels ORDER BY ordinal, key",
  ).map(({ label }) => label);

/** The agent as it wakes with other labels than before. */
function wake(sqlite: SqliteStorage, labels: readonly string[]): Desk {
  const desk = openDesk(sqlite, { labels });
  desk.records.change(() => desk.records.labels.bringUpToDate());
  return desk;
}

/** Labels whose text SQLite could write otherwise than JSON does. */
const ODD: readonly (string | number | boolean)[] = [
  "",
  "1",
  1,
  true,
  false,
  0,
  -0,
  -1.5,
  1e21,
  1e-7,
  0.1 + 0.2,
  Number.MAX_SAFE_INTEGER,
  "true",
  "null",
  'a"b\\c/d',
  "\u0000\u001f\u007f\u2028\n",
  "日本 👩‍👩‍👧 \ud800",
  "'; DROP TABLE switchyard_labels; --",
  "$.owner",
];

describe("of the metadata", () => {
  test("only declared keys are in the index; all are kept and shown", () => {
    const desk = openDesk();
    desk.accept("r-1", { metadata: { owner: "ada", colour: "red", urgent: true } });
    expect(indexed(desk)).toEqual(['owner "ada" 1', "urgent true 1"]);
    expect(desk.row("r-1").metadata).toBe('{"owner":"ada","colour":"red","urgent":true}');
  });

  test("texts, numbers and booleans are apart, and all that is asked for must be there", () => {
    const desk = openDesk();
    desk.accept("text", { metadata: { n: "1", owner: "ada" } });
    desk.accept("number", { metadata: { n: 1, owner: "ada" } });
    desk.accept("boolean", { metadata: { n: true, owner: "grace" } });
    expect(labelled(desk, { n: "1" })).toEqual(["text"]);
    expect(labelled(desk, { n: 1 })).toEqual(["number"]);
    expect(labelled(desk, { n: true })).toEqual(["boolean"]);
    expect(labelled(desk, { owner: "ada" })).toEqual(["text", "number"]);
    expect(labelled(desk, { owner: "ada", n: 1 })).toEqual(["number"]);
    expect(labelled(desk, { owner: "grace", n: 1 })).toEqual([]);
  });

  test("nothing is left of an instance that is deleted", () => {
    const desk = openDesk();
    desk.accept("r-1", { metadata: { owner: "ada", n: 1 } });
    desk.accept("r-2", { metadata: { owner: "ada" } });
    desk.records.change(() => desk.records.forget(desk.row("r-1")));
    expect(indexed(desk)).toEqual(['owner "ada" 2']);
  });
});

describe("when the declared labels have changed, the agent that wakes", () => {
  test("finds older instances by the new ones, and none by those that are gone", () => {
    const sqlite = sqliteStorage();
    const before = openDesk(sqlite, { labels: ["owner"] });
    before.accept("r-1", { metadata: { owner: "ada", n: 1, "x.y-z": "odd" } });
    before.accept("r-2", { metadata: { owner: "ada" } });
    const after = wake(sqlite, ["n", "x.y-z"]);
    expect(indexed(after)).toEqual(["n 1 1", 'x.y-z "odd" 1']);
    expect(labelled(after, { n: 1 })).toEqual(["r-1"]);
    expect(labelled(after, { "x.y-z": "odd" })).toEqual(["r-1"]);
    after.accept("r-3", { metadata: { n: 1, owner: "ada" } });
    expect(labelled(after, { n: 1 })).toEqual(["r-1", "r-3"]);
  });

  test.each(ODD.map((value) => [value]))("finds %j as if it had been declared from the start", (value) => {
    const sqlite = sqliteStorage();
    openDesk(sqlite, { labels: [] }).accept("r-1", { metadata: { owner: value } });
    const desk = wake(sqlite, ["owner"]);
    expect(indexed(desk)).toEqual([`owner ${labelText(value)} 1`]);
    expect(labelled(desk, { owner: value })).toEqual(["r-1"]);
  });

  test("does that once: nothing is written when the labels are those of before", () => {
    const sqlite = sqliteStorage();
    openDesk(sqlite, { labels: ["owner"] }).accept("r-1", { metadata: { owner: "ada" } });
    const changes = () => sqlite.query("SELECT total_changes() AS n")[0]?.["n"];
    const before = changes();
    wake(sqlite, ["owner"]);
    expect(changes()).toBe(before);
  });

  test("has all of the new index, or the old one", () => {
    const sqlite = sqliteStorage();
    openDesk(sqlite, { labels: ["owner"] }).accept("r-1", { metadata: { owner: "ada", n: 1 } });
    const desk = openDesk(sqlite, { labels: ["n"] });
    const failing = () =>
      desk.records.change(() => {
        desk.records.labels.bringUpToDate();
        throw new Error("the process dies");
      });
    expect(failing).toThrow("the process dies");
    expect(indexed(sqlite)).toEqual(['owner "ada" 1']);
    expect(labelled(wake(sqlite, ["n"]), { n: 1 })).toEqual(["r-1"]);
  });
});
