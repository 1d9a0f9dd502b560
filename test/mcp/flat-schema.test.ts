import { describe, expect, test } from "vitest";
import { z } from "zod";
import { flatSchema } from "../../src/gateway/mcp/flat-schema.ts";

const flat = (schema: z.ZodType) => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input" });
  return flatSchema(json);
};

describe("a union of objects", () => {
  test("is one object with the fields of all, of which those are required that each needs", () => {
    const schema = z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("a"), size: z.number(), both: z.string().describe("Both") }),
      z.object({ kind: z.literal("b"), both: z.string().describe("Both") }),
    ]);
    expect(flat(schema)).toEqual({
      type: "object",
      properties: {
        kind: { enum: ["a", "b"] },
        size: { type: "number" },
        both: { type: "string", description: "Both" },
      },
      required: ["kind", "both"],
    });
  });

  test("keeps what a field may be otherwise, and says nothing of it that is true of one alone", () => {
    const schema = z.union([
      z.object({ value: z.string().describe("A text") }),
      z.object({ value: z.union([z.number(), z.null()]).describe("A number") }),
    ]);
    expect(flat(schema)).toEqual({
      type: "object",
      properties: { value: { anyOf: [{ type: "string" }, { type: ["number", "null"] }] } },
      required: ["value"],
    });
  });

  test("is closed if all of them are, and leaves open what one of them leaves open", () => {
    const closed = z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: z.string() })]);
    expect(flat(closed)).toMatchObject({ additionalProperties: false });
    const open = z.union([z.strictObject({ a: z.string() }), z.looseObject({ b: z.string() })]);
    expect(flat(open)).toEqual({ type: "object", properties: { a: {}, b: { type: "string" } } });
  });

  test("is one object also inside of others, and where it has a name", () => {
    const Item = z
      .union([z.object({ a: z.string() }), z.object({ b: z.string() })])
      .meta({ id: "FlatItem", description: "An item" });
    expect(flat(z.object({ items: z.array(Item), first: Item }))).toMatchObject({
      properties: { items: { items: { $ref: "#/$defs/FlatItem" } } },
      $defs: {
        FlatItem: { type: "object", description: "An item", properties: { a: { type: "string" } } },
      },
    });
  });

  test("of unions is one object", () => {
    const inner = z.union([z.object({ a: z.literal(1) }), z.object({ a: z.literal(2) })]);
    expect(flat(z.union([inner, z.object({ a: z.literal(3) })]))).toEqual({
      type: "object",
      properties: { a: { enum: [1, 2, 3] } },
      required: ["a"],
    });
  });
});

test("what is not only of objects stays a choice", () => {
  expect(flat(z.union([z.object({ a: z.string() }), z.string()]))).toMatchObject({
    anyOf: [{ type: "object" }, { type: "string" }],
  });
  expect(flat(z.object({ a: z.string() }).nullable())).toMatchObject({
    anyOf: [{ type: "object" }, { type: "null" }],
  });
});

test("a schema with a name is itself at the root, and what nobody refers to any more is gone", () => {
  const one = z.object({ a: z.string() }).meta({ id: "FlatOne" });
  const other = z.object({ b: z.string() }).meta({ id: "FlatOther" });
  const root = flat(z.union([one, other]).meta({ id: "FlatRoot" }));
  expect(root).toEqual({
    type: "object",
    properties: { a: { type: "string" }, b: { type: "string" } },
  });
});

test("a schema that refers to itself ends", () => {
  interface Tree {
    readonly children: readonly (Tree | { readonly leaf: string })[];
  }
  const Node: z.ZodType<Tree> = z.lazy(() =>
    z.object({ children: z.array(z.union([Node, z.object({ leaf: z.string() })])) }),
  );
  const json = JSON.stringify(flat(z.object({ tree: Node })));
  expect(json).toContain("leaf");
  expect(json.length).toBeLessThan(1_000);
  const Choice: z.ZodType = z.lazy(() =>
    z.union([z.object({ next: Choice }), z.object({ end: z.string() })]),
  );
  expect(JSON.stringify(flat(z.object({ choice: Choice }))).length).toBeLessThan(1_000);
});
