import type { AgentWorkflowStep } from "agents/workflows";
import type { Report } from "../agent/reports";
import { waitKey } from "../agent/waits";
import { toMilliseconds } from "../registry/duration";
import type { Run } from "./run";

/** The engine's own default, so that the deadline which is shown is the one that holds. */
export const DEFAULT_TIMEOUT_MS = 86_400_000;

/** How a step reaches its run. */
export interface StepHost {
  tell(report: Report): Promise<unknown>;
  /** Whether the engine itself ends the run by throwing, which is no end of a wait. */
  isStopped(failure: unknown): Promise<boolean>;
}

/**
 * Lets reports know in which step they are made, tells where the run waits, and keeps what the SDK's helpers say for the
 * end of the run. `step` may be a stub, on which a `bind` would be one more remote call: so methods are taken by Reflect.
 */
export function extendStep(step: AgentWorkflowStep, run: Run, host: StepHost): void {
  extendDo(step, run);
  extendWaits(step, run, host);
  step.reportComplete = async (result) => {
    run.reported = result;
  };
  const reportError = step.reportError.bind(step);
  step.reportError = async (error) => {
    run.announced = true;
    await reportError(error);
  };
}

/** Takes a method of the engine's step, to be called on it later. */
export function engineMethod<Name extends keyof AgentWorkflowStep>(
  step: AgentWorkflowStep,
  name: Name,
): AgentWorkflowStep[Name] {
  const method: unknown = Reflect.get(step, name);
  if (typeof method !== "function") throw new TypeError(`the engine gave a step without ${name}`);
  return ((...args: unknown[]) => Reflect.apply(method, step, args)) as AgentWorkflowStep[Name];
}

function extendDo(step: AgentWorkflowStep, run: Run): void {
  const doStep = engineMethod(step, "do") as (name: string, ...rest: unknown[]) => Promise<unknown>;
  const doInPlace = (name: string, ...rest: unknown[]): Promise<unknown> => {
    const inPlace = run.keys.place(name);
    const work = rest.find((argument) => typeof argument === "function");
    const placed = rest.map((argument) =>
      argument === work && typeof work === "function"
        ? (...given: unknown[]): unknown => inPlace(() => work(...given) as unknown)
        : argument,
    );
    return doStep(name, ...placed);
  };
  step.do = doInPlace;
}

function extendWaits(step: AgentWorkflowStep, run: Run, host: StepHost): void {
  const sleep = engineMethod(step, "sleep");
  const sleepUntil = engineMethod(step, "sleepUntil");

  /** The report goes out beside the wait, which need not be late for it. */
  const told = async <Result>(
    name: string,
    eventType: string | undefined,
    deadline: number,
    wait: () => Promise<Result>,
  ): Promise<Result> => {
    const kind = eventType === undefined ? "time" : "event";
    const key = waitKey(kind, name, occurrenceOf(run, kind, name));
    const began = host
      .tell({ type: "wait-began", wait: { key, stepName: name, eventType, deadline } })
      .catch(warn);
    const ended = async (): Promise<void> => {
      await began;
      await host.tell({ type: "wait-ended", key }).catch(warn);
    };
    try {
      const result = await wait();
      await ended();
      return result;
    } catch (failure) {
      if (!(await host.isStopped(failure))) await ended();
      throw failure;
    }
  };

  const waitForEvent: typeof step.waitForEvent = (name, options) => {
    const timeout = toMilliseconds(options.timeout ?? DEFAULT_TIMEOUT_MS);
    return told(name, options.type, Date.now() + timeout, () => run.waitForEvent(name, options));
  };
  step.waitForEvent = waitForEvent;
  step.sleep = (name, duration) =>
    told(name, undefined, Date.now() + toMilliseconds(duration), () => sleep(name, duration));
  step.sleepUntil = (name, time) =>
    told(name, undefined, new Date(time).getTime(), () => sleepUntil(name, time));
}

/** Which use of a name it is for a wait of this kind. Gates wait for events too: so the engine counts, and so do we. */
export function occurrenceOf({ keys }: Run, kind: "event" | "time", name: string): number {
  return keys.occurrenceOf(`${kind}:${name}`);
}

function warn(failure: unknown): void {
  console.warn("switchyard: where a run waits could not be told", failure);
}
