import fc from "fast-check";
import type { FoundOperation, JsonSchema, OpenApiDocument } from "../openapi/served-document.ts";
import { NAUGHTY } from "./naughty.ts";

/** A JSON Schema with what is drawn from, beside what {@link JsonSchema} has. */
interface Drawn extends JsonSchema {
  readonly const?: unknown;
  readonly default?: unknown;
  readonly items?: Drawn;
  readonly additionalProperties?: Drawn | boolean;
  readonly properties?: Readonly<Record<string, Drawn>>;
  readonly oneOf?: readonly Drawn[];
  readonly anyOf?: readonly Drawn[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** A request to an operation. */
export interface DrawnRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

/** Longest text and list that are drawn where a schema allows more. */
const LONGEST = 40;
const DEEPEST = 5;

/** Values of a schema: as it says, and of nothing that it does not say. */
function valueOf(document: OpenApiDocument, schema: Drawn, depth = 0): fc.Arbitrary<unknown> {
  const { $ref, enum: choices, oneOf, anyOf, type } = schema;
  if ($ref !== undefined) {
    const name = $ref.replace("#/components/schemas/", "");
    return valueOf(document, document.components.schemas[name] ?? {}, depth + 1);
  }
  if (choices !== undefined) return fc.constantFrom(...choices);
  if (schema.const !== undefined) return fc.constant(schema.const);
  const several = oneOf ?? anyOf;
  if (several !== undefined) return fc.oneof(...several.map((one) => valueOf(document, one, depth + 1)));
  switch (typeof type === "string" ? type : type?.[0]) {
    case "object":
      return objectOf(document, schema, depth);
    case "array":
      return depth > DEEPEST
        ? fc.constant([])
        : fc.array(valueOf(document, schema.items ?? {}, depth + 1), {
            minLength: schema.minItems ?? 0,
            maxLength: Math.min(schema.maxItems ?? 3, 3),
          });
    case "string":
      return textOf(schema);
    case "integer":
      return fc.integer({ min: schema.minimum ?? -1_000, max: Math.min(schema.maximum ?? 1_000, 1_000_000) });
    case "number":
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case undefined:
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function textOf({ pattern, format, minLength = 0, maxLength = LONGEST }: Drawn): fc.Arbitrary<string> {
  if (format === "date-time")
    return fc
      .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.oneof(
    fc.string({ minLength, maxLength: Math.min(maxLength, LONGEST) }),
    fc.constantFrom(...NAUGHTY.filter(({ length }) => length >= minLength && length <= maxLength)),
  );
}

function objectOf(document: OpenApiDocument, schema: Drawn, depth: number): fc.Arbitrary<object> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const fields = Object.fromEntries(
    Object.entries(properties).map(([key, inner]) => [key, valueOf(document, inner, depth + 1)]),
  );
  const named = fc.record(fields, {
    requiredKeys: required.filter((key) => key in fields),
    noNullPrototype: true,
  });
  if (typeof additionalProperties !== "object" || depth > DEEPEST) return named;
  const more = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 20 }),
    valueOf(document, additionalProperties, depth + 1),
    {
      maxKeys: 3,
      noNullPrototype: true,
    },
  );
  return fc.tuple(more, named).map(([others, known]) => ({ ...others, ...known }));
}

/** What nobody expects somewhere. */
const HOSTILE: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1.5,
    1e21,
    -1e-7,
    2 ** 53,
    "",
    [],
    {},
    [[[]]],
    "x".repeat(3_000),
  ),
  fc.constantFrom(...NAUGHTY),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constant({ constructor: { prototype: 1 }, toString: null, length: -1 }),
);

/** A value with one thing in it that is otherwise: replaced, taken away, or added. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== "object" || value === null) return HOSTILE;
  const entries = Object.entries(value);
  const added = fc
    .tuple(
      fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("id", "params", "constructor", "__x", "")),
      HOSTILE,
    )
    .map(([key, one]) => (Array.isArray(value) ? [...(value as unknown[]), one] : { ...value, [key]: one }));
  if (entries.length === 0) return fc.oneof(HOSTILE, added);
  const inside = fc.constantFrom(...entries).chain(([key, inner]) =>
    fc.oneof(HOSTILE, mutated(inner)).map((other) => {
      if (Array.isArray(value))
        return (value as unknown[]).map((item, at) => (String(at) === key ? other : item));
      return { ...value, [key]: other };
    }),
  );
  const removed = fc
    .constantFrom(...entries)
    .map(([key]) =>
      Array.isArray(value)
        ? (value as unknown[]).filter((_, at) => String(at) !== key)
        : Object.fromEntries(entries.filter(([name]) => name !== key)),
    );
  return fc.oneof(HOSTILE, added, inside, removed);
}

/**
 * Requests to one operation: most as its schemas say, the rest with something in them that is otherwise.
 *
 * @param names what to draw names and ids from, beside any that are in order.
 */
export function requestTo(
  document: OpenApiDocument,
  { operation }: FoundOperation,
  names: Readonly<Record<string, readonly string[]>>,
): fc.Arbitrary<DrawnRequest> {
  const parameters = operation.parameters ?? [];
  const of = (place: string) => parameters.filter((one) => one.in === place);
  const params = fc.record(
    Object.fromEntries(
      of("path").map(({ name, schema }) => [
        name,
        fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom(...(names[name] ?? ["nobody"])) },
          { weight: 1, arbitrary: textOf(schema as Drawn).filter(isPart) },
          { weight: 1, arbitrary: fc.constantFrom(...NAUGHTY.filter(isPart)) },
        ),
      ]),
    ),
    { noNullPrototype: true },
  );
  const query = fc
    .tuple(
      ...of("query").map(({ name, schema, required = false }) =>
        fc
          .tuple(
            required ? fc.constant(true) : fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
            fc.oneof(
              { weight: 4, arbitrary: valueOf(document, schema as Drawn) },
              { weight: 1, arbitrary: HOSTILE },
            ),
          )
          .map(([given, value]) => (given ? [value].flat().map((one) => [name, asText(one)] as const) : [])),
      ),
      fc.constantFrom([], [], [], [["surprise", "1"] as const]),
    )
    .map((pairs) => pairs.flat());
  const headers = fc.record(
    Object.fromEntries(
      of("header")
        .filter(({ name }) => name.toLowerCase() !== "prefer")
        .map(({ name, schema }) => [
          name,
          fc.oneof(textOf(schema as Drawn), fc.constantFrom("", "*", '"x"', "x".repeat(300))),
        ]),
    ),
    { requiredKeys: [], noNullPrototype: true },
  );
  const schema = operation.requestBody?.content["application/json"]?.schema;
  const sound = schema === undefined ? fc.constant(undefined) : valueOf(document, schema as Drawn);
  const body =
    schema === undefined
      ? sound
      : fc.oneof({ weight: 2, arbitrary: sound }, { weight: 3, arbitrary: sound.chain(mutated) });
  return fc.record({ params, query, headers, body }, { noNullPrototype: true });
}

function asText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.toWellFormed();
}

/** Whether a text can be one part of an address: the platform's own URL parser takes dots for a way up. */
function isPart(text: string): boolean {
  return text.isWellFormed() && !/^\.{0,2}$/.test(text);
}
