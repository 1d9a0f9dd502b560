import type { StepChange, StepWaitingFor } from "../contract/step-event";
import { isEngineStop } from "./engine";
import { shownError } from "./shown-error";

/** What is read of the engine: what the journal says itself, and what a step returned, is not. */
export const STEP_FILTER = [
  "step_started",
  "step_completed",
  "step_errored",
  "attempt_started",
  "attempt_errored",
  "sleep_started",
  "sleep_completed",
  "wait_started",
  "wait_completed",
  "wait_timed_out",
] as const satisfies WorkflowInstanceEvent["type"][];

/** Steps of the SDK and of the gateway itself. What an author did with them has steps of its own, or is in the journal. */
const INTERNAL = /^__(?:agent|gateway)_/;

/**
 * An event of the engine as clients see it; undefined if it is none of theirs.
 *
 * @param approvalOf finds the gate that an event type is of: such a type is never shown.
 */
export function toStepChange(
  event: WorkflowInstanceEvent,
  approvalOf: (eventType: string) => string | undefined,
): StepChange | undefined {
  if (!("stepName" in event)) return undefined;
  const step = stepOf(event.stepName);
  if (INTERNAL.test(step.stepName)) return undefined;
  switch (event.type) {
    case "step_started":
      return { type: "step.started", data: step };
    case "attempt_started":
      // The first attempt begins with the step.
      return event.attempt > 1
        ? { type: "step.retried", data: { ...step, attempt: event.attempt } }
        : undefined;
    case "attempt_errored": {
      const error = shownError(event.error);
      // No failure of the step that runs.
      if (isEngineStop(error.message)) return undefined;
      const retryDelayMs = event.retryDelayMs ?? null;
      return { type: "step.failed", data: { ...step, attempt: event.attempt, error, retryDelayMs } };
    }
    case "step_errored":
      return { type: "step.errored", data: step };
    case "sleep_started":
      return { type: "step.sleeping", data: { ...step, durationMs: event.durationMs } };
    case "wait_started":
      return {
        type: "step.waiting",
        data: { ...step, waitingFor: waitingFor(event.eventType, approvalOf(event.eventType)) },
      };
    case "wait_timed_out":
      return { type: "step.expired", data: step };
    case "step_completed":
    case "sleep_completed":
    case "wait_completed":
      return { type: "step.completed", data: step };
    default:
      return undefined;
  }
}

/** The engine counts the steps of a name, and appends the count to it. */
function stepOf(name: string): { readonly stepName: string; readonly occurrence: number } {
  const [, stepName, count] = /^(.*)-(\d+)$/s.exec(name) ?? [];
  return stepName === undefined ? { stepName: name, occurrence: 1 } : { stepName, occurrence: Number(count) };
}

function waitingFor(eventType: string, approvalId: string | undefined): StepWaitingFor {
  return approvalId === undefined ? { type: "event", eventType } : { type: "approval", approvalId };
}
