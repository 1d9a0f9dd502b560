import { AgentView, Catalogue, type CatalogueAgent, type CatalogueWorkflow } from "../contract/agent";
import { toJsonSchema } from "../registry/json-schema";
import type { AgentChain } from "../registry/registry";
import { leafOf } from "../registry/registry";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import { type MethodSubject, operation, type Reach, type Subject } from "./operation";
import { named } from "./schemas";
import { camel, pascal, words } from "./words";

/** URL template of the agents that a chain leads to. */
export function agentTemplate(chain: AgentChain): string {
  return chain
    .map(({ name }, depth) => `/${depth === 0 ? "agents" : "sub"}/${name}/{${camel(name)}}`)
    .join("");
}

export const listAgents = operation<undefined>()({
  id: () => "listAgents",
  summary: () => "List the agents and workflows that are served",
  description:
    "The catalogue: each class of agents with the template of its address, and the contracts of its workflows and methods as JSON Schemas. It has the classes of which the caller reaches any agent.",
  scope: "agents:read",
  rest: { method: "get", path: () => "/agents", status: 200 },
  schemas: () => ({ output: Catalogue }),
  problems: [],
  answer: async (_asked, { registry, reachesClass }): Promise<Catalogue> => ({
    agents: registry.chains
      .filter((chain) => reachesClass(namesOf(chain)))
      .map((chain) => toCatalogueAgent(chain, reachesClass)),
  }),
});

export const getAgent = operation<Subject>()({
  id: ({ agent }) => `get${pascal(agent.name)}`,
  summary: ({ agent }) => `Describe one ${words(agent.name)}`,
  description: "Its address, what it can start and call, and how many of its approvals wait for a decision.",
  scope: "agents:read",
  rest: { method: "get", path: () => "", status: 200 },
  schemas: () => ({ output: AgentView }),
  problems: [],
  answer: (_asked, { agent }) => agent.describe(),
});

export const callMethod = operation<MethodSubject>()({
  id: ({ agent, method }) => `call${pascal(agent.name)}${pascal(method)}`,
  summary: ({ agent, method, contract }) =>
    contract.description ?? `Call ${method} of one ${words(agent.name)}`,
  description:
    "A method that the author of the agent declared. With an `Idempotency-Key` it is called once at most; while it runs, a repeat is told `request_in_progress`.",
  scope: "agents:call",
  rest: { method: "post", path: ({ method }) => `/methods/${method}`, status: 200 },
  parsed: true,
  bodyAs: "input",
  schemas: ({ agent, method, contract }) => ({
    body: named(contract.input, `${pascal(agent.name)}${pascal(method)}Input`, `What ${method} takes`),
    output: named(contract.output, `${pascal(agent.name)}${pascal(method)}Output`, `What ${method} returns`),
  }),
  problems: ["request_in_progress"],
  answer: ({ body, once }, { agent }, { method }) => agent.callMethod({ method, input: body, once }),
});

function namesOf(chain: AgentChain): string[] {
  return chain.map(({ name }) => name);
}

function toCatalogueAgent(chain: AgentChain, reachesClass: Reach["reachesClass"]): CatalogueAgent {
  const { name, description, workflows, children, methods } = leafOf(chain);
  return {
    name,
    ...(description === undefined ? {} : { description }),
    path: agentTemplate(chain),
    workflows: workflows.map(toCatalogueWorkflow),
    children: children.map((child) => child.name).filter((child) => reachesClass([...namesOf(chain), child])),
    methods: Object.entries(methods).map(([method, { input, output }]) => ({
      name: method,
      input: toJsonSchema(input),
      output: toJsonSchema(output, "output"),
    })),
  };
}

function toCatalogueWorkflow(workflow: WorkflowDefinition): CatalogueWorkflow {
  const { name, description, params, progress, output, approval, events, labels } = workflow;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    params: toJsonSchema(params),
    progress: toJsonSchema(progress),
    output: toJsonSchema(output),
    approval: toJsonSchema(approval),
    events: Object.fromEntries(
      Object.entries(events).map(([type, payload]) => [type, toJsonSchema(payload)]),
    ),
    labels: [...labels],
  };
}
