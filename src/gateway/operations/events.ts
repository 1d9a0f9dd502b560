import { z } from "zod";
import { EVENT_TYPES, INSTANCE_EVENT_TYPES } from "../contract/event";
import { Limit, ListScope } from "../contract/page";
import type { EventsRequest, Watch } from "../port";
import type { AgentDefinition } from "../registry/agent-definition";
import { hasStateBelow, workflowsBelow } from "../registry/registry";
import { InstanceParams, repeated } from "./instances";
import { type Asked, operation, type OperationSchemas, type Subject } from "./operation";
import { agentSchemas } from "./schemas";
import { pascal, words } from "./words";

const description =
  "As Server-Sent Events: first what is kept, then `stream.caught-up`, then live; `stream.end` when nothing will follow, and 204 to whoever comes back after it. " +
  "Resume with `Last-Event-ID` or `after`; so, too, after `stream.closing`. `stream.gap` says that some events after that are no longer kept. " +
  "With `Accept: application/json` the same events come as a page, which `Prefer: wait` holds until there is an event.";

const QUERY = {
  after: z
    .string()
    .optional()
    .describe("Cursor (the `id` of an event) to go on after; `Last-Event-ID` does the same"),
  from: z
    .string()
    .optional()
    .describe(
      "Where to begin without a cursor: `start`, with what is kept, or `now`, with what is still to come. A cursor is taken as in `after`",
    ),
  limit: Limit.describe("Events on a JSON page; fewer, even none, where a filter lets little through"),
  token: z.string().optional().describe("A stream token, instead of the `Authorization` header"),
};
const TYPES = "Only these types; may be given several times";

const InstanceEventsQuery = z.strictObject({
  ...QUERY,
  type: repeated(z.enum(INSTANCE_EVENT_TYPES)).describe(`${TYPES}. Steps that are included come besides`),
  include: z
    .literal("steps")
    .optional()
    .describe(
      "`steps` shows also how the steps of the instance go. A cursor that was given without it stands before all of them",
    ),
});

const AgentEventsQuery = z.strictObject({
  ...QUERY,
  type: repeated(z.enum(EVENT_TYPES)).describe(TYPES),
  workflow: z.string().optional().describe("Only of instances of this workflow"),
  scope: ListScope.describe(
    "`subtree` tells of all agents below too, in the order in which it came up. Its cursors are its own.",
  ),
});

/** What is read of a query of events, whichever operation it belongs to. */
interface EventsQuery extends Partial<Pick<z.output<typeof AgentEventsQuery>, "workflow" | "scope">> {
  readonly type: NonNullable<Watch["types"]>;
  readonly after?: string | undefined;
  readonly from?: string | undefined;
  readonly include?: "steps" | undefined;
  readonly limit: number;
}

export const readInstanceEvents = operation<Subject>()({
  id: ({ agent }) => `stream${pascal(agent.name)}InstanceEvents`,
  summary: ({ agent }) => `Follow one instance of one ${words(agent.name)}`,
  description,
  scope: "instances:read",
  rest: { method: "get", path: () => "/instances/{instanceId}/events", status: 200, waits: true },
  kind: "events",
  schemas: ({ agent }) => ({
    params: InstanceParams,
    query: InstanceEventsQuery,
    output: agentSchemas(agent).ofInstance.eventPage,
    frame: agentSchemas(agent).ofInstance.frame,
  }),
  problems: ["instance_not_found", "invalid_cursor", "not_acceptable", "too_many_streams"],
  answer: (asked, { agent }) => agent.readEvents(eventsRequestOf(asked)),
});

export const readAgentEvents = operation<Subject>()({
  id: ({ agent }) => `stream${pascal(agent.name)}Events`,
  summary: ({ agent }) => `Follow ${followedOf(agent)} of one ${words(agent.name)}`,
  description,
  scope: "instances:read",
  rest: { method: "get", path: () => "/events", status: 200, waits: true },
  kind: "events",
  schemas: ({ agent }) => ({
    query: AgentEventsQuery,
    output: agentSchemas(agent).ofAgent.eventPage,
    frame: agentSchemas(agent).ofAgent.frame,
  }),
  problems: ["invalid_cursor", "not_acceptable", "too_many_streams"],
  answer: (asked, { agent }) => agent.readEvents(eventsRequestOf(asked)),
});

/** What a checked request for events watches. */
export function watchOf({ params, query, tokenId, quota }: Asked<OperationSchemas>): Watch {
  const { instanceId } = (params ?? {}) as { instanceId?: string };
  const { type: types, workflow, scope, include } = queryOf(query);
  const subtree = scope === "subtree";
  return { instanceId, types, workflow, subtree, steps: include === "steps", tokenId, quota };
}

/** The cursor that a checked request for events goes on after; undefined if it begins. */
export function cursorOf({ query }: Pick<Asked<OperationSchemas>, "query">): string | undefined {
  const { after, from } = queryOf(query);
  return after ?? (from === "start" || from === "now" ? undefined : from);
}

function eventsRequestOf(asked: Asked<OperationSchemas>): EventsRequest {
  const { from, limit } = queryOf(asked.query);
  return { ...watchOf(asked), after: cursorOf(asked), fromNow: from === "now", limit };
}

/** Both operations of events were checked by a schema of this shape. */
function queryOf(query: Asked<OperationSchemas>["query"]): EventsQuery {
  return query as unknown as EventsQuery;
}

function followedOf(agent: AgentDefinition): string {
  return [
    ...(workflowsBelow(agent).length === 0 ? [] : ["all instances"]),
    ...(hasStateBelow(agent) ? ["the state"] : []),
  ].join(" and ");
}
