import type { z } from "zod";
import type { SchemaCollector } from "./schema-collector";

/** A parameter of an operation, as an OpenAPI 3.1 document holds it. */
export interface ParameterObject {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: object;
  readonly example?: unknown;
}

/** The parameters that a part of a request is made of. */
export function parametersIn(
  where: ParameterObject["in"],
  part: z.ZodObject | undefined,
  schemas: SchemaCollector,
): ParameterObject[] {
  return Object.entries(part?.shape ?? {}).map(([name, schema]) => {
    const { description = "", examples, ...shown } = shownSchema(schema as z.ZodType, schemas);
    const [example] = (examples ?? []) as unknown[];
    return {
      name: where === "header" ? headerName(name) : name,
      in: where,
      required: where === "path" || !(schema as z.ZodType).safeParse(undefined).success,
      description: description as string,
      schema: shown,
      ...(example === undefined ? {} : { example }),
    };
  });
}

/** What is sent; or what it becomes, if all that can be said of it is that. */
function shownSchema(schema: z.ZodType, schemas: SchemaCollector) {
  const sent = schemas.refer(schema, "input");
  const { description: _, examples: __, ...said } = sent;
  return Object.keys(said).length === 0 ? schemas.refer(schema, "output") : sent;
}

/** `idempotency-key` as people write it. */
function headerName(name: string): string {
  return name.replace(/(?:^|-)\w/g, (letter) => letter.toUpperCase());
}
