import { LIMITS } from "../src/gateway/contract/limits";

/** Deepest nesting of what is sent: what is deeper breaks those who walk it by recursion. */
export const MAX_DEPTH = LIMITS.bodyLevels.most;

/** Whether JSON is nested deeper than {@link MAX_DEPTH}. */
export function isTooDeep(value: unknown): boolean {
  return isDeeper(value, MAX_DEPTH);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
