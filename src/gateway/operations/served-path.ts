import { ANY_NAME, readAgentPattern } from "../contract/agent-pattern";
import type { AgentPath } from "../contract/names";
import type { Registry } from "../registry/registry";

/** Reads the path of an agent. @returns undefined if no agent can be served there. */
export function servedPath(registry: Registry, path: string): AgentPath | undefined {
  const read = readAgentPattern(path);
  if (read === undefined || read.below) return undefined;
  const [root, ...below] = read.steps;
  if (root === undefined || read.steps.some(({ name }) => name === ANY_NAME)) return undefined;
  const isServed = registry.chains.some(
    (chain) =>
      chain.length === read.steps.length && chain.every(({ name }, at) => name === read.steps[at]?.agent),
  );
  return isServed ? [root, ...below] : undefined;
}
