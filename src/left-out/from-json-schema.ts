// Stands for what makes schemas of zod from JSON Schemas: here it is only the other way round.

/** @throws Error that says how to have what was left out. */
export function fromJSONSchema(): never {
  throw new Error(
    'z.fromJSONSchema was left out of this bundle. To have it, remove "./from-json-schema.js" from "alias" in wrangler.jsonc.',
  );
}
