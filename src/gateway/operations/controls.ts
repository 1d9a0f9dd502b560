import { z } from "zod";
import { type Control, RestartFrom } from "../contract/control";
import { Deleted, type Instance, SentEvent } from "../contract/instance";
import type { AgentDefinition } from "../registry/agent-definition";
import { Flag } from "./flag";
import { filterOf, filtersOf, InstanceParams } from "./instances";
import { operation, type Subject } from "./operation";
import { ListScope } from "../contract/page";
import { agentSchemas, described } from "./schemas";
import { pascal, words } from "./words";

export const pauseInstance = controls("pause", {
  description:
    "A step that runs is let finish first: the instance shows `paused` when the engine is there. Pausing a paused one does nothing.",
  body: undefined,
  toControl: () => ({ action: "pause" }),
});

export const resumeInstance = controls("resume", {
  description: "Also calls off a pause that is not reached yet. Resuming one that runs does nothing.",
  body: undefined,
  toControl: () => ({ action: "resume" }),
});

export const terminateInstance = controls("terminate", {
  description: "Its open approvals are cancelled. Terminating a terminated one does nothing.",
  body: z.strictObject({
    rollback: z.boolean().default(false).describe("Whether the rollback handlers of its steps run first"),
  }),
  toControl: ({ rollback }) => ({ action: "terminate", rollback }),
});

export const restartInstance = controls("restart", {
  description:
    "Begins a new attempt, in any status: open approvals of the old one are cancelled, and the stream goes on with `instance.restarted`.",
  body: z.strictObject({
    from: RestartFrom.optional().describe("The step to begin from; what was done before it stands"),
    resetClock: z.boolean().default(true).describe("Whether `createdAt` becomes the time of the restart"),
  }),
  toControl: ({ from, resetClock }) => ({
    action: "restart",
    resetClock,
    ...(from === undefined ? {} : { from }),
  }),
});

export const deleteInstance = operation<Subject>()({
  id: ({ agent }) => `delete${pascal(agent.name)}Instance`,
  summary: ({ agent }) => `Delete one instance of one ${words(agent.name)}`,
  description: "Its journal and its approvals go with it, and its id is free again.",
  scope: "instances:control",
  rest: { method: "delete", path: () => "/instances/{instanceId}", status: 200 },
  schemas: () => ({
    params: InstanceParams,
    query: z.strictObject({ force: Flag.describe("Whether an active instance is terminated for it") }),
    output: Deleted,
  }),
  problems: ["instance_not_found", "status_conflict"],
  answer: ({ params, query, once }, { agent }) =>
    agent.deleteInstance({ id: params.instanceId, force: query.force, once }),
});

export const deleteInstances = operation<Subject>()({
  id: ({ agent }) => `delete${pascal(agent.name)}Instances`,
  summary: ({ agent }) => `Delete the instances of one ${words(agent.name)} that match`,
  description:
    "At least one filter is needed. Oldest first, up to 500 in one call; `more` says whether others may match. Active instances are left, unless `force` terminates them.",
  scope: "instances:control",
  rest: { method: "delete", path: () => "/instances", status: 200 },
  schemas: ({ agent }) => ({
    query: z
      .strictObject({
        ...filtersOf(agent),
        scope: ListScope,
        force: Flag.describe("Whether active instances are terminated for it"),
        cursor: z.string().optional().describe("`nextCursor` of the call before"),
      })
      .refine(
        ({ scope: _scope, force: _force, cursor: _cursor, ...filters }) =>
          Object.values(filters).some(chooses),
        "names no filter: choose what is deleted",
      ),
    output: Deleted,
  }),
  problems: ["invalid_cursor"],
  answer: ({ query, once }, { agent }) => {
    const { scope, force, cursor } = query;
    return agent.deleteInstances({
      filter: filterOf(query),
      subtree: scope === "subtree",
      force,
      cursor,
      once,
    });
  },
});

/** Whether a filter was given that lets less than everything through. */
function chooses(filter: unknown): boolean {
  return typeof filter === "object" && filter !== null
    ? Object.keys(filter).length > 0
    : filter !== undefined;
}

export const sendInstanceEvent = operation<Subject>()({
  id: ({ agent }) => `send${pascal(agent.name)}InstanceEvent`,
  summary: ({ agent }) => `Send an event to one instance of one ${words(agent.name)}`,
  description:
    "`delivered` if the instance waits for it, `buffered` if it is kept until it does. `?require=waiting` refuses the latter.",
  scope: "instances:control",
  rest: { method: "post", path: () => "/instances/{instanceId}/events", status: 200 },
  schemas: ({ agent }) => ({
    params: InstanceParams,
    query: z.strictObject({ require: z.enum(["waiting"]).optional().describe("What must be so") }),
    body: z.strictObject({
      type: z.string().min(1).max(100).describe("Type of the event, as the instance's workflow declares it"),
      payload: z.unknown().describe("As the workflow declares it for this type"),
    }),
    shownBody: shownEvent(agent),
    output: SentEvent,
  }),
  problems: ["instance_not_found", "status_conflict", "instance_paused", "not_waiting"],
  answer: ({ params, query, body, once }, { agent }) =>
    agent.sendEvent({
      id: params.instanceId,
      type: body.type,
      payload: body.payload,
      requireWaiting: query.require === "waiting",
      once,
    }),
});

/** Every event that a workflow of the agent takes. The agent checks the payload: it knows whose instance it is. */
function shownEvent({ name, workflows }: AgentDefinition): z.ZodType {
  const declared = workflows.flatMap(({ events }) => Object.entries(events));
  const [first, second, ...rest] = declared.map(([type, payload]) =>
    z.strictObject({
      type: z.literal(type).describe("Type of the event"),
      payload: described(payload, `Payload of an event ${type}`),
    }),
  );
  const id = `${pascal(name)}SendEventRequest`;
  const description = "An event that the workflow of the instance declares";
  if (first === undefined)
    return z
      .strictObject({
        type: z.never().describe("No workflow of the agent takes events"),
        payload: z.unknown().describe("Nothing"),
      })
      .meta({ id, description });
  return (second === undefined ? first : z.union([first, second, ...rest])).meta({ id, description });
}

interface Controlling<Body extends z.ZodType | undefined> {
  readonly description: string;
  readonly body: Body;
  readonly toControl: (body: Body extends z.ZodType ? z.output<Body> : undefined) => Control;
}

function controls<Body extends z.ZodType | undefined>(
  action: Control["action"],
  { description, body, toControl }: Controlling<Body>,
) {
  return operation<Subject>()({
    id: ({ agent }) => `${action}${pascal(agent.name)}Instance`,
    summary: ({ agent }) => `${pascal(action)} one instance of one ${words(agent.name)}`,
    description,
    scope: "instances:control",
    rest: {
      method: "post",
      path: () => `/instances/{instanceId}/${action}`,
      status: 202,
      location: (answer) => (answer as Instance).links.self,
    },
    schemas: ({ agent }) => ({
      params: InstanceParams,
      ...(body === undefined ? {} : { body }),
      output: agentSchemas(agent).instance,
    }),
    problems: ["instance_not_found", "status_conflict"],
    answer: (asked, { agent }) => {
      const control = toControl(asked.body as Parameters<typeof toControl>[0]);
      return agent.control({ id: asked.params.instanceId, control, once: asked.once });
    },
  });
}
