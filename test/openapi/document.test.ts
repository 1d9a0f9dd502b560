import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WEBHOOK_TYPES } from "../../src/gateway/contract/webhook.ts";
import { PROBLEMS } from "../../src/gateway/contract/problem.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import {
  documentOf,
  type FoundOperation,
  type JsonSchema,
  mediaOf,
  misfits,
  objectsIn,
  type OpenApiDocument,
  operationsOf,
  resolve,
} from "./served-document.ts";

interface Catalogue {
  readonly agents: readonly {
    readonly path: string;
    readonly workflows: readonly { readonly name: string }[];
    readonly methods: readonly { readonly name: string }[];
  }[];
}

const DATASET = "/agents/catalog/{catalog}/sub/dataset/{dataset}";

let gateway: TestGateway;
let document: OpenApiDocument;
let operations: FoundOperation[];
/** What endpoints are sent; the path of each is its type. */
let webhooks: FoundOperation[];
beforeAll(async () => {
  gateway = await startGateway();
  document = await documentOf(gateway);
  operations = operationsOf(document);
  webhooks = operationsOf({ paths: document.webhooks });
});
afterAll(() => gateway.harness.close());

const schemaNamed = (name: string): JsonSchema | undefined => document.components.schemas[name];
const fieldsOf = (name: string): string[] => Object.keys(schemaNamed(name)?.properties ?? {});
const dataOf = (event: string) => schemaNamed(`ImportDatasetEvent${event}`)?.properties?.["data"]?.properties;
const problemsOf = ({ operation }: FoundOperation) =>
  Object.entries(operation.responses).filter(([status]) => Number(status) >= 400);
/** Ids of the operations for which something is wrong. */
const idsWhere = (isWrong: (found: FoundOperation) => boolean, of = operations): string[] =>
  of.filter(isWrong).map(({ operation }) => operation.operationId);

describe("the document", () => {
  test("is OpenAPI 3.1 and can be read without a key", () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toMatchObject({
      title: "Data desk",
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });

  test("has the version of the package", async () => {
    const text = await readFile(join(import.meta.dirname, "..", "..", "package.json"), "utf8");
    expect(document.info.version).toBe((JSON.parse(text) as { version: string }).version);
  });

  test("is the committed one (otherwise run: npm run openapi)", async () => {
    const committed = await readFile(
      join(import.meta.dirname, "..", "..", "openapi", "openapi.json"),
      "utf8",
    );
    expect(committed).toBe(`${JSON.stringify(document, null, 2)}\n`);
  });

  test("has a path of its own for every agent, child, workflow and method that is served", async () => {
    const { agents } = (await gateway.get("/agents")).json<Catalogue>();
    const paths = agents.flatMap(({ path, workflows, methods }) => [
      `get ${path}`,
      ...workflows.map(({ name }) => `post ${path}/workflows/${name}`),
      ...methods.map(({ name }) => `post ${path}/methods/${name}`),
    ]);
    expect(paths).toContain(`post ${DATASET}/workflows/import-dataset`);
    expect(operations.map(({ method, path }) => `${method} ${path}`)).toEqual(expect.arrayContaining(paths));
  });

  test("never shows a name that is reserved for the inside", () => {
    const keys = [...objectsIn(document)].flatMap(([, object]) => Object.keys(object));
    expect(keys.filter((key) => key.startsWith("__"))).toEqual([]);
    expect(JSON.stringify(document)).not.toContain("__");
  });

  test("has nothing behind a reference that is not there, and no reference to elsewhere", () => {
    const references = [...objectsIn(document)].flatMap(([, { $ref, mapping }]) => [
      ...(typeof $ref === "string" ? [$ref] : []),
      ...(typeof mapping === "object" ? Object.values(mapping as Record<string, string>) : []),
    ]);
    expect(references.length).toBeGreaterThan(100);
    expect(references.filter((reference) => resolve(document, reference) === undefined)).toEqual([]);
  });

  test("has no component that nothing refers to", () => {
    const text = JSON.stringify(document);
    const used = (kind: string, name: string): boolean => text.includes(`"#/components/${kind}/${name}"`);
    const { schemas, examples } = document.components;
    expect(Object.keys(schemas).filter((name) => !used("schemas", name))).toEqual([]);
    expect(Object.keys(examples).filter((name) => !used("examples", name))).toEqual([]);
  });

  test("describes every tag that it uses", () => {
    const described = document.tags
      .filter(({ description }) => description.length > 10)
      .map(({ name }) => name);
    expect(described).toEqual(["gateway", "catalog", "dataset"]);
    expect(idsWhere(({ operation: { tags } }) => tags.some((tag) => !described.includes(tag)))).toEqual([]);
  });
});

describe("every operation", () => {
  test("has a summary, and a description that says more", () => {
    const all = [...operations, ...webhooks];
    expect(
      idsWhere(
        ({ operation: { summary, description } }) => summary.length < 10 || description.length < 20,
        all,
      ),
    ).toEqual([]);
    expect(idsWhere(({ operation: { requestBody } }) => requestBody?.description === "", all)).toEqual([]);
  });

  test("has an id of its own, a summary and one tag", () => {
    const ids = [...operations, ...webhooks].map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z]+[A-Z]\w+$/.test(id))).toEqual([]);
    expect(idsWhere(({ operation: { summary, tags } }) => summary.length < 10 || tags.length !== 1)).toEqual(
      [],
    );
  });

  test("but the health checks need a key, and says with which scope", () => {
    expect(idsWhere(({ operation: { security } }) => security.length === 0)).toEqual([
      "getHealth",
      "getReadiness",
    ]);
    const scopes = operations
      .flatMap(({ operation }) => operation.security)
      .map((one) => JSON.stringify(one));
    expect(
      scopes.filter(
        (scope) =>
          !/^\{"(?:apiKey|cloudflareAccess)":\["[a-z]+:[a-z]+"\]\}$|^\{"(?:streamToken|webhookSignature)":\[\]\}$/.test(
            scope,
          ),
      ),
    ).toEqual([]);
  });

  test("names its problems by code, each under its own status, as application/problem+json", () => {
    expect(idsWhere((found) => problemsOf(found).length === 0)).toEqual([]);
    for (const found of operations) {
      for (const [status, { content = {} }] of problemsOf(found)) {
        const { "application/problem+json": media, ...others } = content;
        expect(others).toEqual({});
        expect(media?.schema).toEqual({ $ref: "#/components/schemas/Problem" });
        const codes = Object.keys(media?.examples ?? {});
        expect(codes.length, `${found.operation.operationId} ${status}`).toBeGreaterThan(0);
        const statuses = codes.map((code) => PROBLEMS[code as keyof typeof PROBLEMS].status);
        expect(new Set(statuses), found.operation.operationId).toEqual(new Set([Number(status)]));
      }
    }
  });

  test("describes its parameters, and has those that its path names", () => {
    expect(
      idsWhere(({ operation }) => (operation.parameters ?? []).some(({ description }) => !description)),
    ).toEqual([]);
    const wrong = idsWhere(({ path, operation }) => {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const given = (operation.parameters ?? []).filter((one) => one.in === "path").map(({ name }) => name);
      return named.join() !== given.join();
    });
    expect(wrong).toEqual([]);
  });

  test("that answers 202, or 201, says where what it made is, unless it deletes", () => {
    const starts = operations.filter(
      ({ method, operation }) => "202" in operation.responses && method !== "delete",
    );
    expect(starts.map(({ operation }) => operation.operationId)).toEqual(
      expect.arrayContaining(["startPublishRelease", "startImportDataset", "restartDatasetInstance"]),
    );
    for (const { operation } of starts)
      expect(operation.responses["202"]?.headers).toHaveProperty("Location");
    const made = operations.filter(({ operation }) => "201" in operation.responses);
    expect(made.map(({ operation }) => operation.operationId)).toContain("createDataset");
    // Neither a token nor a link can be read again.
    const addressed = made.filter(({ path }) => !/\/(?:stream-tokens|links)$/.test(path));
    for (const { operation } of addressed)
      expect(operation.responses["201"]?.headers).toHaveProperty("Location");
  });

  test("that streams says how to resume, and what its frames carry", () => {
    const streams = operations.filter(
      ({ operation }) => "text/event-stream" in (operation.responses["200"]?.content ?? {}),
    );
    const frames = streams.map(({ operation }) => [
      operation.operationId,
      operation.responses["200"]?.content?.["text/event-stream"]?.schema?.$ref,
    ]);
    expect(Object.fromEntries(frames)).toEqual({
      // The frames of an instance tell of steps too, those of an agent of its state.
      streamCatalogInstanceEvents: "#/components/schemas/CatalogFrame",
      streamCatalogEvents: "#/components/schemas/CatalogAgentFrame",
      streamDatasetInstanceEvents: "#/components/schemas/DatasetFrame",
      streamDatasetEvents: "#/components/schemas/DatasetAgentFrame",
    });
    for (const { operation } of streams) {
      const names = operation.parameters?.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(["Last-Event-ID", "after"]));
    }
  });
});

describe("every schema", () => {
  test("is described, and so is every field", () => {
    const described = ({ description, $ref }: JsonSchema): boolean =>
      description !== undefined || ($ref !== undefined && described(resolve(document, $ref) as JsonSchema));
    const schemas = Object.entries(document.components.schemas);
    expect(schemas.filter(([, schema]) => !described(schema)).map(([name]) => name)).toEqual([]);
    const fields = [...objectsIn(document)].flatMap(([pointer, { properties, type }]) =>
      type === "object"
        ? Object.entries((properties ?? {}) as Record<string, JsonSchema>).map(
            ([name, field]) => [`${pointer}/${name}`, field] as const,
          )
        : [],
    );
    expect(fields.length).toBeGreaterThan(500);
    expect(fields.filter(([, field]) => !described(field)).map(([pointer]) => pointer)).toEqual([]);
  });
});

describe("every example", () => {
  test("is what its schema takes", () => {
    const wrong = [...operations, ...webhooks].flatMap(({ operation }) => [
      ...mediaOf(operation).flatMap(([of, { schema, example, examples = {} }]) =>
        [
          ...(example === undefined ? [] : [example]),
          ...Object.values(examples).map(({ $ref }) => (resolve(document, $ref) as { value: unknown }).value),
        ].flatMap((value) =>
          misfits(document, schema, value).map((misfit) => `${operation.operationId} ${of}: ${misfit}`),
        ),
      ),
      ...(operation.parameters ?? []).flatMap(({ schema, example }) =>
        example === undefined ? [] : misfits(document, schema, example),
      ),
    ]);
    expect(wrong).toEqual([]);
  });

  test("in a schema is what that schema takes", () => {
    const wrong = [...objectsIn(document.components.schemas)].flatMap(([pointer, schema]) => {
      const { examples, ...rest } = schema as JsonSchema;
      if (!Array.isArray(examples)) return [];
      return examples.flatMap((example) =>
        misfits(document, rest, example).map((misfit) => `${pointer}: ${misfit}`),
      );
    });
    expect(wrong).toEqual([]);
  });

  test("is there for all that is sent and answered, but where no event is taken", () => {
    const missing = [...operations, ...webhooks].flatMap(({ operation }) =>
      mediaOf(operation)
        .filter(([, { example, examples }]) => example === undefined && examples === undefined)
        .map(([of]) => `${operation.operationId} ${of}`),
    );
    expect(missing).toEqual(["sendCatalogInstanceEvent request", "sendDatasetInstanceEvent request"]);
  });
});

describe("every list", () => {
  test("says to generators of clients how its pages are read", () => {
    const lists = operations.filter(({ operation }) => operation["x-redoclyPagination"] !== undefined);
    expect(lists.map(({ operation }) => operation.operationId)).toEqual([
      "listKeys",
      "listAudit",
      "listWebhookEndpoints",
      "listWebhookDeliveries",
      "listCatalogChildren",
      "listCatalogInstances",
      "listCatalogApprovals",
      "listCatalogAudit",
      "listDatasetInstances",
      "listDatasetApprovals",
      "listDatasetAudit",
    ]);
    for (const { operation } of lists) {
      const { $ref = "" } = operation.responses["200"]?.content?.["application/json"]?.schema ?? {};
      expect(operation["x-redoclyPagination"]).toMatchObject({
        cursorParam: "cursor",
        nextCursor: "/nextCursor",
        items: "/items",
      });
      expect(resolve(document, $ref)).toHaveProperty("properties.items");
      expect(operation.parameters?.map(({ name }) => name)).toContain("cursor");
    }
  });
});

describe("every webhook", () => {
  test("is of a type that endpoints can ask for, and shows a message of that type", () => {
    expect(webhooks.map(({ path }) => path)).toEqual([...WEBHOOK_TYPES]);
    for (const { path, operation } of webhooks) {
      const example = operation.requestBody?.content["application/json"]?.example;
      expect(example).toMatchObject({ type: path, timestamp: expect.any(String) });
    }
  });
});

describe("the types of the author of a workflow", () => {
  test("are what a start takes", () => {
    const start = document.paths[`${DATASET}/workflows/import-dataset`]?.["post"];
    const body = start?.requestBody?.content["application/json"]?.schema;
    expect(body).toEqual({ $ref: "#/components/schemas/StartImportDatasetRequest" });
    expect(schemaNamed("StartImportDatasetRequest")).toMatchObject({
      required: ["params"],
      properties: { params: { $ref: "#/components/schemas/ImportDatasetParams" } },
    });
    expect(schemaNamed("ImportDatasetParams")).toMatchObject({
      required: ["csv"],
      properties: { csv: { type: "string" }, source: { type: "string", maxLength: 200 } },
      additionalProperties: false,
    });
  });

  test("are what an instance shows: progress always, output when it is complete", () => {
    expect(schemaNamed("ImportDatasetProgress")).toMatchObject({
      required: ["stage", "rowsRead", "rowsRejected", "total", "rowsLoaded"],
      properties: { stage: { enum: ["read", "review", "load"] }, rowsRead: { type: "integer" } },
    });
    expect(schemaNamed("ImportDatasetInstanceRunning")?.properties?.["progress"]).toMatchObject({
      anyOf: [{ $ref: "#/components/schemas/ImportDatasetProgress" }, { type: "null" }],
    });
    expect(fieldsOf("ImportDatasetOutput")).toEqual(["rows", "rejected", "checksum", "note"]);
    const complete = schemaNamed("ImportDatasetInstanceComplete");
    expect(complete?.properties?.["output"]).toEqual({ $ref: "#/components/schemas/ImportDatasetOutput" });
    expect(complete?.required).toContain("output");
    expect(fieldsOf("ImportDatasetInstanceRunning")).not.toContain("output");
    expect(schemaNamed("ImportDatasetInstanceErrored")?.required).toContain("error");
    expect(schemaNamed("ImportDatasetInstanceWaiting")?.required).toContain("waitingFor");
  });

  test("are what events carry", () => {
    expect(dataOf("InstanceProgress")).toEqual({
      progress: { $ref: "#/components/schemas/ImportDatasetProgress" },
    });
    expect(dataOf("InstanceCompleted")).toEqual({
      output: { $ref: "#/components/schemas/ImportDatasetOutput" },
    });
  });

  test("are what an approver may send along", () => {
    expect(schemaNamed("ImportDatasetApprovalMetadata")?.properties?.["note"]).toMatchObject({
      maxLength: 500,
    });
    for (const path of [
      "approvals/{approvalId}/approve",
      "approvals/{approvalId}/reject",
      "instances/{instanceId}/approve",
    ]) {
      const { $ref = "" } =
        document.paths[`${DATASET}/${path}`]?.["post"]?.requestBody?.content["application/json"]?.schema ??
        {};
      const body = resolve(document, $ref) as JsonSchema;
      expect(body.properties?.["metadata"]?.$ref).toBe("#/components/schemas/ImportDatasetApprovalMetadata");
    }
  });

  test("are what a method takes and returns, and the state", () => {
    expect(fieldsOf("DatasetRowsInput")).toEqual(["offset", "limit"]);
    expect(fieldsOf("DatasetRowsOutput")).toEqual(["rows", "total"]);
    expect(fieldsOf("CatalogState")).toEqual(["datasets", "release"]);
  });
});

describe("a union says by which field to tell its members apart, and names them", () => {
  test.each([
    [
      "ImportDatasetInstance",
      "status",
      ["queued", "running", "waiting", "paused", "complete", "errored", "terminated"],
    ],
    ["DatasetFrame", "type", ["instance.progress", "approval.requested", "stream.caught-up", "stream.end"]],
    ["ImportDatasetEvent", "type", ["instance.queued", "instance.completed", "approval.expired"]],
  ])("%s by %s", (name, propertyName, values) => {
    const { oneOf = [], discriminator } = schemaNamed(name) ?? {};
    expect(discriminator?.propertyName).toBe(propertyName);
    expect(Object.keys(discriminator?.mapping ?? {})).toEqual(expect.arrayContaining(values));
    expect(Object.values(discriminator?.mapping ?? {})).toEqual(oneOf.map(({ $ref }) => $ref));
    for (const [value, target] of Object.entries(discriminator?.mapping ?? {})) {
      expect((resolve(document, target) as JsonSchema).properties?.[propertyName]?.enum).toEqual([value]);
    }
  });
});

describe("the reference page", () => {
  test("is HTML that refers to this origin alone, and its script is there", async () => {
    const page = await gateway.get("/docs");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    const addresses = [...page.text.matchAll(/(?:src|href|url|action)\s*[=:]\s*["']([^"']+)["']/gi)].map(
      ([, url = ""]) => url,
    );
    expect(addresses).toContain("/docs/scalar.js");
    expect(addresses.map((url) => new URL(url, gateway.url).origin)).toEqual(
      addresses.map(() => gateway.url.origin),
    );
    expect(page.text).not.toMatch(/https?:\/\/|["'(]\/\/\w/);
    const script = await gateway.request("HEAD", "/docs/scalar.js");
    expect(script.status).toBe(200);
    expect(script.headers.get("content-type")).toMatch(/javascript/);
    expect(script.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("lets the browser load and send nothing elsewhere, with a nonce that is new every time", async () => {
    const policies = await Promise.all([gateway.get("/docs"), gateway.get("/docs")]);
    const [one = "", other = ""] = policies.map(
      ({ headers }) => headers.get("content-security-policy") ?? "",
    );
    expect(one).toContain("default-src 'none'");
    expect(one).toContain("connect-src 'self'");
    expect(one).not.toMatch(/\*|https?:|unsafe-eval|script-src[^;]*unsafe/);
    expect(one).not.toBe(other);
  });
});
