import { z } from "zod";
import { ControlFrame, eventSchema, StateUpdated, type UnionByType } from "../contract/event";
import { instanceSchema } from "../contract/instance";
import { eventPageOf, instancePageOf } from "../contract/page";
import { stepEvents } from "../contract/step-event";
import type { AgentDefinition } from "../registry/agent-definition";
import { hasStateBelow, workflowsBelow } from "../registry/registry";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import { pascal } from "./words";

/**
 * Names a schema of a user for documents and SDKs, unless the user has named it.
 *
 * @param description is said of one that has none.
 */
export function named<Schema extends z.ZodType>(schema: Schema, id: string, description: string): Schema {
  return schema.meta()?.id === undefined ? described(schema, description).meta({ id }) : schema;
}

/** Describes a schema of a user, unless the user has described it. */
export function described<Schema extends z.ZodType>(schema: Schema, description: string): Schema {
  return schema.description === undefined ? schema.describe(description) : schema;
}

// A named schema is one component of the document, so each is made once.
const ofWorkflow = memoized(({ name, params, progress, output, approval }: WorkflowDefinition) => {
  const prefix = pascal(name);
  const shown = {
    name,
    progress: named(progress, `${prefix}Progress`, `Progress that ${name} reports`),
    output: named(output, `${prefix}Output`, `What ${name} returns`),
  };
  return {
    params: named(params, `${prefix}Params`, `What a start of ${name} takes`),
    instance: instanceSchema(shown, `${prefix}Instance`),
    event: eventSchema(shown, `${prefix}Event`),
    /** Undefined where an approver sends nothing along. */
    approval:
      approval.def.type === "undefined"
        ? undefined
        : named(approval, `${prefix}ApprovalMetadata`, `What an approver of ${name} may send along`),
  };
});

const ofAgent = memoized((agent: AgentDefinition) => {
  const name = pascal(agent.name);
  const workflows = agent.workflows.map(ofWorkflow);
  const events = workflows.map((schemas) => schemas.event);
  const instance = anyOf(
    workflows.map((schemas) => schemas.instance),
    `Any${name}Instance`,
  );
  const below = workflowsBelow(agent);
  const listed =
    below.length === workflows.length
      ? instance
      : anyOf(
          below.map((workflow) => ofWorkflow(workflow).instance),
          `Any${name}SubtreeInstance`,
        );
  return {
    instance,
    /** Also of the agents below. */
    instancePage: instancePageOf(listed, `${name}InstancePage`),
    /** The journal of one instance, with its steps if they are asked for. */
    ofInstance: journalSchemas(name, events, stepEvents()),
    /** The journal of the agent and of those below, which tells of their states too. */
    ofAgent: journalSchemas(
      `${name}Agent`,
      below.map((workflow) => ofWorkflow(workflow).event),
      hasStateBelow(agent) ? [StateUpdated] : [],
    ),
  };
});

/** The shapes in which the events of a journal come: those of workflows, and others beside them. */
function journalSchemas(name: string, events: readonly UnionByType[], others: readonly z.ZodObject[]) {
  const shapes = [...events, ...others];
  const event =
    others.length === 0 || shapes.length === 1
      ? anyOf(shapes, `Any${name}Event`)
      : byType(events, others).meta({ id: `Any${name}Event`, description: "`type` says which" });
  const frame =
    events.length > 1
      ? z.union([...shapes, ControlFrame])
      : byType(events, [...others, ...ControlFrame.options]);
  return {
    eventPage: eventPageOf(event, `${name}EventPage`),
    frame: frame.meta({
      id: `${name}Frame`,
      description: "The `data` of one SSE event; `event:` repeats its `type`",
    }),
  };
}

/** One union of everything, by `type` where that tells all apart: the events of several workflows share theirs. */
function byType(events: readonly UnionByType[], others: readonly z.ZodObject[]): z.ZodType {
  if (events.length > 1) return z.union([...events, ...others]);
  const [first, ...rest] = [...events.flatMap(({ options }) => options), ...others];
  return first === undefined ? z.never() : z.discriminatedUnion("type", [first, ...rest]);
}

/** The schemas that the contract of a workflow decides. */
export const workflowSchemas = ofWorkflow;
/** The schemas that the workflows of an agent decide together. */
export const agentSchemas = ofAgent;

/**
 * Refuses what a schema refuses, and leaves what it takes as it was sent. What is kept as JSON and read again later is
 * parsed there: parsed twice, a schema that coerces would read its own result.
 */
export function asSent(schema: z.ZodType): z.ZodType<Record<string, unknown>> {
  return z.custom<Record<string, unknown>>().check((context) => {
    for (const issue of schema.safeParse(context.value).error?.issues ?? []) {
      context.issues.push({ ...issue, input: context.value } as (typeof context.issues)[number]);
    }
  });
}

/** The only schema, or the named union of several, which `workflow` tells apart. */
function anyOf(schemas: readonly z.ZodType[], id: string): z.ZodType {
  const [first, second, ...rest] = schemas;
  if (first === undefined) return z.never();
  return second === undefined
    ? first
    : z.union([first, second, ...rest]).meta({ id, description: "`workflow` says which" });
}

function memoized<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new WeakMap<Key, Value>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}
