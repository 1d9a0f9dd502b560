import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { breakingChanges } from "../../scripts/breaking-changes.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-"));
});
afterAll(() => rm(folder, { recursive: true }));

const shape = (type: string) => ({
  type: "object",
  required: ["type"],
  properties: { type: { type: "string", enum: [type] } },
});

/** A small API: one thing is read, one is sent in, and one is sent by itself. */
function api(version = "0.1.0") {
  return {
    openapi: "3.1.0",
    info: { title: "A test", version },
    servers: [{ url: "/" }],
    paths: {
      "/things": {
        get: {
          operationId: "listThings",
          parameters: [
            { name: "limit", in: "query", required: false, schema: { type: "integer", maximum: 100 } },
          ],
          responses: {
            "200": {
              description: "OK",
              content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } },
            },
            "404": { description: "No" },
          },
        } as Record<string, unknown>,
        post: {
          operationId: "makeThing",
          requestBody: {
            required: true,
            content: { "application/json": { schema: { $ref: "#/components/schemas/NewThing" } } },
          },
          responses: { "200": { description: "OK" } },
        } as Record<string, unknown>,
      } as Record<string, Record<string, unknown>>,
      "/others": { get: { operationId: "listOthers", responses: { "200": { description: "OK" } } } },
    } as Record<string, Record<string, Record<string, unknown>>>,
    webhooks: {
      "thing.made": {
        post: {
          operationId: "receiveThingMade",
          requestBody: {
            required: true,
            content: { "application/json": { schema: { $ref: "#/components/schemas/Message" } } },
          },
          responses: { "200": { description: "OK" } },
        },
      },
    } as Record<string, Record<string, Record<string, unknown>>>,
    components: {
      schemas: {
        Message: {
          type: "object",
          required: ["name", "door"],
          properties: {
            name: { type: "string" },
            door: { type: "string", enum: ["front"] },
          } as Record<string, Record<string, unknown>>,
        },
        Thing: {
          type: "object",
          required: ["name", "status", "shape"],
          properties: {
            name: { type: "string" },
            note: { type: "string" },
            status: { type: "string", enum: ["open", "closed"] },
            shape: {
              oneOf: [{ $ref: "#/components/schemas/Round" }, { $ref: "#/components/schemas/Square" }],
            },
          } as Record<string, Record<string, unknown>>,
        },
        NewThing: {
          type: "object",
          required: ["name"],
          properties: {
            name: { type: "string" },
            size: { type: "string", enum: ["small", "large"] },
          } as Record<string, Record<string, unknown>>,
          additionalProperties: false,
        },
        Round: shape("round"),
        Square: shape("square"),
        Flat: shape("flat"),
      },
    },
  };
}

type Api = ReturnType<typeof api>;

async function compare(change: (document: Api) => void, version?: string) {
  const revised = api(version);
  change(revised);
  const files = [join(folder, "base.json"), join(folder, "revision.json")] as const;
  await Promise.all([
    writeFile(files[0], JSON.stringify(api())),
    writeFile(files[1], JSON.stringify(revised)),
  ]);
  return breakingChanges(...files);
}

describe("a document breaks clients of another", () => {
  test.each<[string, (document: Api) => void]>([
    ["without a path of it", ({ paths }) => delete paths["/others"]],
    ["without an operation of it", ({ paths }) => delete paths["/things"]?.["post"]],
    [
      "with another operationId",
      ({ paths }) => Object.assign(paths["/others"]?.["get"] ?? {}, { operationId: "x" }),
    ],
    [
      "without a response of it",
      ({ paths }) =>
        Object.assign(paths["/things"]?.["get"] ?? {}, { responses: { "404": { description: "No" } } }),
    ],
    [
      "without a parameter of it",
      ({ paths }) => Object.assign(paths["/things"]?.["get"] ?? {}, { parameters: [] }),
    ],
    [
      "with a limit that is narrower",
      ({ paths }) =>
        Object.assign(paths["/things"]?.["get"] ?? {}, {
          parameters: [
            { name: "limit", in: "query", required: false, schema: { type: "integer", maximum: 9 } },
          ],
        }),
    ],
    ["without a field of an answer", ({ components }) => delete components.schemas.Thing.properties["note"]],
    [
      "with a field of an answer that may be missing",
      ({ components }) => components.schemas.Thing.required.splice(0, 1),
    ],
    [
      "with a field of an answer of another type",
      ({ components }) =>
        Object.assign(components.schemas.Thing.properties["name"] ?? {}, { type: "integer" }),
    ],
    [
      "with a field that a request needs",
      ({ components }) => {
        components.schemas.NewThing.properties["colour"] = { type: "string" };
        components.schemas.NewThing.required.push("colour");
      },
    ],
    [
      "without a field that a request may have",
      ({ components }) => delete components.schemas.NewThing.properties["size"],
    ],
    [
      "without a choice of a request",
      ({ components }) =>
        Object.assign(components.schemas.NewThing.properties["size"] ?? {}, { enum: ["small"] }),
    ],
    [
      "with a field of a request of another type",
      ({ components }) =>
        Object.assign(components.schemas.NewThing.properties["name"] ?? {}, { type: "integer" }),
    ],
    ["without a webhook of it", ({ webhooks }) => delete webhooks["thing.made"]],
    [
      "with a field of a webhook that may be missing",
      ({ components }) => components.schemas.Message.required.splice(0, 1),
    ],
    [
      "with a field of a webhook of another type",
      ({ components }) =>
        Object.assign(components.schemas.Message.properties["name"] ?? {}, { type: "integer" }),
    ],
  ])("%s", async (_, change) => {
    const { changes, announced } = await compare(change);
    expect(changes).not.toEqual([]);
    expect(announced).toBe(false);
  });
});

describe("a document breaks nobody", () => {
  test.each<[string, (document: Api) => void]>([
    ["that is the same", () => {}],
    [
      "with another path",
      ({ paths }) => (paths["/more"] = { get: { responses: { "200": { description: "OK" } } } }),
    ],
    [
      "with another field in an answer",
      ({ components }) => (components.schemas.Thing.properties["colour"] = { type: "string" }),
    ],
    [
      "with another choice in an answer",
      ({ components }) =>
        Object.assign(components.schemas.Thing.properties["status"] ?? {}, {
          enum: ["open", "closed", "lost"],
        }),
    ],
    [
      "with another shape in an answer",
      ({ components }) =>
        Object.assign(components.schemas.Thing.properties["shape"] ?? {}, {
          oneOf: ["Round", "Square", "Flat"].map((name) => ({ $ref: `#/components/schemas/${name}` })),
        }),
    ],
    [
      "with a field that a request may have",
      ({ components }) => (components.schemas.NewThing.properties["colour"] = { type: "string" }),
    ],
    [
      "with another choice in a request",
      ({ components }) =>
        Object.assign(components.schemas.NewThing.properties["size"] ?? {}, {
          enum: ["small", "large", "huge"],
        }),
    ],
    ["with another webhook", ({ webhooks }) => (webhooks["thing.lost"] = webhooks["thing.made"] ?? {})],
    [
      "with another field that every message of a webhook has",
      ({ components }) => {
        components.schemas.Message.properties["colour"] = { type: "string" };
        components.schemas.Message.required.push("colour");
      },
    ],
    [
      "with another choice in a webhook",
      ({ components }) =>
        Object.assign(components.schemas.Message.properties["door"] ?? {}, { enum: ["front", "back"] }),
    ],
  ])("%s", async (_, change) => {
    expect(await compare(change)).toMatchObject({ changes: [] });
  });
});

test.each([
  ["0.1.1", false],
  ["0.2.0", true],
  ["1.0.0", true],
])("version %s after 0.1.0 may break clients: %s", async (version, announced) => {
  expect(await compare(() => {}, version)).toEqual({ changes: [], announced });
});
