import { z } from "zod";
import { ChildView, CreatedChild, DeletedChild } from "../contract/agent";
import type { AgentStep } from "../contract/names";
import { Limit, pageOf } from "../contract/page";
import type { AgentPort } from "../port";
import { operation, type Reach, type Subject } from "./operation";
import { pascal, words } from "./words";

const ChildPage = pageOf(ChildView, "ChildPage");

export const listChildren = operation<Subject>()({
  id: ({ agent }) => `list${pascal(agent.name)}Children`,
  summary: ({ agent }) => `List the sub-agents of one ${words(agent.name)}`,
  description:
    "By class, in the order in which they are declared, then by name. Those that the caller does not reach are left out: a page may then be short, or empty, and still have a `nextCursor`.",
  scope: "agents:read",
  rest: { method: "get", path: () => "/sub", status: 200 },
  schemas: ({ agent }) => ({
    query: z.strictObject({
      agent: z
        .enum(agent.children.map(({ name }) => name) as [string, ...string[]])
        .optional()
        .describe("Only of this class"),
      limit: Limit,
      cursor: z.string().optional().describe("`nextCursor` of the page before"),
    }),
    output: ChildPage,
  }),
  problems: ["invalid_cursor"],
  answer: async ({ query }, { agent, path, reaches }) => {
    const { agent: ofClass, limit, cursor } = query;
    const { items, nextCursor } = await agent.listChildren({ agent: ofClass, limit, cursor });
    const seen = items.filter((child) => reaches([...path, { agent: child.agent, name: child.name }]));
    return { items: seen, nextCursor };
  },
});

export const createChild = operation<Subject>()({
  id: ({ agent }) => `create${pascal(agent.name)}`,
  summary: ({ agent }) => `Bring one ${words(agent.name)} into being`,
  description:
    "Leaves one that is there as it is. A start brings its agent into being too. What is above it is made with it.",
  scope: "agents:call",
  rest: {
    method: "put",
    path: () => "",
    status: 200,
    created: (answer) => (answer as CreatedChild).created,
    location: (answer) => (answer as CreatedChild).path,
  },
  once: false,
  schemas: () => ({ output: CreatedChild }),
  problems: [],
  answer: (_asked, reach) => {
    const { parent, child } = parentOf(reach);
    return parent.createChild(child);
  },
});

export const deleteChild = operation<Subject>()({
  id: ({ agent }) => `delete${pascal(agent.name)}`,
  summary: ({ agent }) => `Delete one ${words(agent.name)}, and all below it`,
  description:
    "Its instances are terminated and deleted first, then its storage goes. From the answer on nothing is there any more; until all is done, nothing new of its name can be made.",
  scope: "instances:control",
  extent: "below",
  rest: { method: "delete", path: () => "", status: 202 },
  schemas: () => ({ output: DeletedChild }),
  problems: [],
  answer: ({ once }, reach) => {
    const { parent, child } = parentOf(reach);
    return parent.deleteChild({ ...child, once });
  },
});

/** A parent makes and deletes its sub-agents. */
function parentOf({ port, path, actor }: Pick<Reach, "port" | "path" | "actor">): {
  parent: AgentPort;
  child: AgentStep;
} {
  const [root, ...below] = path;
  const child = below.at(-1) ?? root;
  return { parent: port.at([root, ...below.slice(0, -1)], actor), child };
}
