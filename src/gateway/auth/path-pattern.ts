import type { AgentStep } from "../contract/names";
import { type AgentPatternSteps, ANY_NAME, readAgentPattern } from "../contract/agent-pattern";

/**
 * Whether a pattern means an agent.
 *
 * @param pattern as `AgentPattern` has it; what is none matches nothing.
 * @param path of an agent.
 */
export function matchesPath(pattern: string, path: string): boolean {
  // The path of an agent is a pattern that means that agent alone.
  const agent = readAgentPattern(path);
  return agent !== undefined && !agent.below && matchesSteps(pattern, agent.steps);
}

/** The same for a path that was taken apart. Its names may be such as no agent has: whoever reaches any name is told so elsewhere. */
export function matchesSteps(pattern: string, steps: readonly AgentStep[]): boolean {
  return covers(readAgentPattern(pattern), { steps, below: false });
}

/** Whether a pattern means an agent and all that is below it. */
export function coversBelow(pattern: string, steps: readonly AgentStep[]): boolean {
  return covers(readAgentPattern(pattern), { steps, below: true });
}

/** Whether a pattern means every agent that another one means, those too that are not there yet. What is no pattern covers nothing, and is covered by none. */
export function coversPattern(outer: string, inner: string): boolean {
  return covers(readAgentPattern(outer), readAgentPattern(inner));
}

function covers(wide: AgentPatternSteps | undefined, narrow: AgentPatternSteps | undefined): boolean {
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
