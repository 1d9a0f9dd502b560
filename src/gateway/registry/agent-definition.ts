import type { z } from "zod";
import { PublicName } from "../contract/names";
import { DefinitionError } from "./definition-error";
import type { AnySchema } from "./any-schema";
import type { AnyWorkflow, WorkflowDefinition } from "./workflow-definition";

/** A class that can be built by the platform; its instances are the Agents. */
export type AgentClass<Instance = object> = abstract new (...args: never[]) => Instance;

/** The contract of one typed method: what it takes and what it returns. */
export interface MethodContract<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** What it does, in a sentence. */
  readonly description?: string;
  readonly input: Input;
  readonly output: Output;
  /** Whether calling it may bring an Agent into being; otherwise an unknown agent is a 404. */
  readonly creates?: boolean;
  /** Whether calling it changes nothing; otherwise each call is noted in the audit log of its agent. */
  readonly readOnly?: boolean;
}

/** Methods by name. */
export type MethodContracts = Readonly<Record<string, MethodContract>>;

/** The methods of `Contracts` that `Instance` really has, with inputs and outputs that fit; anything else does not compile. */
export type FittingMethods<Instance, Contracts extends MethodContracts> = {
  [Key in keyof Contracts]: Key extends keyof Instance
    ? Instance[Key] extends (input: z.output<Contracts[Key]["input"]>) => infer Returned
      ? Awaited<Returned> extends z.input<Contracts[Key]["output"]>
        ? Contracts[Key]
        : `the method does not return what its output schema takes`
      : `the method does not take what its input schema gives`
    : `the class has no such method`;
};

/** The definition of any class of Agents, as far as the compiler is to compare it: see {@link AnySchema}. */
export interface AnyAgent {
  readonly name: string;
  readonly binding: string | undefined;
  readonly description: string | undefined;
  readonly agent: AgentClass;
  readonly state: AnySchema | undefined;
  readonly workflows: readonly AnyWorkflow[];
  readonly children: readonly AnyAgent[];
  readonly methods: MethodContracts;
}

/** One class of Agents as the gateway serves it. */
export interface AgentDefinition extends AnyAgent {
  readonly state: z.ZodType | undefined;
  readonly workflows: readonly WorkflowDefinition[];
  readonly children: readonly AgentDefinition[];
}

/** {@link AgentDefinition} with everything that {@link defineAgent} could infer. */
export interface TypedAgentDefinition<
  AgentName extends string,
  Workflows extends readonly AnyWorkflow[],
  Methods extends MethodContracts,
  Children extends readonly AnyAgent[],
  State extends AnySchema | undefined,
> extends AnyAgent {
  readonly name: AgentName;
  readonly state: State;
  readonly workflows: Workflows;
  readonly children: Children;
  readonly methods: Methods;
}

/** The metadata keys by which the instances of an agent can be listed: those that any of its workflows declares. */
export function labelsOf({ workflows }: Pick<AgentDefinition, "workflows">): string[] {
  return [...new Set(workflows.flatMap(({ labels }) => labels))].toSorted();
}

/** By class name, which is how the SDK records the path of a sub-agent. */
const definitions = new Map<string, AgentDefinition>();

/** @returns the definition of the class of this name; undefined if it was never defined. */
export function definitionOf(className: string): AgentDefinition | undefined {
  return definitions.get(className);
}

/** @returns the definition of the class on a Durable Object binding; undefined if it was never defined. */
export function rootOn(binding: string): AgentDefinition | undefined {
  return [...definitions.values()].find((definition) => definition.binding === binding);
}

/**
 * Defines how a class of Agents is served.
 *
 * @param options.name public, kebab-case name: a word of the URL and of the SDKs.
 * @param options.binding name of the Durable Object binding; needed for a root agent, unused for a sub-agent.
 * @param options.agent the class, made with `withGateway`.
 * @param options.state schema of its state, if that is to be read through the gateway.
 * @param options.workflows contracts of the workflows that its Agents may start.
 * @param options.children definitions of its sub-agents.
 * @param options.methods the allow-list of typed methods; nothing else of the class can be called.
 * @throws DefinitionError if a name cannot be used, or the class has another definition.
 */
export function defineAgent<
  const AgentName extends string,
  Instance extends object,
  const Methods extends MethodContracts = Record<never, never>,
  const Workflows extends readonly AnyWorkflow[] = readonly [],
  const Children extends readonly AnyAgent[] = readonly [],
  State extends AnySchema | undefined = undefined,
>(options: {
  name: AgentName;
  binding?: string;
  description?: string;
  agent: AgentClass<Instance>;
  state?: State;
  workflows?: Workflows;
  children?: Children;
  methods?: Methods & FittingMethods<Instance, Methods>;
}): TypedAgentDefinition<AgentName, Workflows, Methods, Children, State> {
  const { name, agent } = options;
  if (!PublicName.safeParse(name).success) {
    throw new DefinitionError(`Agent "${name}": the name must be kebab-case, and not "sub". Rename it.`);
  }
  const known = definitions.get(agent.name);
  if (known !== undefined) {
    throw new DefinitionError(
      `Agent "${name}": a class ${agent.name} is defined as "${known.name}" already. Give each definition a class of its own name.`,
    );
  }
  const definition: TypedAgentDefinition<AgentName, Workflows, Methods, Children, State> = {
    name,
    binding: options.binding,
    description: options.description,
    agent,
    // Inference cannot see that what is empty stands in exactly where its type parameter was defaulted.
    state: options.state as State,
    workflows: (options.workflows ?? []) as unknown as Workflows,
    children: (options.children ?? []) as unknown as Children,
    methods: (options.methods ?? {}) as Methods,
  };
  // Only zod makes what is AnySchema to the compiler.
  definitions.set(agent.name, definition as unknown as AgentDefinition);
  return definition;
}
