import { z } from "zod";
import { LIMITS } from "./limits";
import { Name, variantName } from "./names";

/** Statuses as the platform names them. `waiting` is true here: the instance waits, and says for what. */
export const InstanceStatus = z.enum([
  "queued",
  "running",
  "waiting",
  "paused",
  "complete",
  "errored",
  "terminated",
]);
export type InstanceStatus = z.infer<typeof InstanceStatus>;

/** Statuses after which nothing happens any more. */
export const TERMINAL_STATUSES = ["complete", "errored", "terminated"] as const satisfies InstanceStatus[];

/** @returns whether an instance in this status has ended. */
export function isTerminal(status: InstanceStatus): boolean {
  return (TERMINAL_STATUSES as readonly InstanceStatus[]).includes(status);
}

/** Why an instance ended `errored`: the name and the message of what its workflow threw. */
export const InstanceError = z
  .object({
    name: z.string().describe("Name of the error class"),
    message: z.string().describe("Its message"),
  })
  .meta({ id: "InstanceError", description: "Why an instance ended `errored`: what its workflow threw" });
export type InstanceError = z.infer<typeof InstanceError>;

/** What a waiting instance waits for. */
export const WaitingFor = z
  .discriminatedUnion("type", [
    z.object({
      type: z.literal("approval").describe("It waits for a decision"),
      approvalId: z.string().describe("The approval to decide"),
      stepName: z.string().describe("The step that waits"),
      deadline: z.iso.datetime().nullable().describe("When it expires"),
    }),
    z.object({
      type: z.literal("event").describe("It waits for an event"),
      eventType: z.string().describe("Type of the event to send"),
      stepName: z.string().describe("The step that waits"),
      deadline: z.iso.datetime().nullable().describe("When it gives up"),
    }),
    z.object({
      type: z.literal("time").describe("It sleeps"),
      stepName: z.string().describe("The step that sleeps"),
      deadline: z.iso.datetime().nullable().describe("When it wakes"),
    }),
  ])
  .meta({ id: "WaitingFor", description: "What a waiting instance waits for" });
export type WaitingFor = z.infer<typeof WaitingFor>;

/** Labels of an instance: at most 50 keys; strings, numbers and booleans. */
export const Metadata = z
  .record(
    z.string().min(1).max(LIMITS.metadataKeyCharacters.most),
    z.union([z.string().max(LIMITS.metadataValueCharacters.most), z.number(), z.boolean()]),
  )
  .refine(
    (metadata) => Object.keys(metadata).length <= LIMITS.metadataKeys.most,
    `has more than ${LIMITS.metadataKeys.most} keys`,
  )
  .meta({ id: "Metadata", description: "Labels of an instance", examples: [{ owner: "ada", urgent: true }] });
export type Metadata = z.infer<typeof Metadata>;

/** What a delete did. */
export const Deleted = z
  .object({
    deleted: z.int().describe("Instances that were deleted"),
    more: z
      .boolean()
      .describe("Whether others may match that this call did not reach")
      .meta({ examples: [false] }),
    nextCursor: z
      .string()
      .nullable()
      .describe("With `scope=subtree` and `more`: send as `cursor` to go on where this call stopped"),
  })
  .meta({ id: "Deleted", description: "What a delete did" });
export type Deleted = z.infer<typeof Deleted>;

/** What giving instances the present name of their binding did. */
export const Migrated = z
  .object({ migrated: z.int().describe("Instances that go on under the present name") })
  .meta({ id: "Migrated", description: "What a migration of a binding did" });
export type Migrated = z.infer<typeof Migrated>;

/** Whether an event met an instance that waited for it, or is kept until it does. */
export const SentEvent = z
  .object({
    delivery: z
      .enum(["delivered", "buffered"])
      .describe("`delivered` if the instance waited for it, `buffered` if it is kept until it does"),
  })
  .meta({ id: "SentEvent", description: "What became of an event that was sent in" });
export type SentEvent = z.infer<typeof SentEvent>;

/** What became of one item of a batch. */
export type StartedItem =
  | { readonly started: true; readonly instance: Instance }
  | { readonly started: false; readonly code: string; readonly detail: string };

/** The parts of an instance that its workflow's contract decides. */
export interface InstanceSchemas {
  readonly name: string;
  readonly progress: z.ZodType;
  readonly output: z.ZodType;
}

/** One run of a workflow, as every door shows it. One shape per status: a failed run has an error, a complete one its output. */
export type Instance<Progress = unknown, Output = unknown> = {
  readonly id: string;
  readonly workflow: string;
  readonly agent: string;
  readonly attempt: number;
  readonly metadata: Metadata;
  readonly startedBy: string | null;
  readonly progress: Progress | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly links: { readonly self: string; readonly events: string };
} & (
  | { readonly status: "queued" | "running" | "paused" | "terminated" }
  | { readonly status: "waiting"; readonly waitingFor: WaitingFor }
  | { readonly status: "complete"; readonly output: Output }
  | { readonly status: "errored"; readonly error: InstanceError }
);

const InstanceLinks = z
  .object({
    self: z
      .string()
      .describe("The instance")
      .meta({ examples: ["/agents/order-desk/acme/instances/november"] }),
    events: z
      .string()
      .describe("Its event stream")
      .meta({ examples: ["/agents/order-desk/acme/instances/november/events"] }),
  })
  .meta({ id: "InstanceLinks", description: "Addresses of what belongs to an instance" });

/** The schema of {@link Instance} for one workflow, with that workflow's own progress and output. */
export function instanceSchema({ name, progress, output }: InstanceSchemas, id: string): z.ZodType {
  const common = z.object({
    id: Name.describe("Unique in its agent").meta({ examples: ["november"] }),
    workflow: z.literal(name).describe("Public name of the workflow"),
    agent: z
      .string()
      .describe("Path of the agent that owns the instance")
      .meta({ examples: ["/agents/order-desk/acme"] }),
    attempt: z.int().min(1).describe("1, then one more for each restart"),
    metadata: Metadata,
    startedBy: z
      .string()
      .nullable()
      .describe("Name of the principal who started it; `agent` is the agent's own code"),
    progress: z.union([progress, z.null()]).describe("The last progress that was reported"),
    createdAt: z.iso.datetime().describe("When the start was accepted"),
    updatedAt: z.iso.datetime().describe("When anything last changed"),
    startedAt: z.iso.datetime().nullable().describe("When the first step of this attempt ran"),
    completedAt: z.iso.datetime().nullable().describe("When it ended"),
    links: InstanceLinks,
  });
  const variant = (status: InstanceStatus, own: z.ZodRawShape = {}) =>
    common.extend({ status: z.literal(status).describe("Where it stands"), ...own }).meta({
      id: variantName(id, status),
      description: `An instance of the workflow ${name} that is \`${status}\``,
    });
  return z
    .discriminatedUnion("status", [
      variant("queued"),
      variant("running"),
      variant("waiting", { waitingFor: WaitingFor }),
      variant("paused"),
      variant("complete", { output }),
      variant("errored", { error: InstanceError }),
      variant("terminated"),
    ])
    .meta({ id, description: `An instance of the workflow ${name}: one shape for each status` });
}
