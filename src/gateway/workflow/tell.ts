import { fromOutcome } from "../durable/outcome";
import type { Report } from "../agent/reports";
import { rootStub } from "../agent/stub";
import { ProblemError, PROBLEMS } from "../contract/problem";
import type { Run } from "./run";

const MOST_TRIES = 4;
const FIRST_DELAY_MS = 100;

/** Tells the agent of a run, over a fresh stub each time: the one from before may be of an agent that was evicted since. */
export async function tell(
  env: object,
  { gateway: { root, below }, engineId }: Pick<Run, "gateway" | "engineId">,
  report: Report,
): Promise<unknown> {
  for (let tried = 1; ; tried += 1) {
    try {
      const stub = rootStub(env, root.binding, root.name);
      return fromOutcome(await stub.gatewayReport(below, engineId, report));
    } catch (failure) {
      const final = failure instanceof ProblemError && !PROBLEMS[failure.code].retryable;
      if (final || tried === MOST_TRIES) throw failure;
      await new Promise((resume) => setTimeout(resume, FIRST_DELAY_MS * 2 ** tried));
    }
  }
}
