import { z } from "zod";

/** One Agent, as every door describes it. */
export const AgentView = z
  .object({
    agent: z
      .string()
      .describe("Public name of its class")
      .meta({ examples: ["order-desk"] }),
    name: z
      .string()
      .describe("Its own name")
      .meta({ examples: ["acme"] }),
    path: z
      .string()
      .describe("Its address")
      .meta({ examples: ["/agents/order-desk/acme"] }),
    workflows: z
      .array(z.string())
      .describe("Workflows that it can start")
      .meta({ examples: [["refund"]] }),
    children: z
      .array(z.string())
      .describe("Classes of its sub-agents")
      .meta({ examples: [[]] }),
    methods: z
      .array(z.string())
      .describe("Methods that can be called")
      .meta({ examples: [["quote"]] }),
    openApprovals: z.int().describe("Approvals that wait for a decision"),
  })
  .meta({ id: "Agent", description: "One Agent" });
export type AgentView = z.infer<typeof AgentView>;

/** One sub-agent, as its parent lists it. */
export const ChildView = z
  .object({
    agent: z
      .string()
      .describe("Public name of its class")
      .meta({ examples: ["order-desk"] }),
    name: z
      .string()
      .describe("Its own name")
      .meta({ examples: ["acme"] }),
    path: z
      .string()
      .describe("Its address")
      .meta({ examples: ["/agents/order-desk/acme"] }),
    createdAt: z.iso.datetime().describe("When it came into being"),
  })
  .meta({ id: "Child", description: "One sub-agent" });
export type ChildView = z.infer<typeof ChildView>;

/** A sub-agent that is there now, and whether it was before. */
export const CreatedChild = AgentView.extend({
  created: z.boolean().describe("False if it was there already"),
}).meta({ id: "CreatedChild", description: "One sub-agent, and whether this request made it" });
export type CreatedChild = z.infer<typeof CreatedChild>;

/** What a delete of a sub-agent has reached. */
export const DeletedChild = z
  .object({
    path: z.string().describe("Its address; nothing is there any more"),
    status: z
      .enum(["deleting", "deleted"])
      .describe("Whether its storage is gone already, or the engine is still told to end its instances"),
  })
  .meta({ id: "DeletedChild", description: "What a delete of a sub-agent has reached" });
export type DeletedChild = z.infer<typeof DeletedChild>;

const JsonSchema = z.record(z.string(), z.unknown()).describe("JSON Schema (2020-12)");

/** A workflow in the catalogue, with its contract as JSON Schemas. */
export const CatalogueWorkflow = z
  .object({
    name: z.string().describe("Its public name"),
    description: z.string().optional().describe("What it does"),
    params: JsonSchema.describe("JSON Schema of what a start takes"),
    progress: JsonSchema.describe("JSON Schema of the progress that it reports"),
    output: JsonSchema.describe("JSON Schema of what it returns"),
    approval: JsonSchema.describe("JSON Schema of what an approver may send along"),
    events: z
      .record(z.string(), JsonSchema)
      .describe("JSON Schemas of the payloads of the events that it takes, by type"),
    labels: z.array(z.string()).describe("Metadata keys by which lists can be filtered"),
  })
  .meta({ id: "CatalogueWorkflow", description: "A workflow and its contract" });
export type CatalogueWorkflow = z.infer<typeof CatalogueWorkflow>;

/** A class of agents in the catalogue. */
export const CatalogueAgent = z
  .object({
    name: z.string().describe("Its public name"),
    description: z.string().optional().describe("What its agents are"),
    path: z.string().describe("URL template of its agents"),
    workflows: z.array(CatalogueWorkflow).describe("Workflows that its agents can start"),
    children: z.array(z.string()).describe("Names of the classes of its sub-agents"),
    methods: z
      .array(
        z.object({
          name: z.string().describe("Its name"),
          input: JsonSchema.describe("JSON Schema of what it takes"),
          output: JsonSchema.describe("JSON Schema of what it returns"),
        }),
      )
      .describe("Methods that can be called"),
  })
  .meta({ id: "CatalogueAgent", description: "A class of agents" });
export type CatalogueAgent = z.infer<typeof CatalogueAgent>;

/** Everything that a gateway serves. */
export const Catalogue = z
  .object({ agents: z.array(CatalogueAgent).describe("Every class of agents") })
  .meta({ id: "Catalogue", description: "Everything that the gateway serves" });
export type Catalogue = z.infer<typeof Catalogue>;
