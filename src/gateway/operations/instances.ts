import { z } from "zod";
import { type Instance, InstanceStatus, Metadata } from "../contract/instance";
import { LIMITS } from "../contract/limits";
import { Name } from "../contract/names";
import { Limit, ListScope } from "../contract/page";
import type { InstanceFilter } from "../port";
import type { AgentDefinition } from "../registry/agent-definition";
import { labelsBelow } from "../registry/registry";
import { Flag } from "./flag";
import { operation, type Subject, type WorkflowSubject } from "./operation";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import { agentSchemas, asSent, workflowSchemas } from "./schemas";
import { pascal, words } from "./words";

/** The path parameter of an instance. */
export const InstanceParams = z.object({
  instanceId: Name.describe("Id of the instance").meta({ examples: ["november"] }),
});

const MAX_DELAY_SECONDS = LIMITS.delaySeconds.most;
const MAX_BATCH = LIMITS.batchItems.most;

/** `?status=` may be given several times. */
export function repeated<Item extends z.ZodType>(item: Item) {
  return z.preprocess(
    (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]),
    z.array(item),
  );
}

function startBody<Params extends z.ZodType>(params: Params) {
  return z.strictObject({
    params,
    id: Name.optional()
      .describe("Id of your own, unique in the agent; made if left out")
      .meta({ examples: ["november"] }),
    metadata: Metadata.optional().describe("Labels, kept with the instance"),
    delay: z.int().min(0).max(MAX_DELAY_SECONDS).optional().describe("Seconds to wait before it begins"),
  });
}

function batchBody<Params extends z.ZodType>(params: Params) {
  return z.strictObject({
    items: z.array(startBody(params)).min(1).max(MAX_BATCH).describe("The starts, each as one alone"),
  });
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
      description: `A start of ${workflow.name}`,
    }),
    output: workflowSchemas(workflow).instance,
  }),
  problems: ["instance_exists"],
  answer: ({ body, once }, { agent }, { workflow }) =>
    agent.start({ workflow: workflow.name, ...toStart(body), once }),
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
      description: `Starts of ${workflow.name}`,
    }),
    output: z
      .object({ items: z.array(startedItem(workflow)).describe("What became of each start, in their order") })
      .meta({ id: `Started${pascal(workflow.name)}Batch`, description: "What became of a batch of starts" }),
  }),
  problems: [],
  answer: async ({ body, once }, { agent }, { workflow }) => {
    const items = body.items.map(toStart);
    return { items: await agent.startMany({ workflow: workflow.name, items, once }) };
  },
});

function startedItem(workflow: WorkflowDefinition) {
  return z.discriminatedUnion("started", [
    z.object({
      started: z.literal(true).describe("It was started"),
      instance: workflowSchemas(workflow).instance,
    }),
    z.object({
      started: z.literal(false).describe("It was not started"),
      code: z.literal("instance_exists").describe("Code of the problem"),
      detail: z.string().describe("What is wrong with it"),
    }),
  ]);
}

interface StartBody {
  readonly params: Record<string, unknown>;
  readonly id?: string | undefined;
  readonly metadata?: Metadata | undefined;
  /** Seconds. */
  readonly delay?: number | undefined;
}

function toStart({ params, id, metadata = {}, delay = 0 }: StartBody) {
  return { params, id, metadata, delay: delay * 1000 };
}

export const getInstance = operation<Subject>()({
  id: ({ agent }) => `get${pascal(agent.name)}Instance`,
  summary: ({ agent }) => `Read one instance of one ${words(agent.name)}`,
  description:
    "As it is now; one that ended has its `output` or `error`. `Prefer: wait` holds the answer until it has ended.",
  scope: "instances:read",
  rest: { method: "get", path: () => "/instances/{instanceId}", status: 200, waits: true },
  schemas: ({ agent }) => ({ params: InstanceParams, output: agentSchemas(agent).instance }),
  problems: ["instance_not_found"],
  answer: ({ params }, { agent }) => agent.getInstance({ id: params.instanceId }),
});

/** A time in a query, in milliseconds. */
export const Time = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .optional();

/** `?metadata={"owner":"ada","urgent":true}`: JSON tells texts, numbers and booleans apart. */
function metadataFilter(agent: AgentDefinition) {
  const labels = labelsBelow(agent);
  const declared = labels.length === 0 ? "there are none" : `these are ${labels.join(", ")}`;
  return z
    .string()
    .max(LIMITS.metadataFilterCharacters.most)
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: "custom", message: "is not JSON" });
        return z.NEVER;
      }
    })
    .pipe(
      Metadata.superRefine((metadata, context) => {
        for (const key of Object.keys(metadata).filter((one) => !labels.includes(one))) {
          const message = `is no label that a workflow of ${agent.name} declares: ${declared}`;
          context.addIssue({ code: "custom", path: [key], message });
        }
      }),
    )
    .optional()
    .describe(
      labels.length === 0
        ? "No workflow of this agent declares labels: there is nothing to filter by"
        : `Only with all of these labels, as a JSON object. Keys: ${labels.map((label) => `\`${label}\``).join(", ")}`,
    );
}

/** What instances are chosen by: all that is given must hold. */
export function filtersOf(agent: AgentDefinition) {
  return {
    status: repeated(InstanceStatus).describe("Only these statuses; may be given several times"),
    workflow: z.string().optional().describe("Only this workflow"),
    metadata: metadataFilter(agent),
    createdFrom: Time.describe("Not started before this time"),
    createdTo: Time.describe("Started before this time"),
    updatedFrom: Time.describe("Not last changed before this time"),
    updatedTo: Time.describe("Last changed before this time"),
    completedFrom: Time.describe("Not ended before this time"),
    completedTo: Time.describe("Ended before this time"),
  };
}

export const listInstances = operation<Subject>()({
  id: ({ agent }) => `list${pascal(agent.name)}Instances`,
  summary: ({ agent }) => `List the instances of one ${words(agent.name)}`,
  description:
    "All filters must hold. A page may be shorter than `limit`, even empty, as long as it has a `nextCursor`: follow it to the end. A cursor goes on with the very list that it came from.",
  scope: "instances:read",
  rest: { method: "get", path: () => "/instances", status: 200 },
  schemas: ({ agent }) => ({
    query: z.strictObject({
      ...filtersOf(agent),
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
export function filterOf(query: z.output<z.ZodObject<ReturnType<typeof filtersOf>>>): InstanceFilter {
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
