import { z } from "zod";
import { Limit } from "../contract/page";
import { InstanceParams } from "./instances";
import { operation, type Subject } from "./operation";
import { agentSchemas } from "./schemas";
import { pascal, words } from "./words";

const description =
  "As Server-Sent Events: first what is kept, then `stream.caught-up`, then live; `stream.end` when nothing will follow, and 204 to whoever comes back after it. " +
  "Resume with `Last-Event-ID` or `after`; so, too, after `stream.closing`. `stream.gap` says that some events after that are no longer kept. " +
  "With `Accept: application/json` the same events come as a page, which `Prefer: wait` holds until there is an event.";

const EventsQuery = z.strictObject({
  after: z
    .string()
    .optional()
    .describe("Cursor (the `id` of an event) to go on after; `Last-Event-ID` does the same"),
  limit: Limit.describe("Events on a JSON page"),
  token: z.string().optional().describe("A stream token, instead of the `Authorization` header"),
});

const InstanceEventsQuery = EventsQuery.extend({
  include: z
    .literal("steps")
    .optional()
    .describe(
      "`steps` shows also how the steps of the instance go. A cursor that was given without it stands before all of them",
    ),
});

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
  answer: ({ params, query, tokenId, quota }, { agent }) => {
    const { after, limit, include } = query;
    const steps = include === "steps";
    return agent.readEvents({ instanceId: params.instanceId, steps, tokenId, quota, after, limit });
  },
});

export const readAgentEvents = operation<Subject>()({
  id: ({ agent }) => `stream${pascal(agent.name)}Events`,
  summary: ({ agent }) =>
    `Follow ${[
      ...(agent.workflows.length === 0 ? [] : ["all instances"]),
      ...(agent.state === undefined ? [] : ["the state"]),
    ].join(" and ")} of one ${words(agent.name)}`,
  description,
  scope: "instances:read",
  rest: { method: "get", path: () => "/events", status: 200, waits: true },
  kind: "events",
  schemas: ({ agent }) => ({
    query: EventsQuery,
    output: agentSchemas(agent).ofAgent.eventPage,
    frame: agentSchemas(agent).ofAgent.frame,
  }),
  problems: ["invalid_cursor", "not_acceptable", "too_many_streams"],
  answer: ({ query, tokenId, quota }, { agent }) => {
    const { after, limit } = query;
    return agent.readEvents({ instanceId: undefined, tokenId, quota, after, limit });
  },
});
