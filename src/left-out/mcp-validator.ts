// Stands for what checks JSON by JSON Schemas in `@modelcontextprotocol/server`: what tools are called with is checked by zod.

/** Made with each server; nothing calls it. */
export const DefaultJsonSchemaValidator = Object;
