import { z } from "zod";
import type { Answer, TestGateway } from "../support/gateway.ts";
import { ask } from "../support/received.ts";

/** A JSON Schema, as far as tests look into it. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly discriminator?: {
    readonly propertyName: string;
    readonly mapping: Readonly<Record<string, string>>;
  };
}

interface Media {
  readonly schema: JsonSchema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly $ref: string }>>;
}

/** An operation, as far as tests look into it. */
export interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description: string;
    readonly required?: boolean;
    readonly schema: JsonSchema;
    readonly example?: unknown;
  }[];
  readonly requestBody?: { readonly description: string; readonly content: Readonly<Record<string, Media>> };
  readonly "x-redoclyPagination"?: object;
  readonly responses: Readonly<
    Record<string, { readonly headers?: object; readonly content?: Readonly<Record<string, Media>> }>
  >;
}

/** An OpenAPI document, as far as tests look into it. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly webhooks: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly examples: Readonly<Record<string, { readonly value: object }>>;
  };
}

/** An operation of a document, and where it is. */
export interface FoundOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
}

/** The document that a gateway serves, asked for without a key. */
export async function documentOf({ url }: TestGateway): Promise<OpenApiDocument> {
  const response = await ask(new URL("/openapi.json", url));
  if (!response.ok) throw new Error(`/openapi.json answered ${response.status}`);
  return (await response.json()) as OpenApiDocument;
}

/** Every operation of a document. */
export function operationsOf({ paths }: Pick<OpenApiDocument, "paths">): FoundOperation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
  );
}

/** Every media object of an operation, of what is sent and of what is answered, and what it is of. */
export function mediaOf({ requestBody, responses }: OperationObject): [of: string, media: Media][] {
  return [
    ...Object.values(requestBody?.content ?? {}).map((media): [string, Media] => ["request", media]),
    ...Object.entries(responses).flatMap(([status, { content = {} }]) =>
      Object.entries(content).map(([type, media]): [string, Media] => [`${status} ${type}`, media]),
    ),
  ];
}

/** Every object in a JSON value, with the JSON Pointer to it. */
export function* objectsIn(
  value: unknown,
  pointer = "#",
): Generator<[pointer: string, object: Record<string, unknown>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [pointer, value as Record<string, unknown>];
  for (const [key, inner] of Object.entries(value)) {
    yield* objectsIn(inner, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  }
}

/** What a local reference points to; undefined if nothing is there. */
export function resolve(document: OpenApiDocument, reference: string): unknown {
  const [root, ...keys] = reference.split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (root !== "#") return undefined;
  return keys.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined,
    document,
  );
}

/** Tells how an answer differs from what a document says of it; the empty list if it does not. */
export function differences(
  document: OpenApiDocument,
  method: string,
  path: string,
  answer: Answer,
): string[] {
  const found = operationsOf(document).find((one) => one.method === method && matches(one.path, path));
  if (found === undefined) return [`${method} ${path} is not in the document`];
  const response = found.operation.responses[String(answer.status)];
  if (response === undefined)
    return [`${found.operation.operationId} does not name ${answer.status}: ${answer.text}`];
  const missing = Object.keys(response.headers ?? {}).filter(
    (name) => name !== "Retry-After" && !answer.headers.has(name),
  );
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  const media = response.content?.[type];
  if (media === undefined) return [`${found.operation.operationId} does not name ${type}`, ...missing];
  return [
    ...missing.map((name) => `the header ${name} is missing`),
    ...misfits(document, media.schema, answer.json()),
  ];
}

/** Tells how a value differs from a schema; here a field that the schema does not name is a difference, too. */
export function misfits(document: OpenApiDocument, schema: JsonSchema, value: unknown): string[] {
  const checked = closedSchema(document, schema).safeParse(value);
  return checked.success ? [] : [`${z.prettifyError(checked.error)}\n${JSON.stringify(value)}`];
}

/** What was made for {@link misfits}: tests ask for few schemas, a thousand times. */
const known = new WeakMap<OpenApiDocument, { definitions: object; schemas: Map<string, z.ZodType> }>();

function closedSchema(document: OpenApiDocument, schema: JsonSchema): z.ZodType {
  const { definitions, schemas } = known.get(document) ?? {
    definitions: closed(document.components.schemas) as object,
    schemas: new Map<string, z.ZodType>(),
  };
  known.set(document, { definitions, schemas });
  const text = JSON.stringify(schema);
  const made =
    schemas.get(text) ??
    z.fromJSONSchema({ ...(closed(schema) as z.core.JSONSchema.JSONSchema), $defs: definitions as never });
  schemas.set(text, made);
  return made;
}

/** Schemas by which every object has the fields that they name, and no others. */
function closed(schemas: object): unknown {
  const text = JSON.stringify(schemas, (_, inner: unknown) => {
    if (typeof inner === "string") return inner.replace("#/components/schemas/", "#/$defs/");
    const closes = isObject(inner) && inner["type"] === "object" && inner["properties"] !== undefined;
    return closes ? { additionalProperties: false, ...inner } : inner;
  });
  return JSON.parse(text);
}

function matches(template: string, path: string): boolean {
  const [address = ""] = path.split("?");
  return new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(address);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
