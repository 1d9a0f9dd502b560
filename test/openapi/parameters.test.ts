import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parametersIn } from "../../openapi/parameters.ts";
import { SchemaCollector } from "../../openapi/schema-collector.ts";

const one = (schema: z.ZodType, where: "path" | "query" | "header" = "query", name = "it") =>
  parametersIn(where, z.object({ [name]: schema }), new SchemaCollector())[0];

describe("a parameter", () => {
  test("of a path is needed, one of a query if nothing stands for it", () => {
    expect(one(z.string(), "path")).toMatchObject({ in: "path", required: true });
    expect(one(z.string())).toMatchObject({ required: true });
    expect(one(z.string().optional())).toMatchObject({ required: false });
    expect(one(z.int().default(5))).toMatchObject({
      required: false,
      schema: { type: "integer", default: 5 },
    });
  });

  test("has its description and its example beside its schema", () => {
    expect(
      one(
        z
          .string()
          .describe("Who")
          .meta({ examples: ["ada", "bob"] }),
      ),
    ).toEqual({
      name: "it",
      in: "query",
      required: true,
      description: "Who",
      schema: { type: "string" },
      example: "ada",
    });
  });

  test("shows what is sent, or what it becomes where that says more", () => {
    const list = z.preprocess((value) => [value].flat(), z.array(z.enum(["a", "b"])));
    expect(one(list)).toMatchObject({ schema: { type: "array", items: { enum: ["a", "b"] } } });
    expect(one(z.enum(["true", "false"]).transform((text) => text === "true"))).toMatchObject({
      schema: { type: "string", enum: ["true", "false"] },
    });
  });

  test("of a header is named as people write it", () => {
    expect(one(z.string(), "header", "idempotency-key")?.name).toBe("Idempotency-Key");
    expect(one(z.string(), "query", "idempotency-key")?.name).toBe("idempotency-key");
  });

  test("is none where a request has no such part", () => {
    expect(parametersIn("query", undefined, new SchemaCollector())).toEqual([]);
  });
});
