import { z } from "zod";

/** A JSON Schema (2020-12), as an OpenAPI 3.1 document holds it. */
export type JsonSchema = Record<string, unknown>;

/** Whether a schema shows what is sent to it, or what it makes of that: defaults and transforms lie between. */
export type Side = "input" | "output";

const DEFINITIONS = "#/$defs/";
const COMPONENTS = "#/components/schemas/";

/**
 * Turns zod schemas into the JSON Schemas of one document. Whatever has an id (`.meta({ id })`), and whatever refers to
 * itself, is written down once and referred to. What JSON Schema cannot say (a transform, a `Map`) is left open.
 *
 * zod's own conversion is used, not the one of `@asteasolutions/zod-to-openapi`: that one throws on `z.void()` and
 * `.catch()`, drops all but the first value of a literal, and repeats the members of nested unions.
 */
export class SchemaCollector {
  readonly #meanings = new Map<string, string>();
  readonly #schemas = new Map<string, JsonSchema>();
  /** A schema that many operations share is turned once. */
  readonly #turned = { input: new Map<z.ZodType, JsonSchema>(), output: new Map<z.ZodType, JsonSchema>() };

  /** The schema, or the reference to it if it has an id. */
  refer(schema: z.ZodType, side: Side): JsonSchema {
    const turned = this.#turned[side].get(schema) ?? this.#turn(schema, side);
    this.#turned[side].set(schema, turned);
    return turned;
  }

  #turn(schema: z.ZodType, side: Side): JsonSchema {
    // Inside of another one the schema is a definition of its own also where it refers to itself.
    const { properties, $defs } = z.toJSONSchema(z.object({ schema }), {
      io: side,
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema }) => tidy(zodSchema, jsonSchema, side),
    });
    const definitions = ($defs ?? {}) as Record<string, JsonSchema>;
    const names = new Map<string, string>();
    for (const key of Object.keys(definitions)) names.set(key, this.#claim(key, meaningOf(key, definitions)));
    for (const [key, name] of names) this.#schemas.set(name, rename(definitions[key] ?? {}, names));
    return rename((properties?.["schema"] ?? {}) as JsonSchema, names);
  }

  /** What a reference that {@link refer} made stands for. */
  resolve(reference: string): JsonSchema {
    return this.#schemas.get(reference.slice(COMPONENTS.length)) ?? {};
  }

  /** The schema itself, which may be given as a reference. */
  resolved(schema: JsonSchema): JsonSchema {
    const { $ref } = schema;
    return typeof $ref === "string" ? this.resolved(this.resolve($ref)) : schema;
  }

  /** Everything that is referred to, by name. */
  components(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#schemas].toSorted(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** A name that is this schema's alone: a namesake that means something else has a number after it. */
  #claim(key: string, meaning: string): string {
    const wanted = key.startsWith("__") ? "Recursive" : key.replace(/[^\w.-]/g, "_");
    for (let count = 1; ; count += 1) {
      const name = count === 1 ? wanted : `${wanted}${count}`;
      const known = this.#meanings.get(name);
      if (known !== undefined && known !== meaning) continue;
      this.#meanings.set(name, meaning);
      return name;
    }
  }
}

/** A definition with everything that it refers to, as text that does not depend on names. */
function meaningOf(key: string, definitions: Record<string, JsonSchema>): string {
  const reached = [key];
  const texts: string[] = [];
  for (const at of reached) {
    texts.push(
      JSON.stringify(definitions[at], (_, value: unknown) => {
        const target = targetOf(value);
        if (target === undefined) return value;
        if (!reached.includes(target)) reached.push(target);
        return reached.indexOf(target);
      }),
    );
  }
  return texts.join();
}

function rename(schema: JsonSchema, names: ReadonlyMap<string, string>): JsonSchema {
  const text = JSON.stringify(schema, (_, value: unknown) => {
    const name = names.get(targetOf(value) ?? "");
    return name === undefined ? value : COMPONENTS + name;
  });
  return JSON.parse(text) as JsonSchema;
}

/** The key of the definition that a reference (a JSON Pointer) names. */
function targetOf(value: unknown): string | undefined {
  if (typeof value !== "string" || !value.startsWith(DEFINITIONS)) return undefined;
  return value.slice(DEFINITIONS.length).replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Says what zod says in the way that most readers of OpenAPI understand. */
function tidy(zodSchema: z.core.$ZodTypes, json: z.core.JSONSchema.BaseSchema, side: Side): void {
  const { def } = zodSchema._zod;
  if (json.format === "date-time") delete json.pattern;
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  if (JSON.stringify(json.propertyNames) === '{"type":"string"}') delete json.propertyNames;
  if (json.const !== undefined) {
    json.enum = [json.const];
    delete json.const;
  }
  // A client must bear fields that come to be later.
  if (side === "output" && def.type === "object" && def.catchall === undefined)
    delete json.additionalProperties;
  if (def.type === "union") tidyUnion(def, json);
  if (def.type === "nullable") tidyNullable(json);
}

/** zod says `["string", "null"]` itself, but not of a text with a format. */
function tidyNullable(json: z.core.JSONSchema.BaseSchema): void {
  const [first] = json.anyOf ?? [];
  if (first?.format === undefined || typeof first.type !== "string") return;
  delete json.anyOf;
  Object.assign(json, { ...first, ...json, type: [first.type, "null"] });
}

function tidyUnion(def: z.core.$ZodUnionDef, json: z.core.JSONSchema.BaseSchema): void {
  if (json.anyOf !== undefined) json.anyOf = unalike(json.anyOf);
  const members = json.oneOf ?? json.anyOf ?? [];
  const [only, ...others] = members;
  if (only !== undefined && others.length === 0) {
    delete json.oneOf;
    delete json.anyOf;
    Object.assign(json, { ...only, ...json });
  } else if ("discriminator" in def && members.every(({ $ref }) => $ref !== undefined)) {
    const propertyName = String(def.discriminator);
    const mapping = def.options.flatMap((option, at) =>
      [...(option._zod.propValues?.[propertyName] ?? [])].map((value) => [String(value), members[at]?.$ref]),
    );
    json["discriminator"] = { propertyName, mapping: Object.fromEntries(mapping) };
  }
}

/** Schemas that differ: what several say alike is said once. */
function unalike(schemas: readonly z.core.JSONSchema.BaseSchema[]): z.core.JSONSchema.BaseSchema[] {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
}
