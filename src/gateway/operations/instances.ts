import { z } from "zod";
import { type Instance, InstanceStatus, Metadata } from "../contract/instance";
import { Name } from "../contract/names";
import { Limit, ListScope } from "../contract/page";
import type { InstanceFilter } from "../port";
import { Flag } from "./flag";
import { operation, type Subject, type WorkflowSubject } from "./operation";
import { agentSchemas, asSent, workflowSchemas } from "./schemas";
import { pascal, words } from "./words";

/** The path parameter of an instance. */
export const InstanceParams = z.object({ instanceId: Name.describe("Id of the instance") });

const MAX_DELAY_SECONDS = 365 * 86_400;
const MAX_BATCH = 100;

/** `?status=` may be given several times. */
export function repeated<Item extends z.ZodType>(item: Item) {
  return z.preprocess(
    (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]),
    z.array(item),
  );
}

function itemBody<Params extends z.ZodType>(params: Params) {
  return z.strictObject({
    params,
    id: Name.optional().describe("Id of your own, unique in the agent; made if left out"),
    metadata: Metadata.optional(),
  });
}

function startBody<Params extends z.ZodType>(params: Params) {
  return itemBody(params).extend({
    delay: z.int().min(0).max(MAX_DELAY_SECONDS).optional().describe("Seconds to wait before it begins"),
  });
}

function batchBody<Params extends z.ZodType>(params: Params) {
  return z.strictObject({ items: z.array(itemBody(params)).min(1).max(MAX_BATCH) });
}

export const startWorkflow = operation<WorkflowSubject>()({
  id: ({ workflow }) => `start${pascal(workflow.name)}`,
  summary: ({ workflow }) => workflow.description ?? `Start ${words(workflow.name)}`,
  description:
    "Answers as soon as the start is on record: the instance will run, whatever happens to the gateway. Brings its agent into being.",
  scope: "instances:start",
  rest: {
    method: "post",
    path: ({ workflow }) => `/workflows/${workflow.name}`,
    status: 202,
    waits: true,
    location: (answer) => (answer as Instance).links.self,
  },
  schemas: ({ workflow }) => ({
    body: startBody(asSent(workflow.params)),
    shownBody: startBody(workflowSchemas(workflow).params).meta({
      id: `Start${pascal(workflow.name)}Request`,
    }),
    output: workflowSchemas(workflow).instance,
  }),
  problems: ["instance_exists"],
  answer: ({ body, once }, { agent }, { workflow }) => {
    const { params, id, metadata = {}, delay = 0 } = body;
    return agent.start({ workflow: workflow.name, params, id, metadata, delay: delay * 1000, once });
  },
});

export const startWorkflows = operation<WorkflowSubject>()({
  id: ({ workflow }) => `start${pascal(workflow.name)}Batch`,
  summary: ({ workflow }) => `Start ${words(workflow.name)} up to ${MAX_BATCH} times`,
  description: "Each item has an answer of its own, in the order in which they were sent.",
  scope: "instances:start",
  rest: { method: "post", path: ({ workflow }) => `/workflows/${workflow.name}/batch`, status: 200 },
  schemas: ({ workflow }) => ({
    body: batchBody(asSent(workflow.params)),
    shownBody: batchBody(workflowSchemas(workflow).params).meta({
      id: `Start${pascal(workflow.name)}BatchRequest`,
    }),
    output: z.object({
      items: z.array(
        z.discriminatedUnion("started", [
          z.object({ started: z.literal(true), instance: workflowSchemas(workflow).instance }),
          z.object({ started: z.literal(false), code: z.literal("instance_exists"), detail: z.string() }),
        ]),
      ),
    }),
  }),
  problems: [],
  answer: async ({ body, once }, { agent }, { workflow }) => {
    const items = body.items.map(({ params, id, metadata = {} }) => ({ params, id, metadata }));
    return { items: await agent.startMany({ workflow: workflow.name, items, once }) };
  },
});

export const getInstance = operation<Subject>()({
  id: ({ agent }) => `get${pascal(agent.name)}Instance`,
  summary: ({ agent }) => `Read one instance of one ${words(agent.name)}`,
  scope: "instances:read",
  rest: { method: "get", path: () => "/instances/{instanceId}", status: 200, waits: true },
  schemas: ({ agent }) => ({ params: InstanceParams, output: agentSchemas(agent).instance }),
  problems: ["instance_not_found"],
  answer: ({ params }, { agent }) => agent.getInstance({ id: params.instanceId }),
});

const Time = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .optional();

/** `?metadata={"owner":"ada","urgent":true}`: JSON tells texts, numbers and booleans apart. */
const MetadataFilter = z
  .string()
  .max(4_096)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: "is not JSON" });
      return z.NEVER;
    }
  })
  .pipe(Metadata)
  .optional();

/** What instances are chosen by: all that is given must hold. */
export const FILTERS = {
  status: repeated(InstanceStatus).describe("Only these statuses; may be given several times"),
  workflow: z.string().optional().describe("Only this workflow"),
  metadata: MetadataFilter.describe("Only with all of these labels, as a JSON object"),
  createdFrom: Time.describe("Not started before this time"),
  createdTo: Time.describe("Started before this time"),
  updatedFrom: Time.describe("Not last changed before this time"),
  updatedTo: Time.describe("Last changed before this time"),
  completedFrom: Time.describe("Not ended before this time"),
  completedTo: Time.describe("Ended before this time"),
};

export const listInstances = operation<Subject>()({
  id: ({ agent }) => `list${pascal(agent.name)}Instances`,
  summary: ({ agent }) => `List the instances of one ${words(agent.name)}`,
  description: "All filters must hold. A cursor goes on with the very list that it came from.",
  scope: "instances:read",
  rest: { method: "get", path: () => "/instances", status: 200 },
  schemas: ({ agent }) => ({
    query: z.strictObject({
      ...FILTERS,
      scope: ListScope,
      order: z.enum(["newest", "oldest"]).default("newest").describe("By when they were first started"),
      count: Flag.describe("Whether `total` is counted, which costs more the more there are"),
      limit: Limit,
      cursor: z.string().optional().describe("`nextCursor` of the page before"),
    }),
    output: agentSchemas(agent).instancePage,
  }),
  problems: ["invalid_cursor"],
  answer: ({ query }, { agent }) => {
    const { scope, order, count, limit, cursor } = query;
    const subtree = scope === "subtree";
    return agent.listInstances({ ...filterOf(query), subtree, order, count, limit, cursor });
  },
});

/** Reads the filters of a query. */
export function filterOf(query: z.output<z.ZodObject<typeof FILTERS>>): InstanceFilter {
  const { status, workflow, metadata } = query;
  return {
    status,
    workflow,
    metadata,
    created: { from: query.createdFrom, to: query.createdTo },
    updated: { from: query.updatedFrom, to: query.updatedTo },
    completed: { from: query.completedFrom, to: query.completedTo },
  };
}
