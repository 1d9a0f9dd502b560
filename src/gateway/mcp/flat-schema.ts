/** A JSON Schema (2020-12), as a value of JSON. */
export type JsonSchema = Record<string, unknown>;

type Definitions = Readonly<Record<string, JsonSchema>>;
/** What a schema is made of, and the definitions that are being looked into. */
interface Place {
  readonly definitions: Definitions;
  readonly within: readonly string[];
}

const DEFINITIONS = "#/$defs/";
/** Keywords that say nothing of values. */
const NOTES: readonly string[] = ["description", "examples", "default", "title"];

/**
 * A schema in which each union of objects is one object, with the fields of all. It says less than the schema that it is made of, and
 * takes all that that one takes: which fields go together is left open. The shape of an instance is told once then, and not for
 * each status again.
 */
export function flatSchema({ $defs, ...schema }: JsonSchema): JsonSchema {
  const definitions = ($defs ?? {}) as Definitions;
  const flat = flatten(target(schema, definitions), { definitions, within: [] });
  const used = new Map<string, JsonSchema>();
  collect(flat, definitions, used);
  return used.size === 0 ? flat : { ...flat, $defs: Object.fromEntries(used) };
}

/** What a schema stands for that is only a reference. */
function target(schema: JsonSchema, definitions: Definitions): JsonSchema {
  const { $ref } = schema;
  const definition = typeof $ref === "string" ? definitions[nameIn($ref)] : undefined;
  return definition === undefined ? schema : target(definition, definitions);
}

function flatten(schema: JsonSchema, place: Place): JsonSchema {
  const { anyOf, oneOf, ...others } = schema;
  const members = (anyOf ?? oneOf) as readonly JsonSchema[] | undefined;
  if (members === undefined) return flattenParts(schema, place);
  const notes = Object.entries(others).filter(([keyword]) => NOTES.includes(keyword));
  return { ...either(members, place), ...Object.fromEntries(notes) };
}

/** What is one of several. */
function either(members: readonly JsonSchema[], place: Place): JsonSchema {
  const distinct = unalike(members.flatMap(membersOf));
  const [only] = distinct;
  if (only !== undefined && distinct.length === 1) return flatten(only, place);
  const values = distinct.map(valuesOf);
  if (values.every((some) => some !== undefined)) return { enum: [...new Set(values.flat())] };
  const objects = distinct.map((member) => objectOf(member, place));
  if (objects.every((one) => one !== undefined)) {
    const within = [...place.within, ...objects.flatMap((one) => one.within)];
    return merge(
      objects.map((one) => one.schema),
      { ...place, within },
    );
  }
  return { anyOf: unalike(distinct.map((member) => flatten(member, place))) };
}

function merge(objects: readonly JsonSchema[], place: Place): JsonSchema {
  const fields = new Set(objects.flatMap((object) => Object.keys(propertiesOf(object))));
  const properties = Array.from(fields, (field) => [field, fieldOf(field, objects, place)] as const);
  const required = [...fields].filter((field) =>
    objects.every((object) => (object["required"] as readonly string[] | undefined)?.includes(field)),
  );
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
    ...(objects.every((object) => object["additionalProperties"] === false)
      ? { additionalProperties: false }
      : {}),
  };
}

/** What a field is that one of several objects has. */
function fieldOf(field: string, objects: readonly JsonSchema[], place: Place): JsonSchema {
  const schemas = objects.flatMap((object): readonly JsonSchema[] => {
    const schema = propertiesOf(object)[field];
    return schema === undefined ? [] : [schema];
  });
  const [description, ...others] = new Set(schemas.map((schema) => schema["description"]));
  const said = description === undefined || others.length > 0 ? {} : { description };
  // An object that is open on purpose may have anything there.
  const isOpen = objects.some(
    (object) => propertiesOf(object)[field] === undefined && isSchema(object["additionalProperties"]),
  );
  return isOpen ? said : { ...either(schemas.map(unnoted), place), ...said };
}

/** The members of a union in a union stand beside the others. */
function membersOf(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf, ...others } = schema;
  const isUnion = Array.isArray(anyOf) && Object.keys(others).every((keyword) => NOTES.includes(keyword));
  return isUnion ? (anyOf as readonly JsonSchema[]).flatMap(membersOf) : [schema];
}

/** The object that a schema takes, and nothing else; undefined if it takes something else, or refers to where it is itself in. */
function objectOf(schema: JsonSchema, place: Place): { schema: JsonSchema; within: string[] } | undefined {
  const { $ref, type, properties, anyOf, oneOf } = schema;
  if (typeof $ref === "string") {
    const name = nameIn($ref);
    const definition = place.definitions[name];
    if (definition === undefined || place.within.includes(name)) return undefined;
    const found = objectOf(definition, { ...place, within: [...place.within, name] });
    return found && { schema: found.schema, within: [name, ...found.within] };
  }
  const members = (anyOf ?? oneOf) as readonly JsonSchema[] | undefined;
  if (members !== undefined) {
    const objects = members.map((member) => objectOf(member, place));
    if (!objects.every((one) => one !== undefined)) return undefined;
    const within = objects.flatMap((one) => one.within);
    const merged = merge(
      objects.map((one) => one.schema),
      { ...place, within: [...place.within, ...within] },
    );
    return { schema: merged, within };
  }
  return type === "object" && properties !== undefined ? { schema, within: [] } : undefined;
}

/** A schema whose parts are flat. */
function flattenParts(schema: JsonSchema, place: Place): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (keyword === "properties" || keyword === "patternProperties") {
        const parts = Object.entries(value as Definitions);
        return [keyword, Object.fromEntries(parts.map(([name, part]) => [name, flatten(part, place)]))];
      }
      if (keyword === "prefixItems" || keyword === "allOf")
        return [keyword, (value as JsonSchema[]).map((part) => flatten(part, place))];
      if ((keyword === "items" || keyword === "additionalProperties") && isSchema(value))
        return [keyword, flatten(value, place)];
      return [keyword, value];
    }),
  );
}

/** Finds all definitions to which a schema still refers, flat themselves. */
function collect(schema: JsonSchema, definitions: Definitions, used: Map<string, JsonSchema>): void {
  for (const [, name = ""] of JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)) {
    const key = decoded(name);
    const definition = definitions[key];
    if (definition === undefined || used.has(key)) continue;
    const flat = flatten(definition, { definitions, within: [key] });
    used.set(key, flat);
    collect(flat, definitions, used);
  }
}

/** The values that a schema lists; undefined if it does not. */
function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  if (Array.isArray(schema["enum"])) return schema["enum"] as readonly unknown[];
  return "const" in schema ? [schema["const"]] : undefined;
}

function unalike(schemas: readonly JsonSchema[]): JsonSchema[] {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
}

/** A schema without what it says for people. */
function unnoted(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !NOTES.includes(keyword)));
}

function propertiesOf(schema: JsonSchema): Definitions {
  return (schema["properties"] ?? {}) as Definitions;
}

function nameIn(reference: string): string {
  return decoded(reference.slice(DEFINITIONS.length));
}

/** A part of a JSON Pointer as it was before. */
function decoded(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null;
}
