import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { until, untilStatus } from "../support/until.ts";

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
  total?: number;
}
interface Child {
  agent: string;
  name: string;
  path: string;
  createdAt: string;
}
interface Listed {
  id: string;
  agent: string;
  status: string;
  links: { self: string };
}

const ROOT = "/agents/workshop/family";
const BENCHES = ["a", "b", "c", "d", "e"].map((name) => `${ROOT}/sub/bench/${name}`);
const SAW = `${ROOT}/sub/bench/c/sub/drawer/top/sub/tool/saw`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  for (const agent of [ROOT, ...BENCHES.toReversed(), SAW]) {
    const items = [1, 2, 3].map((answer) => ({ params: { answer }, id: `job-${answer}` }));
    await accepted(gateway.post(`${agent}/workflows/silent/batch`, { items }));
    await accepted(gateway.post(`${agent}/workflows/gated`, { params: {}, id: "gate" }));
  }
  await until(
    () => list("status=complete&count=true"),
    ({ total }) => total === 21,
  );
});
afterAll(() => gateway.harness.close());

const accepted = async (request: Promise<Answer>): Promise<Answer> => {
  const answer = await request;
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer;
};
const list = async (query: string, agent = ROOT, what = "instances"): Promise<Page<Listed>> =>
  (await accepted(gateway.get(`${agent}/${what}?scope=subtree&${query}`))).json();
async function walk<Item>(address: string, between?: (page: number) => Promise<unknown>): Promise<Item[]> {
  const seen: Item[] = [];
  let cursor: string | null = "";
  for (let page = 0; cursor !== null; page += 1) {
    const next: Page<Item> = (
      await accepted(gateway.get(`${address}${cursor && `&cursor=${cursor}`}`))
    ).json();
    seen.push(...next.items);
    cursor = next.nextCursor;
    await between?.(page);
  }
  return seen;
}
const names = async (between?: (page: number) => Promise<unknown>) =>
  (await walk<Child>(`${ROOT}/sub?limit=2`, between)).map(({ path }) => path);
const sweep = async (agent: string, query: string, headers?: Record<string, string>) => {
  const swept = gateway.request("DELETE", `${agent}/instances?scope=subtree&${query}`, undefined, headers);
  return (await accepted(swept)).json<{ deleted: number; more: boolean; nextCursor: string | null }>();
};
const placesOf = (items: readonly Listed[]): string[] => items.map(({ agent, id }) => `${agent} ${id}`);

describe("children", () => {
  test("are listed by name, in pages, also while others come and go", async () => {
    expect(await names()).toEqual(BENCHES);
    const seen = await names((page) => gateway.request("PUT", `${ROOT}/sub/bench/aa-${page}`));
    expect(seen.filter((path) => BENCHES.includes(path))).toEqual(BENCHES);
    for (const page of [0, 1, 2]) await accepted(gateway.request("DELETE", `${ROOT}/sub/bench/aa-${page}`));
    expect(await names()).toEqual(BENCHES);
  });

  test("tell what they are", async () => {
    const { items } = (await gateway.get(`${ROOT}/sub?agent=bench&limit=1`)).json<Page<Child>>();
    expect(items).toEqual([
      { agent: "bench", name: "a", path: BENCHES[0], createdAt: expect.stringMatching(/^\d{4}-.*Z$/) },
    ]);
    expect((await gateway.get(`${ROOT}/sub?agent=drawer`)).status).toBe(400);
    expect((await gateway.get(`${ROOT}/sub?cursor=bench.x`)).status).toBe(400);
    expect((await gateway.get("/agents/workshop/nobody/sub")).status).toBe(404);
  });

  test("are listed by cursors that can stand in a URL as they are", async () => {
    const parent = "/agents/workshop/naming";
    const children = ["a", "b+c", "b@c", "d"];
    for (const name of children)
      await accepted(gateway.request("PUT", `${parent}/sub/bench/${encodeURIComponent(name)}`));
    for (const query of ["limit=1", "limit=1&agent=bench"]) {
      const seen = await walk<Child>(`${parent}/sub?${query}`);
      expect(seen.map(({ name }) => name)).toEqual(children);
    }
  });

  test("are made once", async () => {
    const path = "/agents/workshop/maker/sub/bench/new";
    const made = await gateway.request("PUT", path);
    expect([made.status, made.headers.get("location")]).toEqual([201, path]);
    expect(made.json()).toMatchObject({ agent: "bench", name: "new", path, created: true });
    const again = await gateway.request("PUT", path);
    expect([again.status, again.json<{ created: boolean }>().created]).toEqual([200, false]);
    expect((await gateway.get(path)).status).toBe(200);
    expect((await gateway.get("/agents/workshop/maker/sub/bench/other")).status).toBe(404);
  });

  test("end with all that runs on them and below them, and can be made anew", async () => {
    const parent = "/agents/workshop/ending";
    const child = `${parent}/sub/bench/x`;
    const below = `${child}/sub/drawer/y/sub/tool/z`;
    for (const agent of [child, below]) {
      await accepted(gateway.post(`${agent}/workflows/gated`, { params: {}, id: "gate" }));
      await untilStatus(() => gateway.get(`${agent}/instances/gate`), "waiting");
    }
    const key = { "idempotency-key": "the-end" };
    const ended = await gateway.request("DELETE", child, undefined, key);
    expect(ended.status, ended.text).toBe(202);
    expect(ended.json()).toMatchObject({ path: child });
    for (const gone of [child, `${child}/instances/gate`, below, `${below}/instances`]) {
      expect((await gateway.get(gone)).status).toBe(404);
    }
    expect((await gateway.get(`${parent}/sub`)).json()).toEqual({ items: [], nextCursor: null });

    await until(
      () => gateway.request("PUT", child),
      ({ status }) => status === 201,
    );
    expect((await gateway.get(`${child}/instances`)).json()).toEqual({ items: [], nextCursor: null });
    expect((await gateway.get(below)).status).toBe(404);
    // The key stands for the first child of that name.
    expect((await gateway.request("DELETE", child, undefined, key)).status).toBe(202);
    expect((await gateway.get(child)).status).toBe(200);
    expect((await gateway.request("DELETE", `${parent}/sub/bench/never`)).status).toBe(404);
  });
});

test("a sub-agent that the author's own code deletes ends in the same way", async () => {
  const parent = "/agents/workshop/author-ends";
  const child = `${parent}/sub/bench/x`;
  await accepted(gateway.post(`${child}/workflows/gated`, { params: {}, id: "gate" }));
  await untilStatus(() => gateway.get(`${child}/instances/gate`), "waiting");
  await accepted(gateway.post(`${parent}/methods/dismiss`, { bench: "x" }));
  expect((await gateway.get(child)).status).toBe(404);
  await until(
    () => gateway.request("PUT", child),
    ({ status }) => status === 201,
  );
  expect((await gateway.get(`${child}/instances`)).json<Page<Listed>>().items).toEqual([]);
});

describe("a subtree", () => {
  const everything = [ROOT, BENCHES[0], BENCHES[1], BENCHES[2], SAW, BENCHES[3], BENCHES[4]];

  test("is listed agent by agent, each once, whatever the size of a page", async () => {
    const expected = everything.flatMap((agent) => ["job-1", "job-2", "job-3"].map((id) => `${agent} ${id}`));
    for (const limit of [1, 2, 4, 100]) {
      const seen = await walk<Listed>(
        `${ROOT}/instances?scope=subtree&status=complete&order=oldest&limit=${limit}`,
      );
      expect(placesOf(seen)).toEqual(expected);
    }
  });

  test("is listed so also while agents and instances come and go", async () => {
    const disturb = async (page: number): Promise<void> => {
      const passing = `${ROOT}/sub/bench/b-${page}`;
      await gateway.post(`${passing}/workflows/gated`, { params: {}, id: "passing" });
      await gateway.request("DELETE", page % 2 === 0 ? passing : `${passing}/instances/passing?force=true`);
    };
    const seen = await walk<Listed>(
      `${ROOT}/instances?scope=subtree&status=complete&order=oldest&limit=2`,
      disturb,
    );
    expect(placesOf(seen)).toEqual(
      everything.flatMap((agent) => ["job-1", "job-2", "job-3"].map((id) => `${agent} ${id}`)),
    );
    for (const { path } of (await gateway.get(`${ROOT}/sub?limit=100`)).json<Page<Child>>().items) {
      if (path.includes("/b-")) await gateway.request("DELETE", path);
    }
  });

  test("is counted, from any agent down", async () => {
    expect((await list("count=true&limit=1")).total).toBe(28);
    expect((await list("count=true&limit=1", BENCHES[2])).total).toBe(8);
    expect((await list("count=true&limit=1&workflow=gated")).total).toBe(7);
    // An agent in between, which has no workflows of its own.
    expect((await list("count=true&limit=1", SAW.replace("/sub/tool/saw", ""))).total).toBe(4);
  });

  test("has one inbox of approvals, each of which is decided by its own link", async () => {
    const open = await walk<{ agent: string; status: string; links: { approve: string; instance: string } }>(
      `${ROOT}/approvals?scope=subtree&status=pending&limit=3`,
    );
    expect(open.map(({ agent }) => agent)).toEqual(everything);
    const ofSaw = open.find(({ agent }) => agent === SAW);
    await accepted(gateway.post(ofSaw?.links.approve ?? "", {}));
    await untilStatus(() => gateway.get(ofSaw?.links.instance ?? ""), "complete");
  });

  test("has instances that are controlled by the links of the list", async () => {
    const { items } = await list("workflow=gated&status=waiting&limit=100");
    const [first] = items.filter(({ agent }) => agent === BENCHES[0]);
    await accepted(gateway.post(`${first?.links.self}/pause`));
    const paused = await untilStatus(() => gateway.get(first?.links.self ?? ""), "paused");
    expect(paused.json()).toMatchObject({ agent: BENCHES[0], id: "gate" });
    await accepted(gateway.post(`${first?.links.self}/resume`));
  });

  test.each([
    ["another filter", (cursor: string) => `limit=2&workflow=silent&cursor=${cursor}`, ROOT],
    ["another agent", (cursor: string) => `limit=2&cursor=${cursor}`, BENCHES[2] ?? ""],
    ["a place that was moved", (cursor: string) => `limit=2&cursor=x${cursor}`, ROOT],
  ])("a cursor is refused with %s", async (_, query, agent) => {
    const { nextCursor } = await list("limit=2");
    const answer = await gateway.get(`${agent}/instances?scope=subtree&${query(nextCursor ?? "")}`);
    expect([answer.status, answer.json<{ code: string }>().code]).toEqual([400, "invalid_cursor"]);
    expect((await gateway.get(`${ROOT}/instances?limit=2&cursor=${nextCursor}`)).status).toBe(400);
  });

  test("is swept by a filter, and says how many", async () => {
    const key = { "idempotency-key": "sweep-1" };
    const first = await sweep(ROOT, "workflow=silent&status=complete", key);
    expect(first).toEqual({ deleted: 21, more: false, nextCursor: null });
    const late = `${ROOT}/sub/bench/a/instances/late`;
    await accepted(
      gateway.post(`${ROOT}/sub/bench/a/workflows/silent`, { params: { answer: 1 }, id: "late" }),
    );
    await untilStatus(() => gateway.get(late), "complete");
    expect(await sweep(ROOT, "workflow=silent&status=complete", key)).toEqual(first);
    expect((await gateway.get(late)).status).toBe(200);
    expect((await sweep(ROOT, "workflow=silent&status=complete")).deleted).toBe(1);
    expect(await sweep(ROOT, "workflow=gated")).toEqual({ deleted: 1, more: false, nextCursor: null });
    expect(await sweep(ROOT, "workflow=gated&force=true")).toEqual({
      deleted: 6,
      more: false,
      nextCursor: null,
    });
    expect((await list("count=true")).total).toBe(0);
  });
});

test("a page looks at a bounded number of agents, and goes on where it stopped", async () => {
  const parent = "/agents/workshop/many";
  const benches = Array.from({ length: 60 }, (_, n) => `n-${String(n).padStart(2, "0")}`);
  for (const name of benches) await accepted(gateway.request("PUT", `${parent}/sub/bench/${name}`));
  const last = `${parent}/sub/bench/${benches.at(-1)}`;
  await accepted(gateway.post(`${last}/workflows/gated`, { params: {}, id: "far" }));
  const first = await list("", parent);
  expect(first.items).toEqual([]);
  expect(first.nextCursor).not.toBeNull();
  const second = await list(`cursor=${first.nextCursor}`, parent);
  expect(placesOf(second.items)).toEqual([`${last} far`]);
  expect(second.nextCursor).toBeNull();
  expect((await list("count=true", parent)).total).toBe(1);

  const nothing = await sweep(parent, "workflow=gated&force=true");
  expect(nothing).toMatchObject({ deleted: 0, more: true });
  expect(await sweep(parent, `workflow=gated&force=true&cursor=${nothing.nextCursor}`)).toEqual({
    deleted: 1,
    more: false,
    nextCursor: null,
  });
});

describe("a page of large items", () => {
  const parent = "/agents/workshop/heavy";
  const benches = Array.from({ length: 14 }, (_, n) => `${parent}/sub/bench/n-${String(n).padStart(2, "0")}`);

  test("is shorter than was asked for, and goes on where it stopped", { timeout: 120_000 }, async () => {
    const params = { texts: [], questions: ["x".repeat(900_000)] };
    for (const agent of benches) {
      await accepted(gateway.post(`${agent}/workflows/echo`, { params, id: "large" }));
      await untilStatus(() => gateway.get(`${agent}/instances/large`), "waiting");
    }
    const inbox = await walk<{ agent: string }>(`${parent}/approvals?scope=subtree&limit=100`);
    expect(inbox.map(({ agent }) => agent)).toEqual(benches);
  });
});
