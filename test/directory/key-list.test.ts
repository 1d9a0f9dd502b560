import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Actor } from "../../src/gateway/contract/audit.ts";
import { EVERYTHING, type Grant } from "../../src/gateway/contract/grant.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import { KeyList, KEYS_TABLE } from "../../src/gateway/directory/key-list.ts";
import { KEY_SCHEMA, KeyObject } from "../../src/gateway/directory/key-object.ts";
import { AUDIT_TABLE, AuditLog } from "../../src/gateway/durable/audit-log.ts";
import { Store } from "../../src/gateway/durable/store.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

const ADA: Actor = { name: "ada", door: "rest", scopes: "all", address: null, requestId: "r-1" };
const GRANT = { scopes: ["instances:read"], agents: ["/agents/catalog/**"] };
const digest = (letter: string): string => letter.repeat(64);
const idOf = (letter: string): string => letter.repeat(16);

/** Where the process dies: before the object of a key hears of a change, or after it, before the list does. */
type Death = "before" | "after" | undefined;

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

function openDirectory() {
  const sqlite = sqliteStorage();
  const objects = new Map<string, KeyObject>();
  let death: Death;
  const objectOf = (id: string): KeyObject => {
    const known = objects.get(id) ?? new KeyObject(new Store(sqliteStorage().storage, KEY_SCHEMA));
    objects.set(id, known);
    return known;
  };
  const dying = (work: () => Promise<null>) => async () => {
    if (death === "before") throw new Error("died");
    await work();
    if (death === "after") throw new Error("died");
    return null;
  };
  /** The directory as it is when it wakes: nothing is in memory. */
  const wake = () => {
    const store = new Store(sqlite.storage, { migrations: [AUDIT_TABLE, KEYS_TABLE] });
    const audit = new AuditLog(store, "/");
    const list = new KeyList(store, audit, (id) => ({
      create: (input) => dying(() => objectOf(id).create(input))(),
      rotate: (input) => dying(() => objectOf(id).rotate(input))(),
      revoke: (input) => dying(() => objectOf(id).revoke(input))(),
    }));
    return { list, audit };
  };
  let { list, audit } = wake();
  return {
    query: sqlite.query,
    die: (at: Death) => {
      death = at;
    },
    restart: () => {
      death = undefined;
      ({ list, audit } = wake());
    },
    create: (letter: string, name = `key-${letter}`, holder: Grant = EVERYTHING, grant = GRANT) =>
      list.createKey(
        { id: idOf(letter), digest: digest(letter), holder, name, ...grant, expiresAt: null },
        ADA,
      ),
    rotate: (letter: string, secret: string, graceMs = 3_600_000) =>
      list.rotateKey({ id: idOf(letter), digest: digest(secret), holder: EVERYTHING, graceMs }, ADA),
    revoke: (letter: string) => list.revokeKey({ id: idOf(letter), holder: EVERYTHING }, ADA),
    get: (letter: string, holder: Grant = EVERYTHING) => list.getKey({ id: idOf(letter), holder }),
    page: (limit = 50, cursor?: string, holder: Grant = EVERYTHING) =>
      list.listKeys({ holder, limit, cursor }),
    isGood: async (letter: string, secret = letter) =>
      (await objectOf(idOf(letter)).check({ digest: digest(secret), now: Date.now() })) !== null,
    deeds: () =>
      audit.page({ limit: 50, cursor: undefined }).items.map(({ action, target }) => `${action} ${target}`),
  };
}

const codeOf = (asking: Promise<unknown>): Promise<unknown> =>
  asking.then(
    () => "done",
    (failure: unknown) => (failure instanceof ProblemError ? failure.code : failure),
  );

describe("the list of keys", () => {
  test("is empty before there is one, and asking writes nothing", async () => {
    const { page, get, query } = openDirectory();
    expect(await page()).toEqual({ items: [], nextCursor: null });
    expect(await codeOf(get("a"))).toBe("key_not_found");
    expect(query("SELECT name FROM sqlite_master")).toEqual([]);
  });

  test("shows pages, newest first, with a cursor that none but this list takes", async () => {
    const { create, page } = openDirectory();
    for (const letter of ["a", "b", "c"]) await create(letter);
    const first = await page(2);
    expect(first.items.map(({ name }) => name)).toEqual(["key-c", "key-b"]);
    const second = await page(2, first.nextCursor ?? "");
    expect(second).toMatchObject({ items: [{ name: "key-a" }], nextCursor: null });
    expect(await codeOf(page(2, "nonsense"))).toBe("invalid_cursor");
  });

  test("shows who asks what it could have made itself", async () => {
    const { create, page, get } = openDirectory();
    await create("a", "mine");
    await create("b", "theirs", EVERYTHING, { scopes: ["instances:read"], agents: ["/agents/desk/**"] });
    await create("c", "stronger", EVERYTHING, { scopes: ["keys:manage"], agents: GRANT.agents });
    const some = await page(50, undefined, GRANT);
    expect(some.items.map(({ name }) => name)).toEqual(["mine"]);
    for (const letter of ["b", "c"]) expect(await codeOf(get(letter, GRANT))).toBe("key_not_found");
  });

  test("pages through keys of which a caller sees few", async () => {
    const { create, page } = openDirectory();
    await create("a", "mine");
    for (let n = 0; n < 1_001; n += 1)
      await create(`b${n}`, `theirs-${n}`, EVERYTHING, { scopes: ["a:b"], agents: ["/agents/desk/**"] });
    const first = await page(50, undefined, GRANT);
    expect(first.items).toEqual([]);
    const second = await page(50, first.nextCursor ?? "", GRANT);
    expect(second).toMatchObject({ items: [{ name: "mine" }], nextCursor: null });
  });

  test("keeps no digest once a change is made", async () => {
    const { create, rotate, query } = openDirectory();
    await create("a");
    await rotate("a", "b");
    expect(JSON.stringify(query("SELECT * FROM switchyard_keys"))).not.toMatch(/a{64}|b{64}/);
  });
});

describe.each<Death>(["before", "after"])("a death %s the object of the key heard of it", (death) => {
  test("takes back a key that nobody was shown, and leaves its name free", async () => {
    const { die, restart, create, page, isGood, deeds } = openDirectory();
    die(death);
    await expect(create("a", "ada")).rejects.toThrow("died");
    restart();
    expect((await page()).items).toEqual([]);
    expect(await isGood("a")).toBe(false);
    expect(await create("b", "ada")).toMatchObject({ name: "ada", status: "active" });
    expect(await isGood("b")).toBe(true);
    expect(deeds()).toEqual([`key.create /keys/${idOf("b")}`]);
  });

  test("lets a rotation be finished, and the secret in use be good yet", async () => {
    const { die, restart, create, rotate, get, isGood, deeds } = openDirectory();
    await create("a");
    die(death);
    await expect(rotate("a", "b")).rejects.toThrow("died");
    restart();
    expect(await get("a")).toMatchObject({
      rotatedAt: expect.any(String),
      previousSecretUntil: expect.any(String),
    });
    await rotate("a", "c");
    expect([await isGood("a", "a"), await isGood("a", "c")]).toEqual([true, true]);
    const rotated = `key.rotate /keys/${idOf("a")}`;
    expect(deeds()).toEqual([rotated, rotated, `key.create /keys/${idOf("a")}`]);
  });

  test("lets a revocation be finished by whatever is asked next", async () => {
    const { die, restart, create, revoke, page, isGood, deeds } = openDirectory();
    await create("a");
    die(death);
    await expect(revoke("a")).rejects.toThrow("died");
    restart();
    expect((await page()).items).toMatchObject([{ status: "revoked" }]);
    expect(await isGood("a")).toBe(false);
    expect(deeds()).toEqual([`key.revoke /keys/${idOf("a")}`, `key.create /keys/${idOf("a")}`]);
  });

  test("of one key keeps nobody from another", async () => {
    const { die, create, revoke, page, get } = openDirectory();
    await create("a");
    await create("b");
    die(death);
    await expect(revoke("a")).rejects.toThrow("died");
    // It cannot be reached yet.
    expect(await get("b")).toMatchObject({ status: "active" });
    expect((await page()).items).toHaveLength(2);
  });
});
