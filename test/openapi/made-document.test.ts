import { describe, expect, test } from "vitest";
import { openApiDocument } from "../../openapi/document.ts";
import { excerptOf } from "../../openapi/excerpt.ts";
import { bindOperations } from "../../src/gateway/operations/table.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { roots } from "../operations/sample.ts";
import { lint } from "./lint.ts";
import { type JsonSchema, type OpenApiDocument, operationsOf } from "./served-document.ts";

/** The document of agents whose author describes little. */
function documentOf(servers?: readonly { readonly url: string }[]): OpenApiDocument {
  const registry = createRegistry(roots);
  const operations = bindOperations(registry);
  const license = { name: "MIT", identifier: "MIT" };
  const made = openApiDocument(operations, { title: "A test", version: "1.2.3", license }, { servers });
  return JSON.parse(JSON.stringify(made)) as OpenApiDocument;
}

describe("a document of agents whose author describes little", () => {
  const document = documentOf();
  const schema = (name: string): JsonSchema | undefined => document.components.schemas[name];

  test("passes the same rules, and so does what it says of each class", async () => {
    expect(await lint(document)).toBe("");
    for (const { name } of document.tags) {
      const excerpt = excerptOf(document as never, name) as unknown as OpenApiDocument;
      expect(await lint(excerpt), name).toBe("");
    }
  });

  test("describes operations and schemas by their names, and fields as far as the author did", () => {
    const texts = operationsOf(document).flatMap(({ operation }) => [
      operation.summary,
      operation.description,
    ]);
    expect(texts.filter((text) => text.length < 10)).toEqual([]);
    expect(schema("RefundOrderParams")?.description).toBe("What a start of refund-order takes");
    expect(schema("OrderDeskState")?.description).toBe("State of one order desk");
    expect(schema("OrderDeskQuoteInput")?.description).toBe("What quote takes");
    expect(Object.values(document.components.schemas).filter(({ description }) => !description)).toEqual([]);
  });

  test("says of a class that is reached in two ways both", () => {
    const excerpt = excerptOf(document as never, "shipment") as unknown as OpenApiDocument;
    const ids = operationsOf(excerpt).map(({ operation }) => operation.operationId);
    expect(ids).toEqual(
      expect.arrayContaining(["getShipmentOfOrderDeskShipment", "getShipmentOfReturnsShipment"]),
    );
  });
});

test("a document says where the API is, if that was said", () => {
  const servers = [{ url: "https://agents.example.com", description: "All of it" }];
  expect(documentOf(servers)).toMatchObject({ servers });
  expect(documentOf()).toMatchObject({ servers: [{ url: "/" }] });
});
