import { describe, expect, test } from "vitest";
import { Children } from "../../src/gateway/agent/children.ts";
import { isSubtreeCall, Subtree } from "../../src/gateway/agent/subtree.ts";
import type { AgentDefinition } from "../../src/gateway/registry/agent-definition.ts";
import { type Desk, openDesk } from "./stand-ins.ts";

class Bench {
  readonly kind = "Bench";
}
// No more of a definition is read here.
const KIN = { children: [{ name: "bench", agent: Bench }] } as unknown as AgentDefinition;

/** An agent with children of these names, each of which has a desk of its own. */
function openFamily(names: readonly string[]) {
  const top = openDesk();
  top.query(
    "CREATE TABLE cf_agents_sub_agents (class TEXT, name TEXT, created_at INTEGER, PRIMARY KEY (class, name))",
  );
  const desks = new Map(names.map((name) => [name, openDesk()]));
  for (const name of names)
    top.query(`INSERT INTO cf_agents_sub_agents VALUES ('${Bench.name}', '${name}', 1)`);
  const open = (desk: Desk, definition: Pick<AgentDefinition, "children">): Subtree =>
    new Subtree(desk.records, new Children(desk.records.store, definition, () => false), {
      below: async ({ name }, method, input) => {
        const child = desks.get(name);
        if (child === undefined) throw new Error(`no child ${name}`);
        const below = open(child, { children: [] });
        const call = Reflect.get(below, method) as (given: object) => unknown;
        return call.call(below, input);
      },
      swept: () => {},
      ensureAlarm: async () => {},
    });
  return { top, desks, subtree: open(top, KIN) };
}

/** Has an instance that ended with a large output. */
function endLarge(desk: Desk, id: string): void {
  const row = desk.accept(id);
  const change = { status: "complete", output: "x".repeat(900_000) } as const;
  desk.records.change((now) => desk.records.ledger.change(row, change, now));
}

test("what is asked of those below is known by its name, not by how the name begins", () => {
  const calls = ["walkInstances", "walkApprovals", "walkCounts", "walkSweep"];
  expect(calls.filter(isSubtreeCall)).toEqual(calls);
  expect(["walk", "walkDog", "listInstances", "toString"].filter(isSubtreeCall)).toEqual([]);
});

describe("a cursor of a subtree", () => {
  test("of instances is good for the same filters, in whatever order they are given", async () => {
    const { subtree, desks } = openFamily(["a", "b"]);
    for (const desk of desks.values()) desk.accept("r-1", { metadata: { owner: "ada", n: 1 } });
    const first = await subtree.pageInstances({
      status: ["queued", "running"],
      metadata: { owner: "ada", n: 1 },
      limit: 1,
      cursor: undefined,
    });
    const rest = await subtree.pageInstances({
      status: ["running", "queued", "running"],
      metadata: { n: 1, owner: "ada" },
      limit: 5,
      cursor: first.nextCursor ?? "none",
    });
    expect([first.items.length, rest.items.length, rest.nextCursor]).toEqual([1, 1, null]);
  });

  test("of approvals is good for the same statuses, in whatever order they are given", async () => {
    const { subtree, desks } = openFamily(["a", "b"]);
    for (const desk of desks.values()) {
      desk.accept("r-1");
      desk.ask("r-1");
    }
    const first = await subtree.pageApprovals({
      status: ["pending", "approved"],
      limit: 1,
      cursor: undefined,
    });
    const cursor = first.nextCursor ?? "none";
    const rest = await subtree.pageApprovals({ status: ["approved", "pending"], limit: 5, cursor });
    expect([first.items.length, rest.items.length, rest.nextCursor]).toEqual([1, 1, null]);
  });

  test.each([{ order: "oldest" }, { status: ["queued"] }, { workflow: "refund" }] as const)(
    "is refused with another list: %j",
    async (other) => {
      const { subtree, desks } = openFamily(["a", "b"]);
      for (const desk of desks.values()) desk.accept("r-1");
      const { nextCursor } = await subtree.pageInstances({ status: [], limit: 1, cursor: undefined });
      const cursor = nextCursor ?? "none";
      await expect(subtree.pageInstances({ status: [], ...other, limit: 1, cursor })).rejects.toMatchObject({
        code: "invalid_cursor",
      });
    },
  );
});

test("a page of large instances is one that RPC takes, whoever has them", async () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"];
  const { subtree, desks, top } = openFamily(names);
  endLarge(top, "top");
  for (const [name, desk] of desks) for (const n of [2, 1]) endLarge(desk, `${name}-${n}`);
  const seen: string[] = [];
  const pages: number[] = [];
  let cursor: string | null = null;
  do {
    const page = await subtree.pageInstances({ status: [], limit: 100, cursor: cursor ?? undefined });
    expect(JSON.stringify(page).length).toBeLessThan(5_000_000);
    seen.push(...page.items.map(({ id }) => id));
    pages.push(page.items.length);
    ({ nextCursor: cursor } = page);
  } while (cursor !== null);
  expect(seen).toEqual(["top", ...names.flatMap((name) => [`${name}-1`, `${name}-2`])]);
  expect(pages).toEqual([4, 4, 4, 3]);
});
