import { describe, expect, test } from "vitest";
import { z } from "zod";
import { sampleOf } from "../../openapi/sample.ts";
import { SchemaCollector } from "../../openapi/schema-collector.ts";

function sample(schema: z.ZodType): unknown {
  const schemas = new SchemaCollector();
  return sampleOf(schema, schemas.refer(schema, "input"), (reference) => schemas.resolve(reference));
}

const Tree = z.object({
  value: z.string(),
  get children() {
    return z.array(Tree);
  },
});

describe("a sample", () => {
  test.each<[string, z.ZodType, unknown]>([
    ["the first example", z.string().meta({ examples: ["ada", "bob"] }), "ada"],
    [
      "an example that is null",
      z
        .string()
        .nullable()
        .meta({ examples: [null] }),
      null,
    ],
    ["the default", z.int().default(7), 7],
    ["the first choice", z.enum(["small", "large"]), "small"],
    ["the first shape", z.union([z.object({ a: z.literal(1) }), z.object({ b: z.literal(2) })]), { a: 1 }],
    ["null where it may be", z.union([z.int(), z.null()]), null],
    ["null where a text may be", z.iso.datetime().nullable(), null],
    ["a text", z.string(), "text"],
    ["the least number", z.int().min(3).max(9), 3],
    ["a flag", z.boolean(), true],
    ["a list of one", z.array(z.int().min(1)), [1]],
    ["a record of none", z.record(z.string(), z.int()), {}],
    ["anything", z.unknown(), {}],
    [
      "the fields that are needed, and those that have an example",
      z.strictObject({
        a: z.string(),
        b: z.string().optional(),
        c: z
          .string()
          .optional()
          .meta({ examples: ["shown"] }),
      }),
      { a: "text", c: "shown" },
    ],
    ["all of several", z.intersection(z.object({ a: z.int() }), z.object({ b: z.int() })), { a: 1, b: 1 }],
    ["what has a name", z.object({ owner: z.string().meta({ id: "Owner" }) }), { owner: "text" }],
    ["the other side of a transform", z.string().transform(Number), "text"],
  ])("is %s", (_, schema, value) => expect(sample(schema)).toEqual(value));

  test.each<[string, z.ZodType]>([
    ["with a pattern", z.string().regex(/^[0-9]{5}$/)],
    ["with a rule of its author's", z.object({ a: z.int() }).refine(({ a }) => a > 5)],
    ["with a rule that needs time", z.string().refine(async () => true)],
    ["that takes nothing", z.never()],
    ["that has no end", Tree],
    ["whose example it does not take", z.int().meta({ examples: ["one"] })],
  ])("is not there of a schema %s", (_, schema) => expect(sample(schema)).toBeUndefined());
});
