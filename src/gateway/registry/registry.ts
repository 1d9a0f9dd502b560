import { MAX_DEPTH } from "../contract/names";
import type { AgentDefinition } from "./agent-definition";
import { DefinitionError } from "./definition-error";
import type { WorkflowDefinition } from "./workflow-definition";

/** A way from a root agent's class down to a class, both included. */
export type AgentChain = readonly [AgentDefinition, ...AgentDefinition[]];

/** The checked map of names that all doors share. */
export interface Registry {
  /** Every way to every class, parents before children. */
  readonly chains: readonly AgentChain[];
  /** Every workflow once, by public name. */
  readonly workflows: ReadonlyMap<string, WorkflowDefinition>;
}

/** The class that a chain leads to. */
export function leafOf(chain: AgentChain): AgentDefinition {
  return chain[chain.length - 1] ?? chain[0];
}

/**
 * Checks the definitions together and maps them.
 *
 * @throws DefinitionError naming the two things that collide, the root agent without a binding, or the chain that is too deep.
 */
export function createRegistry(roots: readonly AgentDefinition[]): Registry {
  const chains = roots.flatMap((root) => chainsFrom([root]));
  const agents = new Map<string, AgentDefinition>();
  const workflows = new Map<string, WorkflowDefinition>();
  const bindings = new Map<string, WorkflowDefinition>();

  for (const root of roots) {
    if (root.binding === undefined) {
      throw new DefinitionError(`Agent "${root.name}" is a root agent and has no binding. Name its Durable Object binding.`);
    }
  }
  for (const chain of chains) {
    const agent = leafOf(chain);
    claim(agents, agent.name, agent, "agents");
    for (const workflow of agent.workflows) {
      claim(workflows, workflow.name, workflow, "workflows");
      claim(bindings, workflow.binding, workflow, "workflows on one binding");
    }
  }
  return { chains, workflows };
}

function chainsFrom(chain: AgentChain): AgentChain[] {
  if (chain.length > MAX_DEPTH) {
    const names = chain.map(({ name }) => name).join(" > ");
    throw new DefinitionError(`Agents ${names} are ${chain.length} deep; the platform serves ${MAX_DEPTH}. Flatten them.`);
  }
  return [chain, ...leafOf(chain).children.flatMap((child) => chainsFrom([...chain, child]))];
}

function claim<Definition>(owners: Map<string, Definition>, name: string, definition: Definition, what: string): void {
  const owner = owners.get(name);
  if (owner !== undefined && owner !== definition) {
    throw new DefinitionError(`Two ${what} are named "${name}". Rename one of them.`);
  }
  owners.set(name, definition);
}
