import { z } from "zod";
import { takesKey } from "../../../routes/asking";
import { NOT_IN_INPUT } from "../../../routes/input";
import { IdempotencyKey, IfMatch } from "../../../routes/preferences";
import { LIMITS } from "../contract/limits";
import { Name } from "../contract/names";
import type { BoundOperation } from "../operations/table";
import { words } from "../operations/words";
import { flatSchema, type JsonSchema } from "./flat-schema";
import { inWordsOfTools } from "./texts";

/** The schema of an object. */
export type ObjectSchema = JsonSchema & { type: "object" };

type Side = "input" | "output";
type Shape = Readonly<Record<string, z.ZodType>>;

/** Longest time, in seconds, for which an answer is held: clients of MCP give up after a minute. */
const LONGEST_WAIT_SECONDS = LIMITS.waitSeconds.most - 10;

/** How long an answer may be held, in seconds. */
export const WaitSeconds = z.int().min(0).max(LONGEST_WAIT_SECONDS);

/**
 * What a tool takes: one object, in which the names, the parts of REST's path and query, and the body stand side by side, as `readInput`
 * takes them apart.
 */
export function inputSchemaOf(bound: BoundOperation): ObjectSchema {
  const { subject, rest, schemas } = bound;
  const query = queryFields(bound);
  const plain: Shape = {
    ...(subject === undefined ? {} : { name: nameOf(subject.chain) }),
    ...schemas.params?.shape,
    ...bodyFields(bound),
    ...(rest.waits ? { waitSeconds: WaitSeconds.describe(waitingFor(bound)).optional() } : {}),
    ...(takesKey(bound) ? { idempotencyKey: IdempotencyKey.optional() } : {}),
    ...(rest.etag === undefined || rest.method === "get" ? {} : { ifMatch: IfMatch.optional() }),
  };
  const sent = turn(z.strictObject({ ...plain, ...query }), "input");
  const made = turn(z.object(query), "output");
  const fields = Object.entries(propertiesOf(sent)).map(([field, schema]) => [
    field,
    inWords(field in query ? shownField(schema, propertiesOf(made)[field] ?? {}) : schema),
  ]);
  const required = [
    ...((sent["required"] ?? []) as readonly string[]).filter((field) => !(field in query)),
    // What is read as text may be left out where zod cannot tell. Schemas of authors are asked nothing.
    ...Object.keys(query).filter((field) => query[field]?.safeParse(undefined).success === false),
  ];
  const definitions = { ...definitionsOf(made), ...definitionsOf(sent) };
  return {
    type: "object",
    properties: Object.fromEntries(fields),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions }),
  };
}

// Many tools answer with the same.
const outputs = { input: new WeakMap<z.ZodType, JsonSchema>(), output: new WeakMap<z.ZodType, JsonSchema>() };

/** What a tool answers with; undefined if that may be something else than an object. */
export function outputSchemaOf({ schemas, operation }: BoundOperation): ObjectSchema | undefined {
  const side: Side = operation.parsed === true ? "output" : "input";
  const known = outputs[side].get(schemas.output) ?? flatSchema(turn(schemas.output, side));
  outputs[side].set(schemas.output, known);
  return known["type"] === "object" ? { ...known, type: "object" } : undefined;
}

function nameOf(chain: readonly { readonly name: string }[]): z.ZodType {
  const classes = chain.map(({ name }) => words(name));
  const [root = ""] = classes;
  if (chain.length === 1) return Name.describe(`Name of the ${root}`);
  return z
    .array(Name)
    .length(chain.length)
    .describe(`Names from the root agent down, one of each: ${classes.join(", ")}`);
}

function queryFields({ schemas: { query } }: BoundOperation): Shape {
  const fields = Object.entries<z.ZodType>(query?.shape ?? {});
  return Object.fromEntries(fields.filter(([field]) => !NOT_IN_INPUT.includes(field)));
}

function waitingFor({ operation: { kind } }: BoundOperation): string {
  const news = kind === "events" ? "there is an event" : "the instance has ended";
  return `Holds the answer until ${news}, so many seconds at most`;
}

/** The fields of a body, or the word under which all of it stands. */
function bodyFields({ schemas, operation: { bodyAs } }: BoundOperation): Shape {
  const body = schemas.shownBody ?? schemas.body;
  if (body === undefined) return {};
  if (bodyAs !== undefined) return { [bodyAs]: body };
  return fieldsOf(body);
}

/** The fields of an object; of several, each that one of them has. Which go together is told by the problem, if some do not. */
function fieldsOf(schema: z.ZodType): Shape {
  if (schema instanceof z.ZodObject) return schema.shape;
  if (!(schema instanceof z.ZodUnion)) return {};
  const variants = schema.options.map((option) => fieldsOf(option as z.ZodType));
  const fields = new Set(variants.flatMap((variant) => Object.keys(variant)));
  return Object.fromEntries([...fields].map((field) => [field, fieldOf(field, variants)]));
}

function fieldOf(field: string, variants: readonly Shape[]): z.ZodType {
  const schemas = variants.flatMap((variant) => variant[field] ?? []);
  const said = new Set(schemas.flatMap(({ description }) => description ?? []));
  const either = z.union(schemas).describe([...said].join("; or: "));
  return schemas.length === variants.length ? either : either.optional();
}

/** A field of a query: what becomes of its text, for an input has no need of texts; or the text, if more is not known. */
function shownField(sent: JsonSchema, made: JsonSchema): JsonSchema {
  const { description, default: usual, ...said } = made;
  if (JSON.stringify(sent["enum"]) === '["true","false"]') {
    return { type: "boolean", default: sent["default"] === "true", description: sent["description"] };
  }
  const known = Object.keys(said).length > 0 ? made : sent;
  return {
    ...known,
    ...(usual === undefined ? {} : { default: usual }),
    description: sent["description"] ?? description,
  };
}

function inWords({ description, ...schema }: JsonSchema): JsonSchema {
  return typeof description === "string"
    ? { ...schema, description: inWordsOfTools(description) }
    : { ...schema };
}

function turn(schema: z.ZodType, io: Side): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => tidy(zodSchema._zod.def, jsonSchema, io),
  });
  return json;
}

/** Leaves out what models need not read, and lets fields that come to be later pass. */
function tidy(def: z.core.$ZodTypeDef, json: z.core.JSONSchema.BaseSchema, io: Side): void {
  delete json.id;
  if (json.format === "date-time") delete json.pattern;
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  if (io === "output" && def.type === "object" && (def as z.core.$ZodObjectDef).catchall === undefined)
    delete json.additionalProperties;
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
}

function definitionsOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema["$defs"] ?? {}) as Readonly<Record<string, JsonSchema>>;
}
