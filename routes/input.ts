import { z } from "zod";
import { Name } from "../src/gateway/contract/names";
import { placesOf, ProblemError, type ProblemPlace } from "../src/gateway/contract/problem";
import { camel } from "../src/gateway/operations/words";
import type { BoundOperation } from "../src/gateway/operations/table";
import { type Request, takesKey } from "./asking";
import { IdempotencyKey, IfMatch } from "./preferences";

/** What an input says beside what it asks. */
export interface Preferences {
  readonly idempotencyKey: string | undefined;
  readonly ifMatch: string | undefined;
}

/** Fields of queries that are no part of an input: who calls is said elsewhere. */
export const NOT_IN_INPUT: readonly string[] = ["token"];

type Fields = Readonly<Record<string, unknown>>;

/** The names that an input has, as REST has them in an address, whatever else is wrong with it. */
export function namesIn({ subject }: BoundOperation, input: unknown): Readonly<Record<string, string>> {
  const { name, instanceId }: Fields = isFields(input) ? input : {};
  const names = Array.isArray(name) ? (name as readonly unknown[]) : [name];
  const given = [
    ...(subject?.chain ?? []).map((agent, depth) => [camel(agent.name), names[depth]] as const),
    ["instanceId", instanceId] as const,
  ];
  return Object.fromEntries(given.filter((one): one is [string, string] => typeof one[1] === "string"));
}

/**
 * Takes the input of a call apart, and checks it by the schemas by which REST checks its requests.
 *
 * @param input `name` (of a sub-agent the names from the root down), then what the operation takes, side by side.
 * @throws ProblemError `invalid_request` with every place that is wrong, as JSON Pointers into the input.
 */
export async function readInput(bound: BoundOperation, input: unknown = {}): Promise<Request & Preferences> {
  const { operation, rest, subject, schemas } = bound;
  if (!isFields(input)) refuse([{ in: "body", pointer: "", message: "must be an object" }]);
  const taken = new Taking(input);
  const names = subject && checkNames(taken.take("name"), subject.chain.length, taken.places);
  const idempotencyKey = takesKey(bound)
    ? await taken.check(IdempotencyKey.optional(), taken.take("idempotencyKey"), ["idempotencyKey"])
    : undefined;
  const ifMatch =
    rest.etag === undefined || rest.method === "get"
      ? undefined
      : await taken.check(IfMatch.optional(), taken.take("ifMatch"), ["ifMatch"]);
  const params = schemas.params && (await taken.check(schemas.params, taken.pick(schemas.params)));
  const query =
    schemas.query &&
    (await taken.check(schemas.query, Object.fromEntries(queryFields(taken.pick(schemas.query)))));
  const body = schemas.body && (await takeBody(taken, schemas.body, operation.bodyAs));
  taken.refuseLeft();
  if (taken.places.length > 0) refuse(taken.places);
  const named = subject?.chain.map(({ name }, depth) => [camel(name), names?.[depth] ?? ""]);
  return {
    params: named === undefined ? (params as Request["params"]) : { ...Object.fromEntries(named), ...params },
    query,
    body,
    idempotencyKey,
    ifMatch,
  };
}

async function takeBody(taken: Taking, schema: z.ZodType, bodyAs: string | undefined): Promise<unknown> {
  return bodyAs === undefined
    ? taken.check(schema, taken.takeAll())
    : taken.check(schema, taken.take(bodyAs), [bodyAs]);
}

/** One input, field by field: what is taken is not there any more, and what is left is not known. */
class Taking {
  readonly places: ProblemPlace[] = [];
  readonly #left: Map<string, unknown>;

  constructor(input: Fields) {
    this.#left = new Map(Object.entries(input));
  }

  take(key: string): unknown {
    const value = this.#left.get(key);
    this.#left.delete(key);
    return value;
  }

  pick(schema: z.ZodObject): Fields {
    const keys = Object.keys(schema.shape).filter(
      (key) => this.#left.has(key) && !NOT_IN_INPUT.includes(key),
    );
    return Object.fromEntries(keys.map((key) => [key, this.take(key)]));
  }

  takeAll(): Fields {
    const all = Object.fromEntries(this.#left);
    this.#left.clear();
    return all;
  }

  async check<Schema extends z.ZodType>(
    schema: Schema,
    value: unknown,
    prefix: readonly string[] = [],
  ): Promise<z.output<Schema> | undefined> {
    const checked = await schema.safeParseAsync(value);
    if (checked.success) return checked.data;
    this.places.push(...placesOf(checked.error, "body", prefix));
    return undefined;
  }

  refuseLeft(): void {
    const known = z.strictObject({}).safeParse(this.takeAll());
    if (!known.success) this.places.push(...placesOf(known.error, "body"));
  }
}

/** The names of the agents on a way; that of a root agent may come without a list. */
function checkNames(value: unknown, depth: number, places: ProblemPlace[]): readonly string[] | undefined {
  const many = z
    .array(Name)
    .refine(({ length }) => length === depth, `must be a list of ${depth}, from the root agent down`);
  const checked = depth === 1 && !Array.isArray(value) ? Name.safeParse(value) : many.safeParse(value);
  if (!checked.success) places.push(...placesOf(checked.error, "body", ["name"]));
  return checked.data === undefined ? undefined : [checked.data].flat();
}

/** A query is text: what is none is given as JSON, which is how its schema reads it. */
function* queryFields(fields: Fields): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(fields)) {
    const isText = typeof value === "string" || Array.isArray(value) || value === undefined;
    yield [key, isText ? value : JSON.stringify(value)];
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(places: readonly ProblemPlace[]): never {
  throw new ProblemError("invalid_request", {
    detail: places.map(({ pointer, message }) => `input${pointer}: ${message}`).join("; "),
    errors: places,
  });
}
