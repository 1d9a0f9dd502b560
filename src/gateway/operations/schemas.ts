import { z } from "zod";
import { ControlFrame, eventSchema } from "../contract/event";
import { instanceSchema } from "../contract/instance";
import { eventPageOf, pageOf } from "../contract/page";
import type { AgentDefinition } from "../registry/agent-definition";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import { pascal } from "./words";

// A named schema is one component of the document, so each is made once.
const ofWorkflow = memoized((workflow: WorkflowDefinition) => ({
  instance: instanceSchema(workflow, `${pascal(workflow.name)}Instance`),
  event: eventSchema(workflow, `${pascal(workflow.name)}Event`),
}));

const ofAgent = memoized((agent: AgentDefinition) => {
  const name = pascal(agent.name);
  const workflows = agent.workflows.map(ofWorkflow);
  const instance = anyOf(workflows.map((schemas) => schemas.instance));
  const event = anyOf(workflows.map((schemas) => schemas.event));
  return {
    instance,
    event,
    instancePage: pageOf(instance, `${name}InstancePage`),
    eventPage: eventPageOf(event, `${name}EventPage`),
    frame: z
      .union([event, ControlFrame])
      .meta({ id: `${name}Frame`, description: "The `data` of one SSE event; `event:` repeats its `type`" }),
  };
});

/** The schemas that the contract of a workflow decides. */
export const workflowSchemas = ofWorkflow;
/** The schemas that the workflows of an agent decide together. */
export const agentSchemas = ofAgent;

function anyOf(schemas: readonly z.ZodType[]): z.ZodType {
  const [first, second, ...rest] = schemas;
  if (first === undefined) return z.never();
  return second === undefined ? first : z.union([first, second, ...rest]);
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
