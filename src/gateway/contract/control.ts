import { z } from "zod";
import type { InstanceStatus } from "./instance";

/** The step that a restart begins from. */
export const RestartFrom = z
  .strictObject({
    name: z.string().min(1).max(256).describe("Name of the step"),
    count: z.int().min(1).optional().describe("Which of several steps of that name; the first unless said"),
    type: z
      .enum(["do", "sleep", "waitForEvent"])
      .optional()
      .describe("Kind of the step, if kinds share the name"),
  })
  .meta({ id: "RestartFrom", description: "The step that a restart begins from" });

/** What can be done to an instance from outside. */
export const Control = z.discriminatedUnion("action", [
  z.object({ action: z.literal("pause") }),
  z.object({ action: z.literal("resume") }),
  z.object({ action: z.literal("terminate"), rollback: z.boolean() }),
  z.object({
    action: z.literal("restart"),
    from: RestartFrom.optional(),
    resetClock: z.boolean(),
  }),
]);
export type Control = z.infer<typeof Control>;

/** In which statuses an action acts, and in which it is done already, so that repeating it is harmless. */
export const CONTROLS: Readonly<
  Record<
    Control["action"],
    { readonly acts: readonly InstanceStatus[]; readonly done: readonly InstanceStatus[] }
  >
> = {
  pause: { acts: ["queued", "running", "waiting"], done: ["paused"] },
  resume: { acts: ["paused"], done: ["queued", "running", "waiting"] },
  terminate: { acts: ["queued", "running", "waiting", "paused"], done: ["terminated"] },
  restart: {
    acts: ["queued", "running", "waiting", "paused", "complete", "errored", "terminated"],
    done: [],
  },
};
