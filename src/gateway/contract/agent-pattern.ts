import { z } from "zod";
import { type AgentStep, MAX_DEPTH, Name, PublicName } from "./names";

/** Stands for any one name; no {@link Name} is this. */
export const ANY_NAME = "*";

/** A pattern of agent paths, as it was read. */
export interface AgentPatternSteps {
  /** Root first. */
  readonly steps: readonly AgentStep[];
  /** Whether all agents below are meant too. */
  readonly below: boolean;
}

/**
 * Reads a pattern of agent paths. A class without a name is read as any one of that class.
 *
 * @returns undefined if it is none.
 */
export function readAgentPattern(pattern: string): AgentPatternSteps | undefined {
  const below = pattern.endsWith("/**");
  const path = below ? pattern.slice(0, -"/**".length) : pattern;
  if (path === "" && below) return { steps: [], below };
  if (!path.startsWith("/agents/")) return undefined;
  const parts = path.slice("/agents/".length).split("/sub/");
  const steps = parts.map((part, at) => readStep(part, below && at === parts.length - 1));
  return steps.length <= MAX_DEPTH && steps.every((step) => step !== undefined)
    ? { steps, below }
    : undefined;
}

function readStep(part: string, nameless: boolean): AgentStep | undefined {
  const [agent, written, ...more] = part.split("/");
  const name = written === undefined && nameless ? ANY_NAME : decoded(written ?? "");
  const fits =
    more.length === 0 &&
    PublicName.safeParse(agent).success &&
    (name === ANY_NAME || Name.safeParse(name).success);
  return fits ? { agent: agent ?? "", name: name ?? "" } : undefined;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/**
 * Which agents: the path of an agent, where `*` is any one name, and `/**` at the end means also everything below. After
 * a class without a name it means every agent of that class, and `/**` alone is everything.
 */
export const AgentPattern = z
  .string()
  .max(1024)
  .refine(
    (pattern) => readAgentPattern(pattern) !== undefined,
    "must be the path of an agent, or a pattern of such",
  )
  .describe(
    "Path of an agent, where `*` is any one name; `/**` at the end means all below too, as in `/agents/catalog/**`",
  )
  .meta({ examples: ["/agents/order-desk/**"] });
export type AgentPattern = z.infer<typeof AgentPattern>;
