import type { z } from "zod";
import type { JsonSchema } from "./schema-collector";

/** What stands for a value of which a schema says no more than its kind. */
const PLAIN: Readonly<Record<string, unknown>> = {
  string: "text",
  boolean: true,
  null: null,
  "date-time": "2026-11-26T09:30:00.000Z",
};

/** How deep samples go: what refers to itself has no end. */
const MAX_DEPTH = 24;

/**
 * A value that a schema takes, for documents to show. It is made of what the schema says itself: its examples, its default,
 * its choices, otherwise its kind. Of optional fields it has those that have an example; what may be null is.
 *
 * @param json what documents show of `schema`.
 * @param resolve what a reference in it stands for.
 * @returns undefined if the schema does not take what was made: one with a pattern has to bring an example.
 */
export function sampleOf(
  schema: z.ZodType,
  json: JsonSchema,
  resolve: (reference: string) => JsonSchema,
): unknown {
  const sample = valueOf(json, resolve, MAX_DEPTH);
  return takes(schema, sample) ? sample : undefined;
}

function takes(schema: z.ZodType, value: unknown): boolean {
  try {
    return schema.safeParse(value).success;
  } catch {
    // One that can only be asked asynchronously.
    return false;
  }
}

function valueOf(json: JsonSchema, resolve: (reference: string) => JsonSchema, depth: number): unknown {
  if (depth === 0) return null;
  const inside = (schema: JsonSchema): unknown => valueOf(schema, resolve, depth - 1);
  const { $ref, examples, enum: choices, oneOf, anyOf, allOf } = json as Keywords;
  if (examples?.[0] !== undefined) return examples[0];
  if ($ref !== undefined) return inside(resolve($ref));
  if (json["default"] !== undefined) return json["default"];
  if (choices !== undefined) return choices[0];
  const members = oneOf ?? anyOf ?? [];
  if (members.some(({ type: kind }) => kind === "null")) return null;
  if (members[0] !== undefined) return inside(members[0]);
  if (allOf !== undefined) return Object.assign({}, ...allOf.map(inside));
  return ofKind(json, inside);
}

interface Keywords extends JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
}

function ofKind(json: Keywords, inside: (schema: JsonSchema) => unknown): unknown {
  const { type, format, items, properties = {}, required = [], minimum } = json;
  const kinds = typeof type === "string" ? [type] : (type ?? []);
  const kind = kinds.includes("null") ? "null" : kinds[0];
  switch (kind) {
    case "array":
      return items === undefined ? [] : [inside(items)];
    case "integer":
    case "number":
      return minimum ?? 1;
    case undefined:
    case "object":
      return Object.fromEntries(
        Object.entries(properties)
          .filter(([name, { examples }]) => required.includes(name) || examples !== undefined)
          .map(([name, property]) => [name, inside(property)]),
      );
    default:
      return PLAIN[kind === "string" ? (format ?? kind) : kind] ?? PLAIN[kind];
  }
}
