import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/gateway/contract/audit.ts";
import { AUDIT_TABLE, AuditLog } from "../../src/gateway/durable/audit-log.ts";
import { Store } from "../../src/gateway/durable/store.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

const NOON = Date.UTC(2026, 3, 1, 12);
const ADA: Actor = { name: "ada", door: "rest", scopes: "all", address: "203.0.113.7", requestId: "r-1" };

function openLog(owner = "/agents/order-desk/acme") {
  const sqlite = sqliteStorage();
  const store = new Store(sqlite.storage, { migrations: [AUDIT_TABLE] });
  const log = new AuditLog(store, owner);
  const write = (count: number): void => {
    store.open();
    for (let n = 1; n <= count; n += 1)
      log.write({ action: "instance.start", target: `/x/${n}`, detail: { n } }, ADA, NOON + n);
  };
  return { ...sqlite, log, write };
}

describe("an audit log", () => {
  test("is empty and whole before anything was written, and asking writes nothing", () => {
    const { log, query } = openLog();
    expect(log.page({ limit: 10, cursor: undefined })).toEqual({ items: [], nextCursor: null });
    expect(log.verify(undefined)).toEqual({
      valid: true,
      checked: 0,
      brokenAt: null,
      head: null,
      nextCursor: null,
    });
    expect(query("SELECT name FROM sqlite_master")).toEqual([]);
  });

  test("says who did what to what, by which door and from where", () => {
    const { log, write } = openLog();
    write(1);
    const [entry] = log.page({ limit: 10, cursor: undefined }).items;
    expect(entry).toEqual({
      seq: 1,
      time: new Date(NOON + 1).toISOString(),
      principal: "ada",
      door: "rest",
      address: "203.0.113.7",
      requestId: "r-1",
      action: "instance.start",
      target: "/x/1",
      detail: { n: 1 },
      hash: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  test("keeps a name that is no Unicode as it is", () => {
    const { log, write } = openLog();
    write(1);
    log.write({ action: "instance.start", target: "/x" }, { ...ADA, name: "a\u0000\uD800" }, NOON);
    expect(log.page({ limit: 1, cursor: undefined }).items[0]?.principal).toBe("a\u0000\uD800");
    expect(log.verify(undefined)).toMatchObject({ valid: true, checked: 2 });
  });

  test("is read in pages, newest first, each entry once, while more is written", () => {
    const { log, write } = openLog();
    write(25);
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = log.page({ limit: 10, cursor });
      seen.push(...page.items.map(({ seq }) => seq));
      cursor = page.nextCursor ?? undefined;
      write(1);
    } while (cursor !== undefined);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => 25 - n));
  });

  test("refuses a cursor of another list", () => {
    const { log, write } = openLog();
    write(3);
    const { nextCursor } = log.page({ limit: 1, cursor: undefined });
    expect(() => log.verify(nextCursor ?? undefined)).toThrow("nextCursor");
    expect(() => log.page({ limit: 1, cursor: "3.x" })).toThrow("nextCursor");
  });

  test("is checked a stretch at a time where it is long", () => {
    const { log, write } = openLog();
    write(2_500);
    const first = log.verify(undefined);
    expect(first).toMatchObject({ valid: true, checked: 2_000, head: { seq: 2_000 } });
    expect(log.verify(first.nextCursor ?? undefined)).toMatchObject({
      valid: true,
      checked: 500,
      head: { seq: 2_500 },
      nextCursor: null,
    });
  });

  test.each([
    ["the time", "UPDATE switchyard_audit SET time = time + 1 WHERE seq = 3", 3],
    ["the principal", `UPDATE switchyard_audit SET principal = '"eve"' WHERE seq = 3`, 3],
    ["the door", "UPDATE switchyard_audit SET door = 'link' WHERE seq = 3", 3],
    ["the address", "UPDATE switchyard_audit SET address = NULL WHERE seq = 3", 3],
    ["the request", "UPDATE switchyard_audit SET request_id = 'r-2' WHERE seq = 3", 3],
    ["the action", "UPDATE switchyard_audit SET action = 'instance.delete' WHERE seq = 3", 3],
    ["the target", "UPDATE switchyard_audit SET target = '/y' WHERE seq = 3", 3],
    ["the detail", "UPDATE switchyard_audit SET detail = '{}' WHERE seq = 3", 3],
    ["the hash", "UPDATE switchyard_audit SET hash = 'x' WHERE seq = 3", 3],
    ["an entry that is gone", "DELETE FROM switchyard_audit WHERE seq = 3", 3],
    ["the first entry, gone", "DELETE FROM switchyard_audit WHERE seq = 1", 1],
    ["the last entry, gone", "DELETE FROM switchyard_audit WHERE seq = 5", 5],
    ["all entries, gone", "DELETE FROM switchyard_audit", 1],
  ])("shows what was done to it: %s", (_, tamper, brokenAt) => {
    const { log, write, query } = openLog();
    write(5);
    expect(log.verify(undefined)).toMatchObject({ valid: true, checked: 5 });
    query(tamper);
    expect(log.verify(undefined)).toMatchObject({ valid: false, brokenAt });
  });

  test("of one agent does not pass for that of another", () => {
    const { log, write, storage } = openLog();
    write(2);
    expect(log.verify(undefined).valid).toBe(true);
    const other = new AuditLog(new Store(storage, { migrations: [AUDIT_TABLE] }), "/agents/order-desk/other");
    expect(other.verify(undefined)).toMatchObject({ valid: false, brokenAt: 1 });
  });
});
