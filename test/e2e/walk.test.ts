import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";

interface Page {
  items: { id: string }[];
  nextCursor: string | null;
  total?: number;
}

const AGENT = "/agents/workshop/crowded";
const COUNT = 10_000;
/** The most that a batch takes, and that a page has. */
const AT_ONCE = 100;
/** The engine is not told of them: the ledger is walked, and the engine would take minutes to run so many. */
const LATER_SECONDS = 86_400;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const start = async (ids: readonly string[], metadata: object): Promise<void> => {
  const items = ids.map((id) => ({ params: { answer: 1 }, id, metadata, delay: LATER_SECONDS }));
  const answer = await gateway.post(`${AGENT}/workflows/silent/batch`, { items });
  expect(answer.status).toBe(200);
  expect(answer.json<{ items: { started: boolean }[] }>().items.filter(({ started }) => !started)).toEqual(
    [],
  );
};
const list = async (query: string): Promise<Page> => {
  const answer = await gateway.get(`${AGENT}/instances?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json<Page>();
};
const numbered = (name: string, from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${name}-${from + n}`);

/** Follows the cursors; on each page one that others made is deleted, and another one made. */
async function walk(filter: string, passing: string[]): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: Page = await list(`${filter}&limit=${AT_ONCE}${cursor && `&cursor=${cursor}`}`);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
    const gone = passing.shift() ?? "";
    expect((await gateway.request("DELETE", `${AGENT}/instances/${gone}?force=true`)).status).toBe(200);
    const come = `coming-${crypto.randomUUID()}`;
    await start([come], { owner: "others" });
    passing.push(come);
  }
  return seen;
}

test(
  `following the cursors of ${COUNT} instances gives each once, in order, while others are created and deleted`,
  { timeout: 240_000 },
  async () => {
    const kept = numbered("kept", 0, COUNT);
    const passing: string[] = [];
    for (let from = 0; from < COUNT; from += AT_ONCE) {
      await start(kept.slice(from, from + AT_ONCE), { owner: "ada" });
      if (from % 1_000 !== 0) continue;
      const others = numbered("passing", from, AT_ONCE);
      await start(others, { owner: "others" });
      passing.push(...others);
    }

    for (const order of ["newest", "oldest"]) {
      const inOrder = order === "newest" ? kept.toReversed() : kept;
      const seen = await walk(`order=${order}`, passing);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => id.startsWith("kept-"))).toEqual(inOrder);
      const labelled = await walk(
        `order=${order}&metadata=${encodeURIComponent('{"owner":"ada"}')}`,
        passing,
      );
      expect(labelled).toEqual(inOrder);
    }

    const left = COUNT + passing.length;
    expect((await list("count=true&limit=1")).total).toBe(left);
    const deleted: number[] = [];
    for (let more = true; more;) {
      const answer = await gateway.request("DELETE", `${AGENT}/instances?workflow=silent&force=true`);
      expect(answer.status).toBe(200);
      const body = answer.json<{ deleted: number; more: boolean }>();
      ({ more } = body);
      deleted.push(body.deleted);
    }
    expect(deleted.slice(0, -1).every((one) => one === 500)).toBe(true);
    expect(deleted.reduce((sum, one) => sum + one, 0)).toBe(left);

    expect(await list("count=true")).toEqual({ items: [], nextCursor: null, total: 0 });
    const storage = await gateway.harness
      .getWorker()
      .getDurableObjectStorage("WORKSHOP", { name: "crowded" });
    for (const table of ["labels", "events", "outbox"])
      expect(await storage.exec(`SELECT * FROM switchyard_${table} LIMIT 1`), table).toEqual([]);
  },
);
