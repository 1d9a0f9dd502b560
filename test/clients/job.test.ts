import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCsv } from "../../scripts/demo-csv.ts";
import type { App } from "../../src/index.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { startProxy } from "../support/proxy.ts";
import { clientOf, trpcOf } from "./clients.ts";
import { byClient, byMcp, byTrpc } from "./readme.ts";

const OUTPUT = { rows: 3376, rejected: 0, note: "by a test" };

let gateway: TestGateway;
let csv: string;
beforeAll(async () => {
  gateway = await startGateway();
  csv = (await readCsv()).text;
});
afterAll(() => gateway.harness.close());

/** The journal of an instance, as REST reads it. */
const journalOf = async (events: string): Promise<{ id: string; type: string }[]> =>
  (await gateway.get(events, { accept: "application/json" })).json<{
    items: { id: string; type: string }[];
  }>().items;

describe("the import of 3,376 airports is started, followed through a cut, approved and read back", () => {
  test("by the client", async () => {
    await using proxy = await startProxy(gateway);
    const dataset = clientOf<App>({ url: proxy.url, key: "" })
      .agent("catalog", "acme")
      .sub("dataset", "rest");
    const imports = dataset.workflow("import-dataset");
    const { id, links } = await imports.start(
      { csv, source: "airports.csv" },
      { metadata: { owner: "ada" } },
    );
    const told: string[] = [];
    const stages = new Set<string>();
    const summaries: (string | null)[] = [];
    for await (const event of imports.events({ instance: id })) {
      if (event.type === "stream.caught-up" || event.type === "stream.gap") continue;
      told.push(event.id);
      if (event.type === "instance.progress") stages.add(event.data.progress.stage);
      if (event.type === "approval.requested") {
        proxy.cut();
        summaries.push(event.data.approval.summary);
        await imports.approve(event.data.approval.id, { metadata: { note: "by a test" } });
      }
    }
    expect(told).toEqual((await journalOf(links.events)).map((event) => event.id));
    expect([...stages]).toEqual(["read", "review", "load"]);
    expect(summaries).toEqual(["Load 3,376 rows of airports.csv, and reject 0 lines?"]);
    const streams = proxy.passed.filter(({ lastEventId }) => lastEventId !== undefined);
    expect(streams.length).toBeGreaterThanOrEqual(1);
    expect(await imports.wait(id)).toMatchObject(OUTPUT);
    const { rows, total } = await dataset.call("rows", { limit: 2 });
    expect([rows.length, total]).toEqual([2, 3376]);
  });

  test("by tRPC", async () => {
    await using proxy = await startProxy(gateway);
    const { dataset } = trpcOf<App>({ url: gateway.url, key: gateway.key }).catalog.sub;
    const name = ["acme", "trpc"] as const;
    const params = { csv, source: "airports.csv" };
    const { id: instanceId, links } = await dataset.importDataset.start.mutate({ name, params });
    const { token } = await dataset.createInstanceStreamToken.mutate({ name, instanceId });
    const told: string[] = [];
    const stages = new Set<string>();
    const follower = trpcOf<App>({ url: proxy.url, key: "" }, token).catalog.sub.dataset;
    await new Promise<void>((onComplete, onError) => {
      follower.streamInstanceEvents.subscribe(
        { name, instanceId },
        {
          onData({ id, data }) {
            if (data.type === "stream.caught-up" || data.type === "stream.gap") return;
            told.push(id);
            if (data.type === "instance.progress") stages.add(data.data.progress.stage);
            if (data.type !== "approval.requested") return;
            proxy.cut();
            const { id: approvalId } = data.data.approval;
            dataset.approveApproval
              .mutate({ name, approvalId, metadata: { note: "by a test" } })
              .catch(onError);
          },
          onComplete,
          onError,
        },
      );
    });
    expect(told).toEqual((await journalOf(links.events)).map((event) => event.id));
    expect([...stages]).toEqual(["read", "review", "load"]);
    expect(proxy.passed.length).toBeGreaterThanOrEqual(2);
    const instance = await dataset.getInstance.query({ name, instanceId });
    expect(instance).toMatchObject({ status: "complete", output: OUTPUT });
    const { rows, total } = await dataset.methods.rows.mutate({ name, input: { limit: 2 } });
    expect([rows.length, total]).toEqual([2, 3376]);
  });
});

const readText = (name: string): Promise<string> => readFile(join(import.meta.dirname, name), "utf8");

/** What stands in `readme.ts` behind a mark, as far as it is shown. */
async function markedAs(mark: string): Promise<string> {
  const pattern = new RegExp(`// README: ${mark}\n(.*?)  // README: end`, "s");
  const [, code = "no such mark"] = pattern.exec(await readText("readme.ts")) ?? [];
  return code.replaceAll(/^ {2}/gm, "");
}

describe("what README.md shows", () => {
  test.each(["client", "trpc", "mcp"])("of the %s is what runs here, in ten lines at most", async (mark) => {
    const [code, readme] = await Promise.all([markedAs(mark), readText("../../README.md")]);
    const blocks = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), ([, block = ""]) => block);
    const block = blocks.find((one) => one.endsWith(code));
    expect(block, `README.md shows:\n${code}`).toBeDefined();
    expect(block?.trimEnd().split("\n").length).toBeLessThanOrEqual(10);
  });

  test("does what it says", async () => {
    const imported = await byClient(gateway.url.origin, gateway.key, csv);
    expect(imported).toEqual({ rows: 3376, checksum: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const { instance, items } = await byTrpc(gateway.url.origin, gateway.key, csv);
    expect(instance).toMatchObject({
      workflow: "import-dataset",
      agent: "/agents/catalog/acme/sub/dataset/airports",
    });
    expect(items.every(({ instanceId }) => instanceId === instance.id)).toBe(true);
    const { tools, started } = await byMcp(gateway.url.origin, gateway.key, csv);
    expect(tools.map((tool) => tool.name)).toEqual(
      expect.arrayContaining(["startImportDataset", "approveDatasetApproval", "listDatasetInstances"]),
    );
    expect(started.structuredContent).toMatchObject({ workflow: "import-dataset", status: "queued" });
  });
});
