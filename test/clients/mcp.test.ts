import { type Client, ProtocolError } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCsv } from "../../scripts/demo-csv.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { createKey } from "../support/keys.ts";
import { until } from "../support/until.ts";
import { type McpMode, mcpOf } from "./clients.ts";

let gateway: TestGateway;
let csv: string;
beforeAll(async () => {
  gateway = await startGateway();
  csv = (await readCsv()).text;
});
afterAll(() => gateway.harness.close());

const WORKING = "?allow=instances:start,approvals:decide,instances:control";

/** What a call of a tool answers with. Once its tools were listed, a client itself checks answers by their output schemas. */
async function call<Shape = Record<string, unknown>>(mcp: Client, name: string, input: object = {}) {
  const { isError, structuredContent, content } = await mcp.callTool({ name, arguments: { ...input } });
  const [part] = content;
  expect(JSON.parse(part?.type === "text" ? part.text : "")).toEqual(structuredContent);
  return { isError: isError === true, content: structuredContent as Shape };
}

interface Event {
  readonly type: string;
  readonly data: {
    readonly approval?: { readonly id: string };
    readonly progress?: { readonly stage: string };
  };
}
interface EventPage {
  readonly items: readonly Event[];
  readonly nextCursor: string;
  readonly ended: boolean;
}

/** Reads a journal until something is in it, as a model would: page by page, each held until there is news. */
async function readUntil(mcp: Client, of: object, wanted: (event: Event) => boolean): Promise<Event[]> {
  const events: Event[] = [];
  for (let after: string | undefined; !events.some(wanted);) {
    const { content, isError } = await call<EventPage>(mcp, "listDatasetInstanceEvents", {
      ...of,
      waitSeconds: 20,
      ...(after === undefined ? {} : { after }),
    });
    expect(isError).toBe(false);
    events.push(...content.items);
    after = content.nextCursor;
    if (content.ended) break;
  }
  return events;
}

describe.each<[McpMode, string]>([
  ["legacy", "2025-11-25"],
  ["auto", "2026-07-28"],
])("a client that speaks %s, and agrees on %s", (mode, version) => {
  test("starts the import of 3,376 airports, reads how it goes, approves it, and sees it complete", async () => {
    const mcp = await mcpOf(gateway, WORKING, mode);
    expect(mcp.getNegotiatedProtocolVersion()).toBe(version);
    expect(mcp.getInstructions()).toMatch(/`name` is the name of an agent/);
    await mcp.listTools();
    const name = ["acme", mode];
    const start = { name, params: { csv, source: "airports.csv" }, metadata: { owner: "ada" } };
    const started = await call<{ id: string }>(mcp, "startImportDataset", start);
    expect(started).toMatchObject({ isError: false, content: { status: "queued", startedBy: "api-key" } });
    const of = { name, instanceId: started.content.id };

    const events = await readUntil(mcp, of, ({ type }) => type === "approval.requested");
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["instance.queued", "instance.started", "instance.progress"]),
    );
    const approvalId = events.find(({ data }) => data.approval)?.data.approval?.id;
    const decided = await call(mcp, "approveDatasetApproval", {
      name,
      approvalId,
      reason: "they are airports",
      metadata: { note: "by a model" },
    });
    expect(decided.content).toMatchObject({ status: "approved", decidedBy: "api-key" });
    const ended = await call(mcp, "getDatasetInstance", { ...of, waitSeconds: 30 });
    expect(ended.content).toMatchObject({
      status: "complete",
      output: { rows: 3376, rejected: 0, note: "by a model" },
    });

    const steps = await call<EventPage>(mcp, "listDatasetInstanceEvents", { ...of, include: "steps" });
    expect(steps).toMatchObject({ isError: false, content: { ended: true } });
    expect(steps.content.items.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["step.completed", "instance.completed"]),
    );
    const passedUp = () => call<EventPage>(mcp, "listCatalogEvents", { name: "acme", scope: "subtree" });
    await until(passedUp, ({ content }) => content.items.some(({ type }) => type === "approval.requested"));

    const again = await call(mcp, "approveDatasetApproval", { name, approvalId });
    expect(again).toMatchObject({
      isError: true,
      content: { code: "approval_closed", status: 409, decision: { decidedBy: "api-key" } },
    });
    const audit = await call<{ items: { action: string; door: string; principal: string }[] }>(
      mcp,
      "listDatasetAudit",
      { name },
    );
    expect(audit.content.items.map(({ action, door, principal }) => [action, door, principal])).toEqual([
      ["approval.approve", "mcp", "api-key"],
      ["instance.start", "mcp", "api-key"],
    ]);
    const rows = await call<{ rows: unknown[]; total: number }>(mcp, "callDatasetRows", {
      name,
      input: { limit: 2 },
    });
    expect([rows.content.rows.length, rows.content.total]).toEqual([2, 3376]);
    await mcp.close();
  });

  test("is told of what is wrong by the problem, and of a tool that is not there by the protocol", async () => {
    const mcp = await mcpOf(gateway, WORKING, mode);
    await mcp.listTools();
    expect(await call(mcp, "getCatalog", { name: "nobody" })).toEqual({
      isError: true,
      content: {
        type: "urn:switchyard:problem:agent_not_found",
        title: expect.stringMatching(/./),
        status: 404,
        code: "agent_not_found",
        requestId: expect.stringMatching(/./),
        retryable: false,
      },
    });
    const wrong = await call<{ errors: { pointer: string }[] }>(mcp, "startImportDataset", {
      name: ["acme"],
      params: { csv: 1 },
      colour: "red",
    });
    expect(wrong).toMatchObject({ isError: true, content: { code: "invalid_request" } });
    expect(wrong.content.errors.map(({ pointer }) => pointer)).toEqual(["/name", "/params/csv", "/colour"]);
    const long = await call(mcp, "listDatasetEvents", { name: ["acme", "x"], waitSeconds: 51 });
    expect(long.content).toMatchObject({ errors: [{ pointer: "/waitSeconds" }] });
    const gone = call(mcp, "startNothing");
    await expect(gone).rejects.toBeInstanceOf(ProtocolError);
    await mcp.close();
  });
});

interface Listed {
  readonly items: readonly { readonly id: string }[];
  readonly nextCursor: string | null;
}

test("a list is read page by page, and a change that is sent again is done once, also by another door", async () => {
  const mcp = await mcpOf(gateway, WORKING);
  await mcp.listTools();
  const name = ["acme", "pages"];
  const start = (id: string) => ({ name, id, params: { csv: "name\nBerlin\n" }, idempotencyKey: `k-${id}` });
  for (const id of ["one", "two", "three"]) await call(mcp, "startImportDataset", start(id));
  const repeated = await call(mcp, "startImportDataset", start("one"));
  expect(repeated).toMatchObject({ isError: false, content: { id: "one" } });
  const byRest = await gateway.post(
    "/agents/catalog/acme/sub/dataset/pages/workflows/import-dataset",
    { params: { csv: "name\nBerlin\n" }, id: "one" },
    { "idempotency-key": "k-one" },
  );
  expect(byRest.json()).toEqual(repeated.content);
  const other = await call(mcp, "startImportDataset", { ...start("one"), id: "four" });
  expect(other).toMatchObject({ isError: true, content: { code: "idempotency_key_reused" } });

  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { content: Listed } = await call<Listed>(mcp, "listDatasetInstances", {
      name,
      limit: 2,
      count: true,
      ...(cursor === null ? {} : { cursor }),
    });
    expect(page.content).toMatchObject({ total: 3 });
    ids.push(...page.content.items.map(({ id }) => id));
    ({ nextCursor: cursor } = page.content);
  } while (cursor !== null);
  expect(ids).toEqual(["three", "two", "one"]);
  await mcp.close();
});

describe("a connection that only reads", () => {
  const CHANGES = { name: ["acme", "read-only"], params: { csv: "name\nBerlin\n" } };

  test("is what a key for reading has, whatever its address says", async () => {
    const { key } = await createKey(gateway, {
      name: "reader",
      scopes: ["agents:read", "instances:read"],
      agents: ["/agents/catalog/**"],
    });
    const mcp = await mcpOf({ url: gateway.url, key }, WORKING);
    const { tools } = await mcp.listTools();
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint !== true)).toEqual([]);
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["listDatasetInstances", "getDatasetApproval"]),
    );
    expect(tools.map(({ name }) => name)).not.toContain("listKeys");
    expect(await call(mcp, "startImportDataset", CHANGES)).toMatchObject({
      isError: true,
      content: { code: "forbidden", detail: "The credentials lack instances:start." },
    });
    expect(await call(mcp, "listKeys")).toMatchObject({ isError: true, content: { code: "forbidden" } });
    await mcp.close();
  });

  test("is what any key has, unless its address lists more", async () => {
    const mcp = await mcpOf(gateway);
    const { tools } = await mcp.listTools();
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint !== true)).toEqual([]);
    expect(await call(mcp, "startImportDataset", CHANGES)).toMatchObject({
      isError: true,
      content: {
        code: "forbidden",
        detail:
          "This connection only reads. Its address must say allow=instances:start, if it is to do this.",
      },
    });
    expect((await gateway.get("/agents/catalog/acme/sub/dataset/read-only")).status).toBe(404);
    await mcp.close();

    const starter = await mcpOf(gateway, "?allow=instances:start");
    const changing = (await starter.listTools()).tools
      .filter(({ annotations }) => annotations?.readOnlyHint !== true)
      .map(({ name }) => name);
    expect(changing).toEqual([
      "startPublishRelease",
      "startPublishReleaseBatch",
      "startClearHistory",
      "startClearHistoryBatch",
      "startImportDataset",
      "startImportDatasetBatch",
    ]);
    await starter.close();
  });

  test("needs a key", async () => {
    await expect(mcpOf({ url: gateway.url, key: "not-the-key-of-anybody" })).rejects.toThrow(/./);
  });
});

test("what every reading tool answers is as it shows", async () => {
  const mcp = await mcpOf(gateway, WORKING);
  const { tools } = await mcp.listTools();
  const name = ["acme", "swept"];
  const { content } = await call<{ id: string }>(mcp, "startImportDataset", {
    name,
    params: { csv: "name\nBerlin\n" },
  });
  const of = { name, instanceId: content.id };
  const events = await readUntil(mcp, of, ({ type }) => type === "approval.requested");
  const approvalId = events.find(({ data }) => data.approval)?.data.approval?.id;
  const known: Record<string, unknown> = { ...of, approvalId };
  const called: string[] = [];
  for (const { name: tool, annotations, inputSchema } of tools) {
    const needs = inputSchema.required ?? [];
    const ofCatalog = tool.includes("Catalog");
    const isKnown = needs.every((field) => field in known && !(ofCatalog && field.endsWith("Id")));
    if (annotations?.readOnlyHint !== true || !isKnown) continue;
    const input = Object.fromEntries(
      needs.map((field) => [field, field === "name" && ofCatalog ? "acme" : known[field]]),
    );
    // The client throws if what it is answered is not what the schema says.
    const answer = await call(mcp, tool, input);
    expect(answer.isError, `${tool}: ${JSON.stringify(answer.content)}`).toBe(false);
    called.push(tool);
  }
  expect(called.length).toBeGreaterThan(25);
  await mcp.close();
});
