import { MAX_DEPTH } from "../contract/names";
import { type AgentDefinition, labelsOf } from "./agent-definition";
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

/** The workflows of a class and of all classes below it, each once; its own first. */
export function workflowsBelow({ workflows, children }: AgentDefinition): readonly WorkflowDefinition[] {
  return [...new Set([...workflows, ...children.flatMap(workflowsBelow)])];
}

/** Whether a class, or any class below it, has a state that is served. */
export function hasStateBelow({ state, children }: AgentDefinition): boolean {
  return state !== undefined || children.some(hasStateBelow);
}

/** The metadata keys by which lists over a class and all classes below it can be filtered. */
export function labelsBelow(agent: AgentDefinition): string[] {
  return labelsOf({ workflows: workflowsBelow(agent) });
}

/** Words that addresses use as parameters of their own. */
const TAKEN_AGENT_NAMES: readonly string[] = ["instance-id", "approval-id", "link-id", "token-id"];

/**
 * Checks the definitions together and maps them.
 *
 * @throws DefinitionError naming what collides and the remedy: names that an SDK could not tell apart, workflows that share a
 *   binding, an agent that is listed twice, a root agent without a binding, a chain that is too deep.
 */
export function createRegistry(roots: readonly AgentDefinition[]): Registry {
  const chains = roots.flatMap((root) => chainsFrom([root]));
  const agents = new Claims<AgentDefinition>("agents");
  const workflows = new Claims<WorkflowDefinition>("workflows");
  const bindings = new Map<string, WorkflowDefinition>();

  for (const { name, binding } of roots) {
    if (binding === undefined) {
      throw new DefinitionError(
        `Agent "${name}" is a root agent and has no binding. Name its Durable Object binding.`,
      );
    }
  }
  for (const agent of chains.map(leafOf)) {
    if (TAKEN_AGENT_NAMES.map(identifierOf).includes(identifierOf(agent.name))) {
      throw new DefinitionError(`Agent "${agent.name}": the name is a word of the addresses. Rename it.`);
    }
    agents.claim(agent.name, agent);
    const methods = new Claims<string>(`methods of "${agent.name}"`);
    for (const method of Object.keys(agent.methods)) methods.claim(method, method);
    for (const [at, workflow] of agent.workflows.entries()) {
      if (agent.workflows.indexOf(workflow) !== at) {
        throw new DefinitionError(
          `Agent "${agent.name}" lists the workflow "${workflow.name}" twice. List it once.`,
        );
      }
      workflows.claim(workflow.name, workflow);
      claimBinding(bindings, workflow);
    }
  }
  refuseListedTwice(chains);
  return { chains, workflows: workflows.byName() };
}

function chainsFrom(chain: AgentChain): AgentChain[] {
  if (chain.length > MAX_DEPTH) {
    const names = chain.map(({ name }) => name).join(" > ");
    throw new DefinitionError(
      `Agents ${names} are ${chain.length} deep; the platform serves ${MAX_DEPTH}. Flatten them.`,
    );
  }
  return [chain, ...leafOf(chain).children.flatMap((child) => chainsFrom([...chain, child]))];
}

function refuseListedTwice(chains: readonly AgentChain[]): void {
  const seen = new Set<string>();
  for (const chain of chains) {
    const way = chain.map(({ name }) => name).join(" > ");
    if (seen.has(way))
      throw new DefinitionError(`Agent "${leafOf(chain).name}" is listed twice (${way}). List it once.`);
    seen.add(way);
  }
}

function claimBinding(owners: Map<string, WorkflowDefinition>, workflow: WorkflowDefinition): void {
  const owner = owners.get(workflow.binding);
  if (owner !== undefined && owner !== workflow) {
    throw new DefinitionError(
      `Workflows "${owner.name}" and "${workflow.name}" share the binding "${workflow.binding}". Give each a binding of its own.`,
    );
  }
  owners.set(workflow.binding, workflow);
}

/** Names of one kind: each for one definition, and each a different word of an SDK. */
class Claims<Definition> {
  readonly #kind: string;
  readonly #owners = new Map<string, { readonly name: string; readonly definition: Definition }>();

  constructor(kind: string) {
    this.#kind = kind;
  }

  claim(name: string, definition: Definition): void {
    const identifier = identifierOf(name);
    const owner = this.#owners.get(identifier);
    if (owner !== undefined && owner.definition !== definition) {
      const collision =
        owner.name === name
          ? `are named "${name}"`
          : `are named "${owner.name}" and "${name}", which SDKs cannot tell apart`;
      throw new DefinitionError(`Two ${this.#kind} ${collision}. Rename one of them.`);
    }
    this.#owners.set(identifier, { name, definition });
  }

  byName(): ReadonlyMap<string, Definition> {
    return new Map([...this.#owners.values()].map(({ name, definition }) => [name, definition]));
  }
}

/** `load-1` and `load1` are one word where hyphens are not allowed; so are `rows` and `Rows` where a capital follows a verb. */
function identifierOf(name: string): string {
  return name.replaceAll(/[-_]/g, "").toLowerCase();
}
