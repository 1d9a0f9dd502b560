import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type AgentDefinition, defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { DefinitionError } from "../../src/gateway/registry/definition-error.ts";
import { createRegistry, leafOf } from "../../src/gateway/registry/registry.ts";
import { defineWorkflow, type WorkflowDefinition } from "../../src/gateway/registry/workflow-definition.ts";

interface Parts {
  readonly binding?: string;
  readonly children?: readonly AgentDefinition[];
  readonly workflows?: readonly WorkflowDefinition[];
}

let made = 0;
/** An agent whose class has a name that no other class has. */
function agent(name: string, { binding, children = [], workflows = [] }: Parts = {}): AgentDefinition {
  made += 1;
  const unnamed = class {
    readonly kind = name;
  };
  const agentClass = Object.defineProperty(unnamed, "name", { value: `Class${made}` });
  return defineAgent({
    name,
    agent: agentClass,
    children,
    workflows,
    ...(binding === undefined ? {} : { binding }),
  });
}

const root = (name: string, parts: Omit<Parts, "binding"> = {}) =>
  agent(name, { ...parts, binding: name.toUpperCase() });
const workflow = (name: string, binding: string) =>
  defineWorkflow({ name, binding, params: z.object({}), output: z.object({}) });

function mistakeOf(...roots: AgentDefinition[]): string {
  try {
    createRegistry(roots);
  } catch (failure) {
    if (failure instanceof DefinitionError) return failure.message;
    throw failure;
  }
  throw new Error("no mistake was found");
}

describe("a mistake among definitions is told with what collides and a remedy", () => {
  test("a root agent without a binding", () => {
    const message = mistakeOf(root("fine"), agent("bindless"));
    expect(message).toContain('"bindless"');
    expect(message).toContain("Name its Durable Object binding");
  });

  test("two root agents of one name", () => {
    const message = mistakeOf(root("desk"), root("desk"));
    expect(message).toContain('Two agents are named "desk"');
    expect(message).toContain("Rename");
  });

  test("two agents of one name far from each other", () => {
    const message = mistakeOf(
      root("a", { children: [agent("shared")] }),
      root("b", { children: [agent("shared")] }),
    );
    expect(message).toContain('Two agents are named "shared"');
  });

  test("a sub-agent with the name of its own parent", () => {
    expect(mistakeOf(root("desk", { children: [agent("desk")] }))).toContain('"desk"');
  });

  test("two workflows of one name", () => {
    const message = mistakeOf(
      root("a", { workflows: [workflow("refund", "A")] }),
      root("b", { workflows: [workflow("refund", "B")] }),
    );
    expect(message).toContain('Two workflows are named "refund"');
    expect(message).toContain("Rename");
  });

  test("two workflows on one binding: both are named, and so is the binding", () => {
    const message = mistakeOf(
      root("a", { workflows: [workflow("refund", "SHARED"), workflow("payout", "SHARED")] }),
    );
    expect(message).toContain('"SHARED"');
    expect(message).toContain("binding");
    expect(message).toContain('"refund"');
    expect(message).toContain('"payout"');
  });

  test("agents five deep", () => {
    const five = agent("five");
    const four = agent("four", { children: [five] });
    const three = agent("three", { children: [four] });
    const message = mistakeOf(root("one", { children: [agent("two", { children: [three] })] }));
    expect(message).toContain("one > two > three > four > five are 5 deep");
    expect(message).toContain("Flatten them");
  });

  test("one agent listed twice, whose addresses would be there twice", () => {
    const desk = root("desk");
    expect(mistakeOf(desk, desk)).toContain('"desk"');
    const child = agent("child");
    expect(mistakeOf(root("parent", { children: [child, child] }))).toContain('"child"');
  });

  test("one workflow listed twice by an agent, whose start would be there twice", () => {
    const load = workflow("load", "LOAD");
    expect(mistakeOf(root("a", { workflows: [load, load] }))).toContain('"load"');
  });

  test("names that differ for a URL and are one word of an SDK", () => {
    const workflows = [workflow("load-1", "A"), workflow("load1", "B")];
    expect(mistakeOf(root("a", { workflows }))).toMatch(/"load-1" and "load1".*Rename one/);
    expect(mistakeOf(root("b-1", { children: [agent("b1")] }))).toMatch(/"b-1" and "b1".*Rename one/);
  });

  test("two methods that are one word of an SDK", () => {
    class TwoMethods {
      rows(): void {}
      Rows(): void {}
    }
    const method = { input: z.object({}), output: z.void() };
    const twoMethods = defineAgent({
      name: "two-methods",
      binding: "TwoMethods",
      agent: TwoMethods,
      methods: { rows: method, Rows: method },
    });
    expect(mistakeOf(twoMethods)).toMatch(/"two-methods".*"rows" and "Rows".*Rename one/);
  });

  test.each(["instance-id", "instanceid", "approval-id", "link-id", "token-id"])(
    "an agent named %j, a word that addresses use themselves",
    (name) => {
      expect(mistakeOf(root(name))).toMatch(new RegExp(`"${name}".*Rename it`));
    },
  );
});

describe("a registry", () => {
  const load = workflow("load", "LOAD");
  const four = agent("four");
  const three = agent("three", { children: [four], workflows: [load] });
  const two = agent("two", { children: [three] });
  const other = agent("other", { workflows: [load] });
  const top = root("one", { children: [two, other] });
  const second = root("second", { children: [other] });
  const registry = createRegistry([top, second]);

  test("has every way to every class, parents before children, four deep at most", () => {
    expect(registry.chains.map((chain) => chain.map(({ name }) => name).join(" > "))).toEqual([
      "one",
      "one > two",
      "one > two > three",
      "one > two > three > four",
      "one > other",
      "second",
      "second > other",
    ]);
  });

  test("has a workflow once, however many agents run it", () => {
    expect([...registry.workflows]).toEqual([["load", load]]);
  });

  test("knows the class that each way leads to", () => {
    expect(registry.chains.map(leafOf)).toEqual([top, two, three, four, other, second, other]);
  });

  test("may be empty", () => {
    expect(createRegistry([])).toEqual({ chains: [], workflows: new Map() });
  });
});
