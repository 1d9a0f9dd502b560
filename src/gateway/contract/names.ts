import { z } from "zod";

/** Deepest agent path that the platform serves: a root Agent and three levels of sub-agents. */
export const MAX_DEPTH = 4;

/** Longest name of an agent, and longest id of an instance, in characters. */
export const LONGEST_NAME = 128;

/** What a name may be: URL-safe as it is, so that one object has one address. */
const NAME = new RegExp(`^[A-Za-z0-9._~@+-]{1,${LONGEST_NAME}}$`);
const RESERVED = /^(?:\.{1,2}|sub|cf-agents.*|__.*)$/i;

/** The name of one Agent, or the id of one instance: 1 to 128 of `A-Z a-z 0-9 . _ ~ @ + -`, not a reserved word. */
export const Name = z
  .string()
  .regex(NAME, "must be 1 to 128 letters, digits or . _ ~ @ + -")
  .refine((name) => !RESERVED.test(name), "is a reserved name")
  .meta({ examples: ["acme"] });

/** Public, kebab-case name of an Agent class, a workflow or an event: a word of the URL and of the SDKs. */
export const PublicName = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, "must be kebab-case")
  .max(64)
  .refine((name) => name !== "sub", "is a reserved name");

/** Name of one member of a named union, in documents and SDKs: `instance.queued` of `RefundEvent` is `RefundEventInstanceQueued`. */
export function variantName(union: string, tag: string): string {
  return union + tag.replace(/(?:^|[.-])(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** One step of an agent path: the public name of a class and the name of one Agent of it. */
export interface AgentStep {
  readonly agent: string;
  readonly name: string;
}

/** Root first; at least one step, at most {@link MAX_DEPTH}. */
export type AgentPath = readonly [AgentStep, ...AgentStep[]];

/** The canonical URL path of an agent, e.g. `/agents/catalog/acme/sub/dataset/airports`. */
export function formatAgentPath(path: readonly AgentStep[]): string {
  return path.reduce(
    (parent, step, depth) => (depth === 0 ? `/agents/${segmentsOf(step)}` : childPath(parent, step)),
    "",
  );
}

/** The canonical URL path of a sub-agent. @param parent the path of the agent that it is of. */
export function childPath(parent: string, step: AgentStep): string {
  return `${parent}/sub/${segmentsOf(step)}`;
}

function segmentsOf({ agent, name }: AgentStep): string {
  return `${agent}/${encodeURIComponent(name)}`;
}
