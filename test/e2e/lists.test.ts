import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

interface Page {
  items: { id: string; status: string; createdAt: string; completedAt: string | null }[];
  nextCursor: string | null;
  total?: number;
}

const AGENT = "/agents/workshop/lists";
const LABELS = [{ owner: "ada", n: 1 }, { owner: "ada", n: "1" }, { owner: "grace", n: 1, urgent: true }, {}];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  const items = Array.from({ length: 40 }, (_, n) => ({
    params: { answer: n },
    id: `i-${n}`,
    metadata: LABELS[n % LABELS.length] ?? {},
  }));
  await gateway.post(`${AGENT}/workflows/silent/batch`, { items });
  await gateway.post(`${AGENT}/workflows/gated`, { params: {}, id: "gate" });
  await until(
    () => list("status=complete&count=true"),
    ({ total }) => total === 40,
  );
});
afterAll(() => gateway.harness.close());

const list = async (query: string): Promise<Page> => {
  const answer = await gateway.get(`${AGENT}/instances?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json<Page>();
};
const labelled = (metadata: object) => `metadata=${encodeURIComponent(JSON.stringify(metadata))}`;
const idsOf = ({ items }: Page): string[] => items.map(({ id }) => id);

async function walk(query: string, between?: (page: number) => Promise<void>): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | null = "";
  for (let page = 0; cursor !== null; page += 1) {
    const next: Page = await list(`${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    seen.push(...idsOf(next));
    cursor = next.nextCursor;
    await between?.(page);
  }
  return seen;
}

const disturb = async (page: number): Promise<void> => {
  const id = `passing-${page}`;
  await gateway.post(`${AGENT}/workflows/gated`, { params: {}, id });
  await gateway.request("DELETE", `${AGENT}/instances/${id}?force=true`);
};

test("following the cursors gives each once, newest or oldest first, while others come and go", async () => {
  const all = Array.from({ length: 40 }, (_, n) => `i-${n}`);
  expect(await walk("status=complete&limit=7&order=oldest", disturb)).toEqual(all);
  expect(await walk("status=complete&limit=7", disturb)).toEqual(all.toReversed());
  expect(await walk("status=complete&status=waiting&limit=9&order=oldest")).toEqual([...all, "gate"]);
});

describe("labels", () => {
  test.each<[object, number]>([
    [{ owner: "ada" }, 20],
    [{ owner: "ada", n: 1 }, 10],
    [{ n: 1 }, 20],
    [{ n: "1" }, 10],
    [{ urgent: true }, 10],
    [{ urgent: "true" }, 0],
    [{ urgent: 1 }, 0],
    [{}, 41],
  ])("%j: %d of them", async (metadata, total) => {
    expect((await list(`${labelled(metadata)}&count=true`)).total).toBe(total);
    expect(await walk(`${labelled(metadata)}&limit=6`)).toHaveLength(total);
  });

  test("that no workflow of the agent declares are kept and shown, and no list can be filtered by them", async () => {
    const agent = "/agents/workshop/undeclared";
    const started = await gateway.post(`${agent}/workflows/silent`, {
      params: { answer: 1 },
      metadata: { owner: "ada", colour: "red" },
    });
    expect(started.json()).toMatchObject({ metadata: { owner: "ada", colour: "red" } });
    const filter = labelled({ owner: "ada", colour: "red" });
    for (const method of ["GET", "DELETE"]) {
      const answer = await gateway.request(method, `${agent}/instances?${filter}`);
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({
        code: "invalid_request",
        detail: expect.stringContaining("half, n, owner, passing, urgent"),
        errors: [{ in: "query", pointer: "/metadata/colour" }],
      });
    }
    const { agents } = (await gateway.get("/agents")).json<{
      agents: { workflows: { name: string; labels: string[] }[] }[];
    }>();
    const silent = agents[0]?.workflows.find(({ name }) => name === "silent");
    expect(silent?.labels).toEqual(["owner", "n", "urgent", "half"]);
  });

  test("that were declared later find the instances of before, once the agent wakes", async () => {
    const agent = { name: "relabelled", path: "/agents/workshop/relabelled" };
    await gateway.post(`${agent.path}/workflows/gated`, {
      params: {},
      id: "old",
      metadata: { owner: "ada", half: 1 },
    });
    const found = async (metadata: object) =>
      idsOf((await gateway.get(`${agent.path}/instances?${labelled(metadata)}`)).json<Page>());
    const worker = gateway.harness.getWorker();
    const storage = await worker.getDurableObjectStorage("WORKSHOP", { name: agent.name });
    await storage.exec("DELETE FROM switchyard_labels WHERE key = 'owner'");
    await storage.exec(`UPDATE switchyard_meta SET value = '["half","then"]' WHERE key = 'labels'`);
    expect([await found({ owner: "ada" }), await found({ half: 1 })]).toEqual([[], ["old"]]);
    await worker.evictDurableObject("WORKSHOP", { name: agent.name });
    expect([await found({ owner: "ada" }), await found({ half: 1 })]).toEqual([["old"], ["old"]]);
  });

  test("go with their instance", async () => {
    const metadata = { passing: true };
    await gateway.post(`${AGENT}/workflows/gated`, { params: {}, id: "passing", metadata });
    expect(idsOf(await list(labelled(metadata)))).toEqual(["passing"]);
    await gateway.request("DELETE", `${AGENT}/instances/passing?force=true`);
    expect(idsOf(await list(labelled(metadata)))).toEqual([]);
  });
});

test("spans of time take their beginning and leave their end", async () => {
  const { items } = await list("status=complete&limit=100&order=oldest");
  const times = items.map(({ completedAt }) => completedAt ?? "").toSorted();
  const middle = times[20] ?? "";
  const [before, from] = [
    await list(`completedTo=${middle}&count=true`),
    await list(`completedFrom=${middle}&count=true`),
  ];
  expect(before.total).toBe(times.filter((time) => time < middle).length);
  expect(from.total).toBe(times.filter((time) => time >= middle).length);
  expect(
    (await list(`createdFrom=2000-01-01T00:00:00Z&createdTo=2000-01-02T00:00:00Z&count=true`)).total,
  ).toBe(0);
  expect((await list(`updatedFrom=2000-01-01T01:00:00%2B01:00&count=true`)).total).toBe(41);
});

test("a count is given only if it is asked for", async () => {
  expect(await list("limit=1")).not.toHaveProperty("total");
  expect((await list("limit=1&count=true")).total).toBe(41);
});

test.each([
  ["another filter", (cursor: string) => `limit=2&workflow=silent&cursor=${cursor}`],
  ["another order", (cursor: string) => `limit=2&order=oldest&cursor=${cursor}`],
  ["a place that was moved", (cursor: string) => `limit=2&cursor=${cursor.replace(/^./, "1")}x`],
  ["a seal that was cut", (cursor: string) => `limit=2&cursor=${cursor.slice(0, -1)}`],
])("a cursor is refused with %s", async (_, query) => {
  const { nextCursor } = await list("limit=2");
  const answer = await gateway.get(`${AGENT}/instances?${query(nextCursor ?? "")}`);
  expect([answer.status, answer.json<{ code: string }>().code]).toEqual([400, "invalid_cursor"]);
});

test("a cursor is refused by another agent", async () => {
  await gateway.post("/agents/workshop/lists-2/workflows/silent/batch", {
    items: [{ params: { answer: 1 } }, { params: { answer: 2 } }, { params: { answer: 3 } }],
  });
  const { nextCursor } = await list("limit=2");
  const answer = await gateway.get(`/agents/workshop/lists-2/instances?limit=2&cursor=${nextCursor}`);
  expect(answer.status).toBe(400);
});

test.each([
  "metadata=owner",
  "metadata=[]",
  'metadata={"a":{}}',
  "createdFrom=yesterday",
  "count=yes",
  "order=up",
])("%s is a 400", async (query) => {
  expect((await gateway.get(`${AGENT}/instances?${encodeURI(query)}`)).status).toBe(400);
});

test("a delete takes what matches, leaves what is active unless forced, and says how many", async () => {
  const agent = "/agents/workshop/sweep";
  const items = Array.from({ length: 6 }, (_, n) => ({ params: { answer: n }, metadata: { half: n % 2 } }));
  await gateway.post(`${agent}/workflows/silent/batch`, { items });
  await gateway.post(`${agent}/workflows/gated`, { params: {}, id: "gate", metadata: { half: 1 } });
  const count = async (query: string) =>
    (await gateway.get(`${agent}/instances?count=true&${query}`)).json<Page>().total;
  await until(
    () => count("status=complete"),
    (total) => total === 6,
  );
  const sweep = async (query: string) => {
    const answer = await gateway.request("DELETE", `${agent}/instances?${query}`);
    return [answer.status, answer.json<object>()];
  };
  expect((await gateway.request("DELETE", `${agent}/instances`)).status).toBe(400);
  expect((await gateway.request("DELETE", `${agent}/instances?force=true`)).status).toBe(400);
  expect((await gateway.request("DELETE", `${agent}/instances?metadata={}&force=true`)).status).toBe(400);
  expect(await sweep(labelled({ half: 1 }))).toEqual([200, { deleted: 3, more: false, nextCursor: null }]);
  expect(await sweep("status=waiting")).toEqual([200, { deleted: 0, more: false, nextCursor: null }]);
  expect(await sweep("workflow=silent&completedTo=2000-01-01T00:00:00Z")).toEqual([
    200,
    { deleted: 0, more: false, nextCursor: null },
  ]);
  expect(await count("")).toBe(4);
  expect(await sweep(`${labelled({ half: 1 })}&force=true`)).toEqual([
    200,
    { deleted: 1, more: false, nextCursor: null },
  ]);
  expect(await sweep("status=complete")).toEqual([200, { deleted: 3, more: false, nextCursor: null }]);
  expect(await count("")).toBe(0);
  expect((await gateway.get(`${agent}/approvals`)).json<{ items: unknown[] }>().items).toEqual([]);
});
