/**
 * Any schema of zod, by the little that tells one. Where the compiler is to compare types of schemas, it compares with this:
 * with `z.ZodType` it would go through some sixty members of each, which is most of what a large gateway costs it.
 */
export interface AnySchema<Value = unknown> {
  readonly _zod: { readonly input: Value; readonly output: Value };
  /** There is none in zod's smaller sibling, whose schemas lack what the gateway calls. */
  isOptional(): boolean;
}

/** Schemas by name. */
export type AnySchemas = Readonly<Record<string, AnySchema>>;
