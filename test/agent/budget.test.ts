import { describe, expect, test } from "vitest";
import { CHARACTERS_A_CALL, takeWithinBudget } from "../../src/gateway/agent/budget.ts";
import { sweep } from "../../src/gateway/agent/removing.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { AGENT, type Desk, openDesk } from "./stand-ins.ts";

const LARGE = "x".repeat(1_000_000);
const PAGE = { limit: 100, cursor: undefined };

/** A desk that measures what each query brings into memory. @returns it, and the most that one query brought, in characters. */
function measuredDesk(): { desk: Desk; most: () => number } {
  let most = 0;
  const sqlite = sqliteStorage();
  const { sql } = sqlite.storage;
  const exec = (query: string, ...bindings: SqlStorageValue[]) => {
    const rows = sql.exec(query, ...bindings).toArray();
    most = Math.max(most, JSON.stringify(rows).length);
    return { toArray: () => rows };
  };
  const storage = { ...sqlite.storage, sql: { exec } } as unknown as DurableObjectStorage;
  return { desk: openDesk({ ...sqlite, storage }), most: () => most };
}

/** Puts large instances on record, each with a large event. */
function fill(desk: Desk, count: number): void {
  for (let n = 0; n < count; n += 1) {
    const id = `r-${n}`;
    desk.accept(id);
    desk.report(id, { type: "progress", key: "p", progress: { text: LARGE } });
  }
}

describe("however large rows are, one query brings no more than one answer takes", () => {
  const ROOM = CHARACTERS_A_CALL + 100_000;

  test("of a page of instances, and the cursors give each once", () => {
    const { desk, most } = measuredDesk();
    fill(desk, 11);
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = desk.records.ledger.list({ ...PAGE, status: [], cursor }, AGENT);
      expect(page.items.length).toBeGreaterThan(1);
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(ids).toEqual(Array.from({ length: 11 }, (_, n) => `r-${10 - n}`));
    expect(most()).toBeLessThan(ROOM);
  });

  test("of a page of approvals", () => {
    const { desk, most } = measuredDesk();
    for (let n = 0; n < 9; n += 1) {
      desk.accept(`r-${n}`);
      desk.ask(`r-${n}`, { details: LARGE });
    }
    const page = desk.records.approvals.list({ ...PAGE, status: ["pending"] });
    expect(page.items.length).toBeLessThan(9);
    expect(page.nextCursor).not.toBeNull();
    expect(most()).toBeLessThan(ROOM);
  });

  test("of a stretch of a journal, which says that there is more", () => {
    const { desk, most } = measuredDesk();
    fill(desk, 9);
    const read = (after: string | undefined) =>
      desk.records.journal.read({ instanceId: undefined, after, limit: 200 });
    const stretches = [read(undefined)];
    while (stretches.at(-1)?.more === true) stretches.push(read(stretches.at(-1)?.cursor));
    expect(stretches.length).toBeGreaterThan(2);
    expect(stretches.flatMap(({ events }) => events.map(({ id }) => id))).toEqual(
      desk.published.flat().map(({ id }) => id),
    );
    expect(desk.records.journal.after(0, 200).length).toBeLessThan(20);
    expect(most()).toBeLessThan(ROOM);
  });

  test("of instances that are deleted together", () => {
    const { desk, most } = measuredDesk();
    fill(desk, 9);
    const { answer } = sweep(desk.records, {
      filter: { status: [] },
      force: true,
      once: undefined,
      limit: 500,
    });
    expect(answer.deleted).toBe(9);
    expect(most()).toBeLessThan(ROOM);
  });
});

test.each([
  [[], 10, 1_000, 0],
  [[5_000], 10, 1_000, 1],
  [[5_000, 1], 10, 1_000, 1],
  [[300, 300, 300], 10, 1_000, 2],
  [[1, 1, 1], 2, 1_000, 2],
])("of items of %j bytes, %d at most and %d characters, %s are taken", (sizes, limit, budget, count) => {
  expect(
    takeWithinBudget(
      sizes.map((size) => ({ size })),
      limit,
      budget,
    ),
  ).toHaveLength(count);
});
