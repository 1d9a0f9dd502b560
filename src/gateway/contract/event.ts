import { z } from "zod";
import { Approval } from "./approval";
import { InstanceError, type InstanceSchemas, Metadata, WaitingFor } from "./instance";
import { variantName } from "./names";
import type { StepEvent } from "./step-event";

/** Types of the events that tell of one instance. */
export const INSTANCE_EVENT_TYPES = [
  "instance.queued",
  "instance.started",
  "instance.progress",
  "instance.waiting",
  "instance.paused",
  "instance.resumed",
  "instance.restarted",
  "instance.event",
  "instance.message",
  "instance.completed",
  "instance.errored",
  "instance.terminated",
  "approval.requested",
  "approval.voted",
  "approval.decided",
  "approval.expired",
  "approval.cancelled",
] as const;
export type InstanceEventType = (typeof INSTANCE_EVENT_TYPES)[number];

/** Types of the events that tell of the agent itself: they belong to no instance. */
export const AGENT_EVENT_TYPES = ["state.updated"] as const;
export type AgentEventType = (typeof AGENT_EVENT_TYPES)[number];

/** Types of the events of a journal. */
export const EVENT_TYPES = [...INSTANCE_EVENT_TYPES, ...AGENT_EVENT_TYPES] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Types that end an attempt: on the stream of one instance `stream.end` follows. */
export const ENDING_TYPES = [
  "instance.completed",
  "instance.errored",
  "instance.terminated",
] as const satisfies InstanceEventType[];

/** @returns whether an event of this type ends an attempt. */
export function isEnding(type: GatewayEvent["type"]): boolean {
  return (ENDING_TYPES as readonly string[]).includes(type);
}

interface EventOf<Type extends EventType> {
  /** Opaque cursor: a stream or page asked for `after` it goes on with the next event. */
  readonly id: string;
  readonly type: Type;
  readonly agent: string;
  readonly time: string;
  readonly data: unknown;
}

/** What happened to one instance. */
export interface InstanceEvent extends EventOf<InstanceEventType> {
  readonly instanceId: string;
  readonly workflow: string;
  readonly attempt: number;
}

/** What happened to the agent itself; it names no instance. */
export type AgentEvent = EventOf<AgentEventType>;

/**
 * One entry of an agent's journal, or of the steps that are told beside it, as a page lists it and as `data` of an SSE frame
 * carries it.
 */
export type GatewayEvent = InstanceEvent | AgentEvent | StepEvent;

/** @returns whether an event tells of one instance. */
export function isOfInstance(event: GatewayEvent): event is InstanceEvent | StepEvent {
  return "instanceId" in event;
}

const control = <const Type extends string>(type: Type, description: string) =>
  z
    .object({ type: z.literal(type).describe("Type of the frame") })
    .meta({ id: variantName("ControlFrame", type), description });

/** Control frames of a stream: they tell of the stream, not of the agent, and are never stored. */
export const ControlFrame = z
  .discriminatedUnion("type", [
    control("stream.caught-up", "Everything kept has been sent; what follows is live"),
    control("stream.gap", "Events after the given cursor are no longer kept"),
    control("stream.closing", "The server closes; come back with the last id"),
    control("stream.end", "The instance has ended; nothing will follow"),
  ])
  .meta({ id: "ControlFrame", description: "Tells of the stream itself; never stored" });
export type ControlFrame = z.infer<typeof ControlFrame>;

const dataOf = ({ progress, output }: InstanceSchemas): Record<InstanceEventType, z.ZodType> => ({
  "instance.queued": z.object({ metadata: Metadata }),
  "instance.started": z.object({}),
  "instance.progress": z.object({ progress }),
  "instance.waiting": z.object({ waitingFor: WaitingFor }),
  "instance.paused": z.object({}),
  "instance.resumed": z.object({}),
  "instance.restarted": z.object({
    from: z.string().nullable().describe("The step it begins from; null is the beginning"),
  }),
  "instance.event": z.object({ event: z.unknown().describe("As the workflow sent it") }),
  "instance.message": z.object({ message: z.unknown().describe("As the workflow sent it") }),
  "instance.completed": z.object({ output }),
  "instance.errored": z.object({ error: InstanceError }),
  "instance.terminated": z.object({}),
  "approval.requested": z.object({ approval: Approval }),
  "approval.voted": z.object({ approval: Approval }),
  "approval.decided": z.object({ approval: Approval }),
  "approval.expired": z.object({ approval: Approval }),
  "approval.cancelled": z.object({ approval: Approval }),
});

const MEANINGS: Record<InstanceEventType, string> = {
  "instance.queued": "The start was accepted",
  "instance.started": "The first step of the attempt runs",
  "instance.progress": "The workflow reported progress",
  "instance.waiting": "The instance waits, and says for what",
  "instance.paused": "The engine has paused the instance",
  "instance.resumed": "The instance goes on after a pause",
  "instance.restarted": "A new attempt begins",
  "instance.event": "The workflow sent an event",
  "instance.message": "The workflow sent a message",
  "instance.completed": "The workflow returned",
  "instance.errored": "The workflow threw",
  "instance.terminated": "The instance was terminated",
  "approval.requested": "An approval waits for a decision",
  "approval.voted": "Somebody approved, and more must",
  "approval.decided": "Somebody approved or rejected",
  "approval.expired": "The deadline passed without a decision",
  "approval.cancelled": "The instance ended before anybody decided",
};

/** A union of objects that `type` tells apart. */
export type UnionByType = z.ZodDiscriminatedUnion<[z.ZodObject, ...z.ZodObject[]], "type">;

const ID = z
  .string()
  .describe("Opaque cursor; resume after it")
  .meta({ examples: ["4f1c2b7d-2"] });
const AGENT = z
  .string()
  .describe("Path of the agent")
  .meta({ examples: ["/agents/order-desk/acme"] });
const TIME = z.iso.datetime().describe("When it happened");

/** The schema of {@link InstanceEvent} for one workflow: a union by `type`, with the workflow's own progress and output. */
export function eventSchema(workflow: InstanceSchemas, id: string): UnionByType {
  const data = dataOf(workflow);
  const variant = (type: InstanceEventType): z.ZodObject => {
    const shape = {
      id: ID,
      type: z.literal(type).describe("Type of the event"),
      agent: AGENT,
      instanceId: z
        .string()
        .describe("The instance it tells of")
        .meta({ examples: ["november"] }),
      workflow: z.literal(workflow.name).describe("Public name of its workflow"),
      attempt: z.int().describe("Attempt of the instance"),
      time: TIME,
      data: data[type].describe("What there is to tell of it"),
    };
    return z.object(shape).meta({ id: variantName(id, type), description: MEANINGS[type] });
  };
  const [first, ...rest] = INSTANCE_EVENT_TYPES;
  return z
    .discriminatedUnion("type", [variant(first), ...rest.map(variant)])
    .meta({ id, description: `An event of the workflow ${workflow.name}: one shape for each type` });
}

/** Who changed the state of an agent, as far as that can be known: a call of the author's own code is `agent`. */
export const StateSource = z
  .enum(["rest", "workflow", "agent", "client"])
  .describe(
    "`rest`: through this API; `workflow`: a step of a workflow; `agent`: the agent's own code; `client`: a WebSocket client of the Agents SDK",
  );
export type StateSource = z.infer<typeof StateSource>;

/** The schema of {@link AgentEvent}: what the stream of an agent with a state tells beside what its instances do. */
export const StateUpdated = z
  .object({
    id: ID,
    type: z.literal("state.updated").describe("The state of the agent changed"),
    agent: AGENT,
    time: TIME,
    data: z
      .object({
        etag: z.string().describe("Entity tag of the state as it was then"),
        source: StateSource,
      })
      .describe("What there is to tell of it"),
  })
  .meta({
    id: "StateUpdatedEvent",
    description: "The state of the agent changed; read it at `state` below the path of the agent",
  });
