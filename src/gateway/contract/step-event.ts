import { z } from "zod";
import { lazily } from "./lazily";
import { variantName } from "./names";

/** Types of the events that tell of the steps of one instance, as the engine runs them. */
export const STEP_EVENT_TYPES = [
  "step.started",
  "step.retried",
  "step.failed",
  "step.errored",
  "step.sleeping",
  "step.waiting",
  "step.expired",
  "step.completed",
] as const;
export type StepEventType = (typeof STEP_EVENT_TYPES)[number];

/** What a step waits for: an event, or a decision at a gate. */
const stepWaitingFor = lazily(() =>
  z
    .discriminatedUnion("type", [
      z.object({
        type: z.literal("event").describe("It waits for an event"),
        eventType: z.string().describe("Type of the event"),
      }),
      z.object({
        type: z.literal("approval").describe("It waits for a decision"),
        approvalId: z.string().describe("Id of the approval"),
      }),
    ])
    .meta({ id: "StepWaitingFor", description: "What a step waits for" }),
);
export type StepWaitingFor = z.infer<ReturnType<typeof stepWaitingFor>>;

const dataByType = lazily(() => {
  const Step = z.object({
    stepName: z.string().describe("Name of the step, as its workflow gives it"),
    occurrence: z.int().min(1).describe("Which of the steps of this name, from 1"),
  });
  const attempt = z.int().min(1).describe("Attempt of the step, from 1");
  return {
    "step.started": Step,
    "step.retried": Step.extend({ attempt }),
    "step.failed": Step.extend({
      attempt,
      error: z
        .object({
          name: z.string().describe("Name of the error class"),
          message: z.string().describe("Its message"),
        })
        .describe("What the attempt threw"),
      retryDelayMs: z
        .int()
        .nullable()
        .describe("After so many milliseconds it is tried again; null if it is not"),
    }),
    "step.errored": Step,
    "step.sleeping": Step.extend({ durationMs: z.int().describe("How long, in milliseconds") }),
    "step.waiting": Step.extend({ waitingFor: stepWaitingFor() }),
    "step.expired": Step,
    "step.completed": Step,
  } satisfies Record<StepEventType, z.ZodObject>;
});
type DataByType = ReturnType<typeof dataByType>;

const MEANINGS: Record<StepEventType, string> = {
  "step.started": "A step runs for the first time",
  "step.retried": "A step that failed is tried again",
  "step.failed": "An attempt of a step failed",
  "step.errored": "A step failed for good: its workflow gets the error",
  "step.sleeping": "A step sleeps",
  "step.waiting": "A step waits for an event, or at a gate",
  "step.expired": "What a step waited for did not come in time",
  "step.completed": "A step is done: it returned, has slept, or got what it waited for",
};

/** What happened to a step, without what it returned. */
export type StepChange = {
  [Type in StepEventType]: { readonly type: Type; readonly data: z.infer<DataByType[Type]> };
}[StepEventType];

/** What happened to a step of one instance. It is told only to those who ask for steps. */
export type StepEvent = StepChange & {
  readonly id: string;
  readonly agent: string;
  readonly instanceId: string;
  readonly workflow: string;
  readonly attempt: number;
  readonly time: string;
};

const variant = (type: StepEventType): z.ZodObject =>
  z
    .object({
      id: z.string().describe("Opaque cursor; resume after it"),
      type: z.literal(type).describe("Type of the event"),
      agent: z.string().describe("Path of the agent"),
      instanceId: z.string().describe("The instance it tells of"),
      workflow: z.string().describe("Public name of its workflow"),
      attempt: z.int().describe("Attempt of the instance"),
      time: z.iso.datetime().describe("When it happened"),
      data: dataByType()[type].describe("What there is to tell of it"),
    })
    .meta({ id: variantName("StepEvent", type.replace("step.", "")), description: MEANINGS[type] });

/** The schemas of {@link StepEvent}, one for each type; the same for every workflow. */
export const stepEvents = lazily((): readonly z.ZodObject[] => STEP_EVENT_TYPES.map(variant));
