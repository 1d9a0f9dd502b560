import { z } from "zod";
import { ProblemError } from "../../src/gateway/contract/problem";
import { requireJson } from "../json-text";

/** One value that an approver may send along, as a form asks for it. */
export interface MetadataField {
  /** Its key in the metadata. */
  readonly key: string;
  readonly label: string;
  readonly hint: string | undefined;
  readonly required: boolean;
  readonly input:
    | { readonly kind: "text"; readonly type: "text" | "email" | "url" | "date"; readonly maxLength?: number }
    | {
        readonly kind: "number";
        readonly step: "1" | "any";
        readonly min?: number;
        readonly max?: number;
      }
    | { readonly kind: "checkbox" }
    /** The values as JSON; what is shown beside. */
    | { readonly kind: "select"; readonly options: readonly (readonly [value: string, shown: string])[] };
  /** What it is at first, as a form has it. */
  readonly initial: string;
}

/** What a form asks for: nothing, fields, or any JSON. */
export type MetadataForm =
  | { readonly kind: "none" }
  | { readonly kind: "fields"; readonly fields: readonly MetadataField[] }
  | { readonly kind: "json" };

/** What comes of the text of a form. */
export type ReadMetadata =
  | { readonly ok: true; readonly metadata: unknown }
  | { readonly ok: false; readonly message: string };

/** Name of the input of a whole metadata. */
export const METADATA_INPUT = "metadata";

/** Name of the input of one value. It is an id too, in which no spaces may be. */
export function inputName(key: string): string {
  return `${METADATA_INPUT}.${key.replaceAll(/\s/g, (space) => `_${space.charCodeAt(0)}_`)}`;
}

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
/** The JSON Schemas that a form has an input for; of others it asks for JSON. */
const FieldSchema = z.looseObject({
  type: z.enum(["string", "number", "integer", "boolean"]).optional(),
  enum: z.array(Scalar).min(1).optional(),
  const: Scalar.optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  default: Scalar.optional(),
  format: z.string().optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
type FieldSchema = z.infer<typeof FieldSchema>;
const FlatObject = z.looseObject({
  type: z.literal("object"),
  properties: z.record(z.string(), FieldSchema),
  required: z.array(z.string()).default([]),
  allOf: z.undefined().optional(),
  anyOf: z.undefined().optional(),
});

/** Reads a form off the JSON Schema of an approval contract. @param schema null, or of nothing, if nothing is sent along. */
export function metadataForm(schema: Readonly<Record<string, unknown>> | null): MetadataForm {
  if (schema === null || "not" in schema) return { kind: "none" };
  const flat = FlatObject.safeParse(schema);
  if (!flat.success) return { kind: "json" };
  const { properties, required } = flat.data;
  const fields = Object.entries(properties).map(([key, of]) => toField(key, of, required.includes(key)));
  const known = fields.filter((field) => field !== undefined);
  return known.length === fields.length ? { kind: "fields", fields: known } : { kind: "json" };
}

function toField(key: string, schema: FieldSchema, isRequired: boolean): MetadataField | undefined {
  const input = inputOf(schema, isRequired);
  if (input === undefined) return undefined;
  const { default: initial, title, description } = schema;
  return {
    key,
    label: title ?? asWords(key),
    hint: description,
    required: isRequired && initial === undefined,
    input,
    initial: initial === undefined ? "" : input.kind === "select" ? JSON.stringify(initial) : String(initial),
  };
}

const TEXT_TYPES: Readonly<Record<string, "email" | "url" | "date">> = {
  email: "email",
  uri: "url",
  date: "date",
};

function inputOf(schema: FieldSchema, isRequired: boolean): MetadataField["input"] | undefined {
  const { type, const: only, format = "", maxLength, minimum, maximum } = schema;
  const values = schema.enum ?? (only === undefined ? undefined : [only]);
  if (values !== undefined)
    return { kind: "select", options: values.map((value) => [JSON.stringify(value), String(value)]) };
  switch (type) {
    case "string":
      return {
        kind: "text",
        type: TEXT_TYPES[format] ?? "text",
        ...(maxLength === undefined ? {} : { maxLength }),
      };
    case "number":
    case "integer":
      return {
        kind: "number",
        step: type === "integer" ? "1" : "any",
        ...bounds(minimum, maximum),
      };
    case "boolean":
      // An empty box says no; where nothing may be said, that is a choice of its own.
      return isRequired
        ? { kind: "checkbox" }
        : {
            kind: "select",
            options: [
              ["true", "Yes"],
              ["false", "No"],
            ],
          };
    case undefined:
      return undefined;
  }
}

/** Without those that only say what a safe integer is. */
function bounds(min: number | undefined, max: number | undefined): { min?: number; max?: number } {
  return {
    ...(min === undefined || min === Number.MIN_SAFE_INTEGER ? {} : { min }),
    ...(max === undefined || max === Number.MAX_SAFE_INTEGER ? {} : { max }),
  };
}

/** `ticketNumber` and `ticket_number` are a ticket number. */
function asWords(key: string): string {
  const words = key
    .replaceAll(/(?<=[a-z0-9])[A-Z](?=[a-z])/g, (letter) => ` ${letter.toLowerCase()}`)
    .replaceAll(/[_-]+/g, " ")
    .trim();
  return words === "" ? key : `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}

/**
 * Reads the metadata from what a form was sent with. Where nothing was filled in there is none, if that will do; whether
 * values fit, the approval contract says.
 *
 * @param mayBeMissing whether this decision may come without.
 */
export function readMetadata(form: MetadataForm, sent: URLSearchParams, mayBeMissing: boolean): ReadMetadata {
  switch (form.kind) {
    case "none":
      return { ok: true, metadata: undefined };
    case "json":
      return readJson(sent.get(METADATA_INPUT) ?? "");
    case "fields": {
      const entries = form.fields.flatMap((field) => entryOf(field, sent.get(inputName(field.key))));
      const isEmpty = form.fields.every(({ key }) => (sent.get(inputName(key)) ?? "") === "");
      return { ok: true, metadata: isEmpty && mayBeMissing ? undefined : Object.fromEntries(entries) };
    }
  }
}

/** Takes what the body of a request may be, and nothing else. */
function readJson(text: string): ReadMetadata {
  if (text.trim() === "") return { ok: true, metadata: undefined };
  try {
    requireJson(new TextEncoder().encode(text));
    return { ok: true, metadata: JSON.parse(text) };
  } catch (failure) {
    if (!(failure instanceof ProblemError)) throw failure;
    const isText = failure.code === "malformed_json";
    return {
      ok: false,
      message: isText
        ? "is not valid JSON, or has a key twice"
        : "is nested too deeply, or has a number that is too large",
    };
  }
}

function entryOf({ key, input, required }: MetadataField, sent: string | null): [string, unknown][] {
  if (input.kind === "checkbox") return [[key, sent !== null]];
  if (sent === null || (sent === "" && (!required || input.kind !== "text"))) return [];
  if (input.kind === "text") return [[key, sent]];
  if (input.kind === "select" && !input.options.some(([value]) => value === sent)) return [[key, sent]];
  if (input.kind === "select") return [[key, JSON.parse(sent) as unknown]];
  // What is no number is left as it is, and refused by the contract. A blank would be 0.
  const value = sent.trim() === "" ? Number.NaN : Number(sent);
  return [[key, Number.isFinite(value) ? value : sent]];
}
