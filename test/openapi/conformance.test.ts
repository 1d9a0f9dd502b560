import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream } from "../support/stream.ts";
import { differences, documentOf, misfits, type OpenApiDocument } from "./served-document.ts";

const CATALOG = "/agents/catalog/acme";
const DATASET = `${CATALOG}/sub/dataset/stations`;

let gateway: TestGateway;
let document: OpenApiDocument;
beforeAll(async () => {
  gateway = await startGateway();
  document = await documentOf(gateway);
});
afterAll(() => gateway.harness.close());

/** What was answered otherwise than expected, or than the document says. */
let unlike: string[] = [];
beforeEach(() => {
  unlike = [];
});

/** Asks, and notes it if the status is another one, or the answer is not as the document says. */
async function ask(
  status: number,
  method: "get" | "post",
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Answer> {
  const answer = await gateway.request(method.toUpperCase(), path, body, headers);
  if (answer.status !== status) unlike.push(`${method} ${path} answered ${answer.status}: ${answer.text}`);
  unlike.push(...differences(document, method, path, answer));
  return answer;
}

const revoke = (path: string): Promise<Answer> => gateway.request("DELETE", path);

/** Reads a stream to an event of this type, and notes every frame that is not as the document says. */
async function readStream(path: string, frame: string, type: string): Promise<void> {
  await using stream = await openStream(gateway, path);
  await stream.until(type);
  const schema = { $ref: `#/components/schemas/${frame}` };
  unlike.push(...stream.received.flatMap(({ data }) => misfits(document, schema, data)));
  const misnamed = stream.received.filter(({ event, data }) => event !== data.type);
  unlike.push(...misnamed.map(({ event, data }) => `the frame ${event} carries ${data.type}`));
}

test.each([
  ["a field that is not named", { status: "ok", surprise: 1 }],
  ["a value of another type", { status: 1 }],
  ["a field that is missing", {}],
])("the comparison sees %s", (_, value) => {
  expect(misfits(document, { $ref: "#/components/schemas/Health" }, value)).toHaveLength(1);
});

describe("what the Worker answers is what its document says", () => {
  test("of an import, from its start to its end", async () => {
    const params = { csv: "name,height\nBerlin,34\nParis,35\n", source: "a test" };
    const started = await ask(202, "post", `${DATASET}/workflows/import-dataset`, {
      params,
      id: "one",
      metadata: { n: 1 },
    });
    const { links } = started.json<{ links: { self: string; events: string } }>();
    await readStream(links.events, "DatasetFrame", "approval.requested");
    await ask(200, "get", links.self);
    await ask(200, "get", `${DATASET}/instances?status=waiting`);
    const pending = await ask(200, "get", `${DATASET}/approvals?status=pending`);
    const [approval] = pending.json<{ items: { id: string }[] }>().items;
    const gate = `${DATASET}/approvals/${approval?.id}`;
    await ask(200, "get", gate);
    const link = await ask(201, "post", `${gate}/links`, { for: "ada" });
    await ask(200, "get", `${gate}/links`);
    await ask(400, "post", `${gate}/links`, { for: "" });
    const { id } = link.json<{ id: string }>();
    unlike.push(
      ...differences(document, "delete", `${gate}/links/${id}`, await revoke(`${gate}/links/${id}`)),
    );
    await ask(200, "post", `${gate}/approve`, { reason: "fine", metadata: { note: "seen" } });
    await ask(409, "post", `${gate}/reject`, {});
    await readStream(links.events, "DatasetFrame", "stream.end");

    await ask(200, "get", links.self);
    await ask(200, "get", `${DATASET}/instances`);
    await ask(200, "get", `${links.events}?limit=100`, undefined, { accept: "application/json" });
    await ask(200, "get", DATASET);
    await ask(200, "post", `${DATASET}/methods/rows`, { limit: 1 });
    await ask(200, "post", `${DATASET}/methods/summary`, {});
    await ask(200, "get", `${CATALOG}/state`);
    expect(unlike).toEqual([]);
  });

  test("of a release that is rejected", async () => {
    const started = await ask(202, "post", `${CATALOG}/workflows/publish-release`, {
      params: { version: "1" },
    });
    const { links } = started.json<{ links: { self: string; events: string } }>();
    await readStream(links.events, "CatalogFrame", "approval.requested");
    await ask(200, "post", `${links.self}/reject`, { reason: "not yet" });
    await readStream(links.events, "CatalogFrame", "instance.errored");
    await ask(200, "get", links.self);
    await ask(200, "get", `${CATALOG}/events`, undefined, { accept: "application/json" });
    await ask(200, "get", CATALOG);
    expect(unlike).toEqual([]);
  });

  test("of the gateway itself", async () => {
    await ask(200, "get", "/healthz");
    await ask(200, "get", "/agents");
    await ask(401, "post", "/webhooks/approvals", {});
    expect(unlike).toEqual([]);
  });

  test("of requests that are refused", async () => {
    const start = `${DATASET}/workflows/import-dataset`;
    await ask(202, "post", start, { params: { csv: "a\n" }, id: "twice" });
    await ask(409, "post", start, { params: { csv: "a\n" }, id: "twice" });
    await ask(400, "post", start, { params: { csv: 1 } });
    await ask(401, "get", "/agents", undefined, { authorization: "Bearer nobody" });
    await ask(404, "get", `${DATASET}/instances/nobody`);
    await ask(404, "get", "/agents/catalog/nobody");
    await ask(406, "get", `${CATALOG}/events`, undefined, { accept: "text/html" });
    await ask(400, "get", `${CATALOG}/instances?cursor=none`);
    await ask(415, "post", start, "csv", { "content-type": "text/csv" });
    expect(unlike).toEqual([]);
  });
});

test("the example of a problem is what such a problem looks like", async () => {
  const answer = await gateway.get("/agents", { authorization: "Bearer nobody" });
  const { detail: _, requestId: __, ...problem } = answer.json<Record<string, unknown>>();
  expect(document.components.examples["unauthorized"]?.value).toMatchObject(problem);
});
