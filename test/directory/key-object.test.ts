import { describe, expect, test } from "vitest";
import { KEY_SCHEMA, KeyObject } from "../../src/gateway/directory/key-object.ts";
import { Store } from "../../src/gateway/durable/store.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

const NOON = Date.UTC(2026, 3, 1, 12);
const HOUR = 3_600_000;
const digest = (letter: string): string => letter.repeat(64);
const GRANT = { scopes: ["instances:read"], agents: ["/agents/catalog/**"] };

function openObject() {
  const sqlite = sqliteStorage();
  return { ...sqlite, key: new KeyObject(new Store(sqlite.storage, KEY_SCHEMA)) };
}

async function createdObject(expiresAt: number | null = null) {
  const object = openObject();
  await object.key.create({ name: "ada", ...GRANT, expiresAt, digest: digest("a"), now: NOON });
  return object;
}

describe("the object of a key", () => {
  test("that was never made knows nobody, and asking it writes nothing", async () => {
    const { key, query } = openObject();
    expect(await key.check({ digest: digest("a"), now: NOON })).toBeNull();
    expect(query("SELECT name FROM sqlite_master")).toEqual([]);
  });

  test("knows its holder by the digest of the secret, and by no other", async () => {
    const { key } = await createdObject();
    expect(await key.check({ digest: digest("a"), now: NOON })).toEqual({
      name: "ada",
      ...GRANT,
      expiresAt: null,
    });
    for (const other of [digest("b"), "a", "", `${digest("a")}a`, digest("A")])
      expect(await key.check({ digest: other, now: NOON })).toBeNull();
  });

  test("ends when it was to", async () => {
    const { key } = await createdObject(NOON + HOUR);
    const at = (now: number) => key.check({ digest: digest("a"), now });
    expect(await at(NOON + HOUR - 1)).toMatchObject({ expiresAt: NOON + HOUR });
    expect(await at(NOON + HOUR)).toBeNull();
  });

  test("is made once: what comes again changes nothing", async () => {
    const { key } = await createdObject();
    await key.create({
      name: "eve",
      scopes: [],
      agents: [],
      expiresAt: null,
      digest: digest("e"),
      now: NOON,
    });
    expect(await key.check({ digest: digest("e"), now: NOON })).toBeNull();
    expect(await key.check({ digest: digest("a"), now: NOON })).toMatchObject({ name: "ada" });
  });

  test("takes the secret before for as long as it was told, and tells when that ends", async () => {
    const { key } = await createdObject();
    const turn = { digest: digest("b"), now: NOON, previousUntil: NOON + HOUR };
    await key.rotate(turn);
    await key.rotate(turn);
    expect(await key.check({ digest: digest("a"), now: NOON + HOUR - 1 })).toMatchObject({
      expiresAt: NOON + HOUR,
    });
    expect(await key.check({ digest: digest("a"), now: NOON + HOUR })).toBeNull();
    expect(await key.check({ digest: digest("b"), now: NOON + HOUR })).toMatchObject({ expiresAt: null });
  });

  test("keeps the secret that is in use when a rotation is repeated whose answer was lost", async () => {
    const { key } = await createdObject();
    await key.rotate({ digest: digest("b"), now: NOON, previousUntil: NOON + HOUR });
    await key.rotate({ digest: digest("c"), now: NOON + 1, previousUntil: NOON + 1 + HOUR });
    for (const letter of ["a", "b", "c"])
      expect(await key.check({ digest: digest(letter), now: NOON + 2 }), letter).not.toBeNull();
  });

  test("takes no secret before if that was to end at once", async () => {
    const { key } = await createdObject();
    await key.rotate({ digest: digest("b"), now: NOON, previousUntil: NOON + HOUR });
    await key.rotate({ digest: digest("c"), now: NOON + 1, previousUntil: NOON + 1 });
    for (const letter of ["a", "b"])
      expect(await key.check({ digest: digest(letter), now: NOON + 2 })).toBeNull();
    expect(await key.check({ digest: digest("c"), now: NOON + 2 })).not.toBeNull();
  });

  test("takes the newest five secrets before", async () => {
    const { key, query } = await createdObject();
    const letters = ["b", "c", "d", "e", "f", "0", "1"];
    for (const [at, letter] of letters.entries())
      await key.rotate({ digest: digest(letter), now: NOON + at + 1, previousUntil: NOON + HOUR });
    const good = [];
    for (const letter of ["a", ...letters])
      if ((await key.check({ digest: digest(letter), now: NOON + 10 })) !== null) good.push(letter);
    expect(good).toEqual(["c", "d", "e", "f", "0", "1"]);
    expect(query("SELECT count(*) AS kept FROM switchyard_key_secrets")).toEqual([{ kept: 6 }]);
  });

  test("stays revoked, whatever was on its way to it", async () => {
    const { key, query } = await createdObject();
    await key.revoke({ now: NOON + 1 });
    await key.revoke({ now: NOON + 2 });
    await key.rotate({ digest: digest("b"), now: NOON, previousUntil: NOON + HOUR });
    await key.create({ name: "ada", ...GRANT, expiresAt: null, digest: digest("a"), now: NOON });
    for (const letter of ["a", "b"])
      expect(await key.check({ digest: digest(letter), now: NOON })).toBeNull();
    expect(query("SELECT revoked_at FROM switchyard_key")).toEqual([{ revoked_at: NOON + 1 }]);
    expect(query("SELECT * FROM switchyard_key_secrets")).toEqual([]);
  });

  test("that is taken back before it was made is never made", async () => {
    const { key } = openObject();
    await key.revoke({ now: NOON });
    await key.create({ name: "ada", ...GRANT, expiresAt: null, digest: digest("a"), now: NOON });
    expect(await key.check({ digest: digest("a"), now: NOON })).toBeNull();
  });
});
