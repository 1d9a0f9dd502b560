import { z } from "zod";
import type { WorkflowDefinition } from "./workflow-definition";

/** A JSON Schema, as a value of JSON. */
export type JsonSchema = Record<string, unknown>;

/**
 * The JSON Schema of what a schema takes, or gives. What JSON Schema cannot say (a transform, `undefined`) is left open rather
 * than refused.
 */
export function toJsonSchema(schema: z.ZodType, io: "input" | "output" = "input"): JsonSchema {
  return { ...z.toJSONSchema(schema, { io, unrepresentable: "any" }) };
}

const metadataSchemas = new WeakMap<WorkflowDefinition, JsonSchema>();

/** The JSON Schema of the metadata that a workflow takes with an approval; of one that takes none, the schema of nothing. */
export function metadataSchemaOf(workflow: WorkflowDefinition): JsonSchema {
  const known = metadataSchemas.get(workflow);
  if (known !== undefined) return known;
  const { approval } = workflow;
  const schema = approval.def.type === "undefined" ? { not: {} } : toJsonSchema(approval);
  metadataSchemas.set(workflow, schema);
  return schema;
}
