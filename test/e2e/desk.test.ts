import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { untilStatus } from "../support/until.ts";

const CSV = "name,height\nBerlin,34\nParis,35\n";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.harness.close());

const call = async (catalog: string, method: string, input: object): Promise<unknown> => {
  const answer = await gateway.post(`${catalog}/methods/${method}`, input);
  expect(answer.status, answer.text).toBe(200);
  return answer.json();
};
const start = async (
  agent: string,
  workflow: string,
  params: object,
  metadata: object = {},
): Promise<string> => {
  const answer = await gateway.post(`${agent}/workflows/${workflow}`, { params, metadata });
  expect(answer.status, answer.text).toBe(202);
  return answer.json<{ links: { self: string } }>().links.self;
};
const idOf = (self: string): string => self.split("/").at(-1) ?? "";

describe("a parent", () => {
  const catalog = "/agents/catalog/parental";
  const dataset = `${catalog}/sub/dataset/cities`;

  test("starts an import on its child, and approves it there", async () => {
    const { instanceId } = (await call(catalog, "startImport", { dataset: "cities", csv: CSV })) as {
      instanceId: string;
    };
    const self = `${dataset}/instances/${instanceId}`;
    await untilStatus(() => gateway.get(self), "waiting");
    // It is the child's: the parent has no such instance.
    expect((await gateway.get(`${catalog}/instances/${instanceId}`)).status).toBe(404);

    const approval = { dataset: "cities", instanceId, note: "from above" };
    expect(await call(catalog, "approveImport", approval)).toEqual({ approved: true });
    const ended = await untilStatus(() => gateway.get(self), "complete");
    expect(ended.json()).toMatchObject({ output: { rows: 2, rejected: 0, note: "from above" } });
    expect((await gateway.post(`${dataset}/methods/rows`, {})).json()).toMatchObject({ total: 2 });
    const { items } = (await gateway.get(`${dataset}/approvals`)).json<{ items: object[] }>();
    expect(items).toMatchObject([
      { status: "approved", decidedBy: "agent", reason: "Approved through the catalog" },
    ]);
    expect(await call(catalog, "approveImport", approval)).toEqual({ approved: false });
    // The catalog was asked by the key; what it asks of its child over a stub is its own.
    expect((await gateway.get(self)).json()).toMatchObject({ startedBy: "agent" });
    const log = (await gateway.get(`${catalog}/audit`)).json<{ items: { seq: number }[] }>().items;
    expect(log.toReversed().slice(0, 2)).toMatchObject([
      { action: "method.call", principal: "api-key", detail: { method: "startImport" } },
      { action: "agent.create", principal: "api-key", target: dataset },
    ]);
  });

  test("approves nothing that is not there, and makes no child to look", async () => {
    for (const [name, instanceId] of [
      ["cities", "nothing"],
      ["nowhere", "nothing"],
    ]) {
      const input = { dataset: name, instanceId };
      expect(await call(catalog, "approveImport", input)).toEqual({ approved: false });
    }
    expect((await gateway.get(`${catalog}/sub/dataset/nowhere`)).status).toBe(404);
  });

  test("takes no name that its child could not be reached by", async () => {
    const answer = await gateway.post(`${catalog}/methods/startImport`, { dataset: "a/b", csv: CSV });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ errors: [{ in: "body", pointer: "/dataset" }] });
  });
});

test("history is cleared of what ended and is old enough, in the catalog and in its data sets", async () => {
  const catalog = "/agents/catalog/tidy";
  const dataset = `${catalog}/sub/dataset/cities`;
  const imported = await start(dataset, "import-dataset", { csv: CSV });
  await untilStatus(() => gateway.get(imported), "waiting");
  await gateway.post(`${imported}/approve`, {});
  await untilStatus(() => gateway.get(imported), "complete");
  const waiting = await start(dataset, "import-dataset", { csv: CSV });
  const rejected = await start(catalog, "publish-release", { version: "1" });
  const open = await start(catalog, "publish-release", { version: "2" });
  await untilStatus(() => gateway.get(rejected), "waiting");
  await gateway.post(`${rejected}/reject`, {});
  await untilStatus(() => gateway.get(rejected), "errored");

  const cleared = async (params: object): Promise<unknown> => {
    const self = await start(catalog, "clear-history", params);
    return (await untilStatus(() => gateway.get(self), "complete")).json<{ output: unknown }>().output;
  };
  expect(await cleared({})).toEqual({ releases: 0, imports: 0 });
  expect(await cleared({ olderThanDays: 0 })).toEqual({ releases: 1, imports: 1 });
  for (const self of [imported, rejected]) expect((await gateway.get(self)).status).toBe(404);
  for (const self of [waiting, open]) expect((await gateway.get(self)).status).toBe(200);
  // The rows are not history.
  expect((await gateway.post(`${dataset}/methods/rows`, {})).json()).toMatchObject({ total: 2 });
});

test("a data set that is deleted is not brought back by what the catalog remembers of it", async () => {
  const catalog = "/agents/catalog/bereft";
  const imported = await start(`${catalog}/sub/dataset/air`, "import-dataset", { csv: CSV });
  await untilStatus(() => gateway.get(imported), "waiting");
  await gateway.post(`${imported}/approve`, {});
  await untilStatus(() => gateway.get(imported), "complete");
  expect((await gateway.request("DELETE", `${catalog}/sub/dataset/air`)).status).toBeLessThan(300);

  const cleared = await start(catalog, "clear-history", { olderThanDays: 0 });
  const done = await untilStatus(() => gateway.get(cleared), "complete");
  expect(done.json()).toMatchObject({ output: { imports: 0 } });
  expect((await gateway.get(`${catalog}/sub`)).json()).toMatchObject({ items: [] });
});

test("imports are found by whose they are", async () => {
  const dataset = "/agents/catalog/owned/sub/dataset/cities";
  const adas = await start(dataset, "import-dataset", { csv: CSV }, { owner: "ada", colour: "red" });
  await start(dataset, "import-dataset", { csv: CSV }, { owner: "grace" });
  const found = async (metadata: object) =>
    gateway.get(`${dataset}/instances?metadata=${encodeURIComponent(JSON.stringify(metadata))}`);
  const { items } = (await found({ owner: "ada" })).json<{ items: { id: string }[] }>();
  expect(items.map(({ id }) => id)).toEqual([idOf(adas)]);
  const refused = await found({ colour: "red" });
  expect(refused.json()).toMatchObject({
    code: "invalid_request",
    errors: [{ pointer: "/metadata/colour" }],
  });
  expect(refused.json<{ detail: string }>().detail).toContain("these are owner");
});
