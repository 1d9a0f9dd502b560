import { z } from "zod";
import type { StateView } from "../port";
import type { AgentDefinition } from "../registry/agent-definition";
import { operation, type Subject } from "./operation";
import { named } from "./schemas";
import { pascal, words } from "./words";

const description =
  "With `If-Match` it is changed only if it still has that entity tag. The SDK's own clients see the change at once, and the events of the agent tell of it (`state.updated`).";
const etag = (answer: unknown): string => (answer as StateView).etag;

export const getState = operation<Subject>()({
  id: ({ agent }) => `get${pascal(agent.name)}State`,
  summary: ({ agent }) => `Read the state of one ${words(agent.name)}`,
  description:
    "With its entity tag, also in `ETag`: send that in `If-Match` to change the state only as it was read.",
  scope: "agents:read",
  rest: { method: "get", path: () => "/state", status: 200, etag },
  schemas: ({ agent }) => ({ output: stateView(agent) }),
  problems: [],
  answer: (_asked, { agent }) => agent.getState(),
});

export const replaceState = operation<Subject>()({
  id: ({ agent }) => `replace${pascal(agent.name)}State`,
  summary: ({ agent }) => `Replace the state of one ${words(agent.name)}`,
  description,
  scope: "agents:call",
  rest: { method: "put", path: () => "/state", status: 200, etag },
  bodyAs: "state",
  schemas: ({ agent }) => ({ body: stateOf(agent), output: stateView(agent) }),
  problems: ["precondition_failed"],
  answer: ({ body, ifMatch, once }, { agent }) =>
    agent.changeState({ change: { kind: "replace", state: body }, ifMatch, once }),
});

export const mergeState = operation<Subject>()({
  id: ({ agent }) => `merge${pascal(agent.name)}State`,
  summary: ({ agent }) => `Merge fields into the state of one ${words(agent.name)}`,
  description,
  scope: "agents:call",
  rest: { method: "patch", path: () => "/state", status: 200, etag },
  bodyAs: "patch",
  schemas: ({ agent }) => ({
    body: z
      .record(z.string(), z.unknown())
      .describe("Fields to replace; what comes out must match the state's schema"),
    output: stateView(agent),
  }),
  problems: ["precondition_failed"],
  answer: ({ body, ifMatch, once }, { agent }) =>
    agent.changeState({ change: { kind: "merge", patch: body }, ifMatch, once }),
});

export const resetState = operation<Subject>()({
  id: ({ agent }) => `reset${pascal(agent.name)}State`,
  summary: ({ agent }) => `Reset the state of one ${words(agent.name)} to its first`,
  description,
  scope: "agents:call",
  rest: { method: "delete", path: () => "/state", status: 200, etag },
  schemas: ({ agent }) => ({ output: stateView(agent) }),
  problems: ["precondition_failed"],
  answer: ({ ifMatch, once }, { agent }) => agent.changeState({ change: { kind: "reset" }, ifMatch, once }),
});

function stateOf({ name, state = z.unknown() }: AgentDefinition): z.ZodType {
  return named(state, `${pascal(name)}State`, `State of one ${words(name)}`);
}

function stateView(agent: AgentDefinition) {
  return z
    .object({
      state: z
        .union([stateOf(agent), z.null()])
        .describe("Null where none was set, and the class has no first one"),
      etag: z.string().describe("Changes with the state; also in the ETag header"),
    })
    .meta({ id: `${pascal(agent.name)}StateView`, description: "A state and its entity tag" });
}
