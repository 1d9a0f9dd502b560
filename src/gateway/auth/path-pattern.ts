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
  return meant.steps.every(({ agent: word, name }, at) => {
    const step = steps[at];
    return step !== undefined && step.agent === word && (name === ANY_NAME || step.name === name);
  });
}
