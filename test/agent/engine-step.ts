// oxlint-disable-next-line typescript/triple-slash-reference -- the types of the platform are global: there is nothing to import
/// <reference path="../../worker-configuration.d.ts" />
import { NOON } from "./stand-ins.ts";

/** What the engine tells, beside its number and time. */
export type EngineTelling = WorkflowInstanceEvent extends infer Event
  ? Event extends WorkflowInstanceEvent
    ? Omit<Event, "instanceId" | "eventId" | "timestamp">
    : never
  : never;

/** An event of the engine: the n-th, so many milliseconds after noon. */
export function engineEvent(n: number, told: EngineTelling, after = n): WorkflowInstanceEvent {
  return { instanceId: "engine-r-1", eventId: n, timestamp: NOON + after, ...told };
}
