import type { AgentStep } from "../contract/names";
import { ANY_NAME, readAgentPattern } from "../contract/agent-pattern";

/**
 * Whether a pattern means an agent.
 *
 * @param pattern as `AgentPattern` has it; what is none matches nothing.
 * @param path of an agent.
 */
export function matchesPath(pattern: string, path: string): boolean {
  const meant = readAgentPattern(pattern);
  // The path of an agent is a pattern that means that agent alone.
  const agent = readAgentPattern(path);
  if (meant === undefined || agent === undefined || agent.below) return false;
  const { steps } = agent;
  if (meant.below ? steps.length < meant.steps.length : steps.length !== meant.steps.length) return false;
  return meant.steps.every((step, at) => meansStep(step, steps[at]));
}

/** Whether a pattern means every agent that another one means, those too that are not there yet. What is no pattern covers nothing, and is covered by none. */
export function coversPattern(outer: string, inner: string): boolean {
  const [wide, narrow] = [readAgentPattern(outer), readAgentPattern(inner)];
  if (wide === undefined || narrow === undefined) return false;
  if (narrow.below && !wide.below) return false;
  const [most, least] = [narrow.steps.length, wide.steps.length];
  if (wide.below ? most < least : most !== least) return false;
  return wide.steps.every((step, at) => meansStep(step, narrow.steps[at]));
}

/** Whether a pattern means any agent of the class that a chain of class names leads to. */
export function matchesClass(pattern: string, classes: readonly string[]): boolean {
  const meant = readAgentPattern(pattern);
  if (meant === undefined) return false;
  const { steps, below } = meant;
  if (below ? classes.length < steps.length : classes.length !== steps.length) return false;
  return steps.every(({ agent }, at) => classes[at] === agent);
}

function meansStep({ agent, name }: AgentStep, step: AgentStep | undefined): boolean {
  return step !== undefined && step.agent === agent && (name === ANY_NAME || step.name === name);
}
