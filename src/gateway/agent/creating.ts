import type { AgentStep } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import type { AgentDefinition } from "../registry/agent-definition";
import type { AgentMethod } from "./stub";

/** Whether a call may bring an agent of this class into being: a start may, and a method that says so. */
export function creates(definition: AgentDefinition, method: AgentMethod, input: unknown): boolean {
  if (method === "start" || method === "startMany" || method === "createChild") return true;
  if (method !== "callMethod") return false;
  const { method: name } = input as Parameters<AgentPort["callMethod"]>[0];
  return Object.hasOwn(definition.methods, name) && definition.methods[name]?.creates === true;
}

/** The class that a way leads down to. @throws ProblemError `agent_not_found` if there is no such class. */
export function definitionBelow(root: AgentDefinition, rest: readonly AgentStep[]): AgentDefinition {
  return rest.reduce(childOf, root);
}

/** The class of a sub-agent. @throws ProblemError `agent_not_found` if there is no such class. */
export function childOf({ children }: AgentDefinition, step: AgentStep): AgentDefinition {
  const child = children.find(({ name }) => name === step.agent);
  if (child === undefined) throw new ProblemError("agent_not_found");
  return child;
}
