import type { Grant } from "../contract/grant";
import type { AgentPath } from "../contract/names";
import { coversBelow, coversPattern, matchesClass, matchesSteps } from "./path-pattern";

/** What somebody would do something to. */
export interface Target {
  readonly path: AgentPath;
  /** Undefined if it is the agent itself, or all of its instances. */
  readonly instanceId: string | undefined;
  /** Whether it would be done to all agents below too. */
  readonly below?: boolean;
}

/** All that there is, of every agent. */
export const WHOLE_GATEWAY = "whole gateway";

/**
 * Whether a grant lets its holder do something to a target: the one place where that is decided, for all doors, before any
 * name reaches a Durable Object.
 *
 * @param target undefined asks whether there is any to which it may be done.
 */
export function allows(
  { scopes, agents }: Grant,
  scope: string,
  target: Target | typeof WHOLE_GATEWAY | undefined,
): boolean {
  if (scopes !== "all" && !scopes.includes(scope)) return false;
  if (target === undefined) return true;
  if (target === WHOLE_GATEWAY) return agents.some((pattern) => coversPattern(pattern, "/**"));
  const { path, below = false } = target;
  return agents.some((pattern) => (below ? coversBelow(pattern, path) : matchesSteps(pattern, path)));
}

/** Whether a grant reaches any agent of the class that a chain of class names leads to. */
export function reachesClass({ agents }: Grant, classes: readonly string[]): boolean {
  return agents.some((pattern) => matchesClass(pattern, classes));
}

/** Whether a grant has all of another one: nobody gives more than it holds. */
export function holds(holder: Grant, given: Grant): boolean {
  return missingOf(holder, given).length === 0;
}

/** The scopes and patterns of a grant that its giver does not hold. */
export function missingOf(holder: Grant, given: Grant): string[] {
  const { scopes } = holder;
  if (given.scopes === "all") return scopes === "all" ? missingPatterns(holder, given) : ["all"];
  const missing = scopes === "all" ? [] : given.scopes.filter((scope) => !scopes.includes(scope));
  return [...missing, ...missingPatterns(holder, given)];
}

function missingPatterns(holder: Grant, given: Grant): string[] {
  return given.agents.filter((inner) => !holder.agents.some((outer) => coversPattern(outer, inner)));
}
