import type { AgentWorkflowEvent, AgentWorkflowStep } from "agents/workflows";
import { z } from "zod";
import { defineWorkflow, GatewayWorkflow, type ParamsOf } from "../gateway";
import type { Catalog } from "./catalog";

export const clearHistory = defineWorkflow({
  name: "clear-history",
  binding: "CLEAR_HISTORY",
  description: "Forget the releases of the catalog, and the imports of its data sets, that ended and are old",
  params: z.object({
    olderThanDays: z.number().min(0).max(3_650).default(30).describe("Since they were started"),
  }),
  output: z.object({
    releases: z.int().describe("Releases that were forgotten"),
    imports: z.int().describe("Imports that were forgotten"),
  }),
});

const DAY_MS = 86_400_000;

export class ClearHistoryWorkflow extends GatewayWorkflow<typeof clearHistory, Catalog> {
  async run(
    { payload, timestamp }: AgentWorkflowEvent<ParamsOf<typeof clearHistory>>,
    step: AgentWorkflowStep,
  ) {
    const before = new Date(timestamp.getTime() - payload.olderThanDays * DAY_MS);
    const releases = await step.do("forget releases", () => this.agent.forgetReleases(before));
    const datasets = await step.do("list the data sets", async () => [...(await this.agent.listDatasets())]);
    let imports = 0;
    for (const dataset of datasets) {
      imports += await step.do(`forget imports of ${dataset}`, () =>
        this.agent.forgetImports(dataset, before),
      );
    }
    return { releases, imports };
  }
}
