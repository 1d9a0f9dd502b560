import { type InstanceStatus, isTerminal } from "../contract/instance";
import type { OpenStep } from "./steps";

/** A step that is to be tried again within this time runs as good as already. */
const SOON_MS = 1_000;

/** What is to be expected of a run that is silent. */
export interface Outlook {
  /** Whether something runs in it, which may be over at any time. */
  readonly runs: boolean;
  /** When a step is tried again, of which nobody reports, in milliseconds. */
  readonly goesOnAt: number | undefined;
}

/** @param open the steps that are not over. */
export function outlook(status: InstanceStatus, open: readonly OpenStep[], now: number): Outlook {
  if (status === "paused" || isTerminal(status)) return { runs: false, goesOnAt: undefined };
  const retries = open.flatMap((step) => retryAt(step) ?? []);
  const runs =
    open.some(({ type }) => type === "step.started" || type === "step.retried") ||
    retries.some((at) => at <= now + SOON_MS) ||
    (open.length === 0 && status === "running");
  return { runs, goesOnAt: retries.length === 0 ? undefined : Math.min(...retries) };
}

/** When a step that failed is tried again; undefined of every other. */
function retryAt({ type, time, data }: OpenStep): number | undefined {
  if (type !== "step.failed") return undefined;
  const { retryDelayMs } = JSON.parse(data) as { readonly retryDelayMs: number | null };
  return time + (retryDelayMs ?? 0);
}
