import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineAgent, definitionOf } from "../../src/gateway/registry/agent-definition.ts";
import { DefinitionError } from "../../src/gateway/registry/definition-error.ts";
import { defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";

describe("a mistake in an agent is told with its name and a remedy", () => {
  test.each(["", "OrderDesk", "order_desk", "order desk", "sub", "x".repeat(65)])("the name %j", (name) => {
    class BadlyNamed {
      readonly kind = "BadlyNamed";
    }
    const define = () => defineAgent({ name, agent: BadlyNamed });
    expect(define).toThrow(DefinitionError);
    expect(define).toThrow(`Agent "${name}"`);
    expect(define).toThrow("Rename it");
    expect(definitionOf("BadlyNamed")).toBeUndefined();
  });

  test("a class that has a definition already", () => {
    class TwiceDefined {
      readonly kind = "TwiceDefined";
    }
    const first = defineAgent({ name: "first", agent: TwiceDefined });
    const again = () => defineAgent({ name: "second", agent: TwiceDefined });
    expect(again).toThrow(DefinitionError);
    expect(again).toThrow(/"second".*TwiceDefined.*"first".*class of its own/);
    expect(definitionOf("TwiceDefined")).toBe(first);
  });

  test("another class of the same name, which the platform could not tell from the first", () => {
    const classes = [
      class Namesake {
        readonly kind = "Namesake";
      },
      (() =>
        class Namesake {
          readonly kind = "Namesake";
        })(),
    ] as const;
    defineAgent({ name: "namesake", agent: classes[0] });
    const again = () => defineAgent({ name: "other-namesake", agent: classes[1] });
    expect(again).toThrow(DefinitionError);
    expect(again).toThrow("Namesake");
  });
});

test("a definition is kept as it was written, and found by the name of its class", () => {
  class Child {
    readonly kind = "Child";
  }
  class Desk {
    quote({ orderId }: { orderId: string }): { price: number } {
      return { price: orderId.length };
    }
  }
  const child = defineAgent({ name: "child", agent: Child });
  const refund = defineWorkflow({
    name: "refund",
    binding: "REFUND",
    params: z.object({}),
    output: z.object({}),
  });
  const options = {
    name: "desk",
    binding: "Desk",
    description: "A desk",
    agent: Desk,
    state: z.object({ open: z.boolean() }),
    workflows: [refund],
    children: [child],
    methods: { quote: { input: z.object({ orderId: z.string() }), output: z.object({ price: z.number() }) } },
  } as const;
  const desk = defineAgent(options);
  expect(desk).toEqual(options);
  expect(definitionOf("Desk")).toBe(desk);
  expect(definitionOf("Nobody")).toBeUndefined();
});

test("what a definition leaves out is empty: no state, workflows, children or methods", () => {
  class Plain {
    readonly kind = "Plain";
  }
  expect(defineAgent({ name: "plain", agent: Plain })).toEqual({
    name: "plain",
    agent: Plain,
    binding: undefined,
    description: undefined,
    state: undefined,
    workflows: [],
    children: [],
    methods: {},
  });
});
