import { describe, expect, test } from "vitest";
import { z } from "zod";
import { SchemaCollector, type Side } from "../../openapi/schema-collector.ts";

const shown = (schema: z.ZodType, side: Side = "input") => new SchemaCollector().refer(schema, side);

describe("a schema with an id", () => {
  const place = z.object({ street: z.string() }).meta({ id: "Place", description: "Where" });

  test("is written down once and referred to, also where it is optional, described anew or in a list", () => {
    const collector = new SchemaCollector();
    const schema = z.object({
      one: place,
      maybe: place.optional(),
      again: place.describe("Anew"),
      all: z.array(place),
    });
    const $ref = "#/components/schemas/Place";
    expect(collector.refer(schema, "input")).toMatchObject({
      properties: { one: { $ref }, maybe: { $ref }, all: { items: { $ref } } },
      required: ["one", "again", "all"],
    });
    expect(collector.refer(place, "input")).toEqual({ $ref });
    expect(collector.components()).toEqual({
      Place: {
        type: "object",
        properties: { street: { type: "string" } },
        required: ["street"],
        description: "Where",
      },
    });
  });

  test("that shares its id with another one gets a name of its own", () => {
    const collector = new SchemaCollector();
    const namesake = z.object({ x: z.number() }).meta({ id: "Place" });
    const refs = [place, namesake, place, namesake].map((schema) => collector.refer(schema, "input")["$ref"]);
    expect(refs).toEqual([
      "#/components/schemas/Place",
      "#/components/schemas/Place2",
      "#/components/schemas/Place",
      "#/components/schemas/Place2",
    ]);
    expect(collector.components()["Place2"]).toMatchObject({ properties: { x: { type: "number" } } });
  });

  test("is two schemas if what is sent and what is made of it differ, also deep inside", () => {
    const collector = new SchemaCollector();
    const inner = z.object({ n: z.int().default(1) }).meta({ id: "Inner" });
    const outer = z.object({ inner }).meta({ id: "Outer" });
    expect(collector.refer(outer, "input")).toEqual({ $ref: "#/components/schemas/Outer" });
    expect(collector.refer(outer, "output")).toEqual({ $ref: "#/components/schemas/Outer2" });
    const { Inner, Inner2, Outer2 } = collector.components();
    expect([Inner?.["required"], Inner2?.["required"]]).toEqual([undefined, ["n"]]);
    expect(Outer2).toMatchObject({ properties: { inner: { $ref: "#/components/schemas/Inner2" } } });
  });

  test("has a name that a reference can hold", () => {
    const collector = new SchemaCollector();
    expect(collector.refer(z.string().meta({ id: "a/b c" }), "input")).toEqual({
      $ref: "#/components/schemas/a_b_c",
    });
  });
});

describe("a schema that refers to itself", () => {
  const Tree = z.object({
    value: z.string(),
    get children() {
      return z.array(Tree);
    },
  });

  test("becomes a component, the same one every time", () => {
    const collector = new SchemaCollector();
    const $ref = "#/components/schemas/Recursive";
    expect(collector.refer(Tree, "input")).toEqual({ $ref });
    expect(collector.refer(z.object({ other: z.json(), tree: Tree }), "input")).toMatchObject({
      properties: { tree: { $ref }, other: { $ref: "#/components/schemas/Recursive2" } },
    });
    expect(collector.components()["Recursive"]).toMatchObject({
      properties: { children: { items: { $ref } } },
    });
  });
});

describe("a union", () => {
  const cat = z.object({ kind: z.literal("cat") });
  const dog = z.object({ kind: z.enum(["dog", "wolf"]) });

  test("with named members says by which field to tell them apart", () => {
    const schema = z.discriminatedUnion("kind", [cat.meta({ id: "Cat" }), dog.meta({ id: "Dog" })]);
    expect(shown(schema)).toEqual({
      oneOf: [{ $ref: "#/components/schemas/Cat" }, { $ref: "#/components/schemas/Dog" }],
      discriminator: {
        propertyName: "kind",
        mapping: {
          cat: "#/components/schemas/Cat",
          dog: "#/components/schemas/Dog",
          wolf: "#/components/schemas/Dog",
        },
      },
    });
  });

  test("with members that have no name has no discriminator, which would need one", () => {
    expect(shown(z.discriminatedUnion("kind", [cat, dog]))).not.toHaveProperty("discriminator");
  });

  test("of members that are alike has each once", () => {
    const namesake = z.object({ kind: z.literal("cat") });
    expect(shown(z.union([cat, dog, namesake]))).toMatchObject({
      anyOf: [
        { properties: { kind: { enum: ["cat"] } } },
        { properties: { kind: { enum: ["dog", "wolf"] } } },
      ],
    });
    expect(shown(z.union([cat, namesake]))).toEqual(shown(cat));
  });

  test("of one is this one", () => {
    const only = {
      type: "object",
      properties: { kind: { type: "string", enum: ["cat"] } },
      required: ["kind"],
    };
    expect(shown(z.discriminatedUnion("kind", [cat]).describe("A pet"))).toEqual({
      ...only,
      description: "A pet",
    });
    expect(shown(z.union([cat.meta({ id: "OnlyCat" })]))).toEqual({ $ref: "#/components/schemas/OnlyCat" });
  });
});

describe("whatever an author may write has a schema", () => {
  test.each([
    ["nothing", z.void(), {}],
    ["undefined", z.undefined(), {}],
    ["a map", z.map(z.string(), z.string()), {}],
    ["a class", z.instanceof(URL), {}],
    ["a date", z.date(), {}],
    ["a literal of several values", z.literal(["a", "b"]), { type: "string", enum: ["a", "b"] }],
    ["a literal", z.literal("a"), { type: "string", enum: ["a"] }],
    ["a fallback", z.string().catch("x"), { type: "string", default: "x" }],
    ["an integer without limits", z.int(), { type: "integer" }],
    ["an integer with limits", z.int().min(1).max(9), { type: "integer", minimum: 1, maximum: 9 }],
    ["a time", z.iso.datetime(), { type: "string", format: "date-time" }],
    ["a time or null", z.iso.datetime().nullable(), { type: ["string", "null"], format: "date-time" }],
    [
      "a record",
      z.record(z.string(), z.int()),
      { type: "object", additionalProperties: { type: "integer" } },
    ],
    ["a strict object", z.strictObject({}), { type: "object", properties: {}, additionalProperties: false }],
  ])("%s", (_, schema, json) => expect(shown(schema)).toEqual(json));

  test("with a transform: what is sent on one side, and nothing that is not known on the other", () => {
    const schema = z.string().transform((text) => text.length);
    expect([shown(schema, "input"), shown(schema, "output")]).toEqual([{ type: "string" }, {}]);
  });

  test("and an object that is answered is open for fields that come to be later", () => {
    expect(shown(z.object({ a: z.string() }), "output")).not.toHaveProperty("additionalProperties");
    expect(shown(z.strictObject({ a: z.string() }), "output")).toHaveProperty("additionalProperties", false);
  });
});
