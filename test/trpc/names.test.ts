import { expect, test } from "vitest";
import { z } from "zod";
import { bindOperations } from "../../src/gateway/operations/table.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";
import { agentWord, methodWord, workflowWord } from "../../src/gateway/trpc/names.ts";
import { createRouter, placeProcedures } from "../../src/gateway/trpc/router.ts";

test.each([
  ["import-dataset", "importDataset"],
  ["load-1", "load1"],
  ["apply", "applyWorkflow"],
  ["delete", "deleteWorkflow"],
  ["get-state", "getStateWorkflow"],
  ["methods", "methodsWorkflow"],
])("the workflow %s is called %s", (name, word) => {
  expect(workflowWord(name)).toBe(word);
});

test.each([
  ["order-desk", "orderDesk"],
  ["gateway", "gatewayAgent"],
  ["then", "thenAgent"],
])("the agent %s is called %s", (name, word) => {
  expect(agentWord(name)).toBe(word);
});

test.each([
  ["quote", "quote"],
  ["call", "callMethod"],
])("the method %s is called %s", (name, word) => {
  expect(methodWord(name)).toBe(word);
});

const workflowOf = (name: string) =>
  defineWorkflow({
    name,
    binding: name.toUpperCase().replaceAll("-", "_"),
    params: z.object({}),
    output: z.object({}),
  });

test("what is called like something else has its place all the same", () => {
  class Then {
    call(): string {
      return "x";
    }
  }
  const agent = defineAgent({
    name: "then",
    binding: "Then",
    agent: Then,
    workflows: [workflowOf("apply"), workflowOf("get")],
    methods: { call: { input: z.strictObject({}), output: z.string() } },
  });
  const registry = createRegistry([agent]);
  const operations = bindOperations(registry);
  const paths = placeProcedures(operations).map(({ path }) => path.join("."));
  expect(paths).toEqual(
    expect.arrayContaining([
      "thenAgent.get",
      "thenAgent.applyWorkflow.start",
      "thenAgent.getWorkflow.start",
      "thenAgent.methods.callMethod",
    ]),
  );
  expect(createRouter(placeProcedures(operations), registry)._def.procedures).toHaveProperty([
    "thenAgent.getWorkflow.start",
  ]);
});

test("two things that would be called the same are refused, with the remedy", () => {
  class Twice {
    readonly kind = "Twice";
  }
  const agent = defineAgent({
    name: "twice",
    binding: "Twice",
    agent: Twice,
    workflows: [workflowOf("sub-workflow"), workflowOf("create"), workflowOf("create-workflow")],
  });
  const registry = createRegistry([agent]);
  expect(() => placeProcedures(bindOperations(registry))).toThrow(
    'Two things would be called "twice.createWorkflow.start" by tRPC. Rename one of them',
  );
});
