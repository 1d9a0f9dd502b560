import { describe, expect, test } from "vitest";
import { z } from "zod";
import { metadataSchemaOf } from "../../src/gateway/registry/json-schema.ts";
import { defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";

const common = { binding: "SIGNED", params: z.object({}), output: z.null() };

describe("the JSON Schema of what goes with an approval", () => {
  test("says what is sent, not what the workflow makes of it", () => {
    const approval = z.object({ amount: z.string().transform(Number), note: z.string().default("none") });
    const schema = metadataSchemaOf(defineWorkflow({ ...common, name: "signed", approval }));
    expect(schema).toMatchObject({
      type: "object",
      properties: { amount: { type: "string" }, note: { type: "string" } },
      required: ["amount"],
    });
  });

  test("takes nothing where the workflow takes nothing", () => {
    expect(metadataSchemaOf(defineWorkflow({ ...common, name: "unsigned" }))).toEqual({ not: {} });
  });

  test("is made once", () => {
    const workflow = defineWorkflow({ ...common, name: "signed-once", approval: z.object({}) });
    expect(metadataSchemaOf(workflow)).toBe(metadataSchemaOf(workflow));
  });
});
