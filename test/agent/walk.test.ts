import { describe, expect, test } from "vitest";
import { Children } from "../../src/gateway/agent/children.ts";
import { AGENT_SCHEMA } from "../../src/gateway/agent/schema.ts";
import { Store } from "../../src/gateway/durable/store.ts";
import { type Stretch, walk, type WalkRequest } from "../../src/gateway/agent/walk.ts";
import type { AgentStep } from "../../src/gateway/contract/names.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

class Shelf {
  readonly kind = "Shelf";
}
class Box {
  readonly kind = "Box";
}
const classOf = (agent: string) => (agent === "shelf" ? "Shelf" : "Box");
const CLASSES = [
  { name: "shelf", agent: Shelf },
  { name: "box", agent: Box },
] as never;

/** Each agent lists its numbers, one at least; its cursor is the place in them. */
const stretchOf = (
  numbers: readonly number[],
  { limit, cursor, characters }: Required<Omit<WalkRequest, "visits">>,
) => {
  const from = Number(cursor ?? 0);
  const part = numbers.slice(from, from + limit);
  while (part.length > 1 && JSON.stringify(part).length > characters) part.pop();
  return {
    part,
    size: part.length,
    next: from + part.length < numbers.length ? String(from + part.length) : null,
  };
};

/** A parent with children in the SDK's table, each of which has the items that are given. */
function openParent(items: Record<string, number[]>, own: number[] = []) {
  const sqlite = sqliteStorage();
  const store = new Store(sqlite.storage, AGENT_SCHEMA);
  store.open();
  sqlite.query(
    "CREATE TABLE cf_agents_sub_agents (class TEXT, name TEXT, created_at INTEGER, PRIMARY KEY (class, name))",
  );
  const add = (key: string, has: number[]): void => {
    const [agent = "", name = ""] = key.split("/");
    items[key] = has;
    store.run("INSERT OR IGNORE INTO cf_agents_sub_agents VALUES (?, ?, 1)", classOf(agent), name);
  };
  const drop = (key: string): void => {
    const [agent = "", name = ""] = key.split("/");
    store.run("DELETE FROM cf_agents_sub_agents WHERE class = ? AND name = ?", classOf(agent), name);
  };
  for (const [key, has] of Object.entries(items)) add(key, has);
  const leaving = new Set<string>();
  /** Children that are others by now, of the same name: they know no cursor of the ones before. */
  const reborn = new Set<string>();
  const children = new Children(store, { children: CLASSES }, ({ agent, name }) =>
    leaving.has(`${agent}/${name}`),
  );
  const asked: (AgentStep & WalkRequest)[] = [];
  const next = (request: Partial<WalkRequest> = {}, list = "numbers"): Promise<Stretch<number[]>> =>
    walk<number[]>(
      {
        store,
        children,
        list,
        own: (limit, cursor, characters) => stretchOf(own, { limit, cursor, characters }),
        below: async (child, given) => {
          asked.push({ ...child, ...given });
          const numbers = items[`${child.agent}/${child.name}`];
          if (numbers === undefined) throw new ProblemError("agent_not_found");
          if (reborn.has(`${child.agent}/${child.name}`) && given.cursor !== undefined)
            throw new ProblemError("invalid_cursor");
          const { limit, characters = Infinity, cursor } = given;
          const { part, size, next: after } = stretchOf(numbers, { limit, characters, cursor });
          const filled = JSON.stringify(part).length;
          return { parts: [part], size, characters: filled, visits: 1, nextCursor: after };
        },
      },
      { limit: 100, visits: 100, cursor: undefined, ...request },
    );
  return { add, drop, leaving, reborn, asked, next, items };
}

async function all(parent: ReturnType<typeof openParent>, request: Partial<WalkRequest>): Promise<number[]> {
  const seen: number[] = [];
  let cursor: string | undefined;
  do {
    const stretch = await parent.next({ ...request, cursor });
    expect(stretch.size).toBe(stretch.parts.flat().length);
    seen.push(...stretch.parts.flat());
    cursor = stretch.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return seen;
}

const FAMILY = { "box/b": [6, 7], "box/a": [5], "shelf/z": [3, 4], "shelf/m": [], "shelf/B": [2] };

describe("a walk", () => {
  test.each([1, 2, 3, 5, 100])(
    "gives each once, classes as declared, names in order, %d at a time",
    async (limit) => {
      const parent = openParent({ ...FAMILY }, [0, 1]);
      expect(await all(parent, { limit })).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    },
  );

  test.each([1, 2, 3])("looks at %d agents at most, and goes on where it stopped", async (visits) => {
    const parent = openParent({ ...FAMILY }, [0, 1]);
    const first = await parent.next({ visits });
    expect(first.visits).toBe(visits);
    expect(await all(parent, { visits })).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("asks nobody below for more than is left", async () => {
    const parent = openParent({ ...FAMILY }, [0, 1]);
    await parent.next({ limit: 4, characters: 100, visits: 10 });
    const shelf = { agent: "shelf", createdAt: 1 };
    expect(parent.asked).toEqual([
      { ...shelf, name: "B", limit: 2, characters: 95, visits: 9, cursor: undefined },
      { ...shelf, name: "m", limit: 1, characters: 92, visits: 8, cursor: undefined },
      { ...shelf, name: "z", limit: 1, characters: 90, visits: 7, cursor: undefined },
    ]);
  });

  test.each([
    [1, [0]],
    [5, [0, 1]],
    [6, [0, 1, 2]],
    [1_000, [0, 1, 2, 3, 4, 5, 6, 7]],
  ])(
    "gives items of about %d characters, one at least, and goes on where it stopped",
    async (characters, items) => {
      const parent = openParent({ ...FAMILY }, [0, 1]);
      expect((await parent.next({ characters })).parts.flat()).toEqual(items);
      expect(await all(parent, { characters })).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    },
  );

  test("is moved by nothing that comes or goes", async () => {
    const parent = openParent({ ...FAMILY }, [0, 1]);
    const first = await parent.next({ limit: 4 });
    expect(first.parts.flat()).toEqual([0, 1, 2, 3]);
    parent.add("shelf/A", [100]);
    parent.add("shelf/za", [101]);
    parent.drop("shelf/z");
    const rest = await parent.next({ cursor: first.nextCursor ?? "" });
    expect(rest.parts.flat()).toEqual([101, 5, 6, 7]);
  });

  test("passes over a child that is gone, is leaving, or has no address", async () => {
    const parent = openParent({ ...FAMILY, "box/c d": [9] });
    delete parent.items["shelf/B"];
    parent.leaving.add("shelf/z");
    expect((await parent.next()).parts.flat()).toEqual([5, 6, 7]);
  });

  test("begins a child anew that is another of the same name by now", async () => {
    const parent = openParent({ "box/a": [1, 2, 3] });
    const { nextCursor } = await parent.next({ limit: 2 });
    parent.items["box/a"] = [7, 8];
    parent.reborn.add("box/a");
    expect((await parent.next({ cursor: nextCursor ?? "" })).parts.flat()).toEqual([7, 8]);
  });

  test("reads many children in batches, each once", async () => {
    const names = Array.from({ length: 120 }, (_, n) => `n${String(n).padStart(3, "0")}`);
    const parent = openParent(Object.fromEntries(names.map((name, n) => [`box/${name}`, [n]])));
    expect(await all(parent, { limit: 7, visits: 1_000 })).toEqual(names.map((_, n) => n));
  });

  test.each([
    ["another list", (cursor: string) => ["others", cursor] as const],
    ["a place that was changed", (cursor: string) => ["numbers", `x${cursor}`] as const],
    ["no seal", (cursor: string) => ["numbers", cursor.split(".")[0] ?? ""] as const],
    ["nothing in it", () => ["numbers", ""] as const],
  ])("refuses a cursor with %s", async (_, change) => {
    const parent = openParent({ ...FAMILY }, [0, 1]);
    const { nextCursor } = await parent.next({ limit: 1 });
    const [list, cursor] = change(nextCursor ?? "");
    await expect(parent.next({ cursor }, list)).rejects.toMatchObject({ code: "invalid_cursor" });
  });
});
