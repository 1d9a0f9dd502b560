import type { AgentWorkflowEvent, AgentWorkflowStep } from "agents/workflows";
import { z } from "zod";
import { defineWorkflow, GatewayWorkflow, type ParamsOf } from "../gateway";
import type { Catalog } from "./catalog";
import type { CatalogState } from "./contracts";

export const publishRelease = defineWorkflow({
  name: "publish-release",
  binding: "PUBLISH_RELEASE",
  description: "Publish a release of the catalog, once a steward and then legal have approved it",
  params: z.object({
    version: z
      .string()
      .min(1)
      .max(50)
      .describe("Its name, as users will see it")
      .meta({ examples: ["2026.11"] }),
  }),
  approval: z.object({ note: z.string().max(500).optional().describe("Why") }).optional(),
  output: z.object({
    version: z.string().describe("What was published"),
    datasets: z.array(z.string()).describe("Names of the data sets in it"),
  }),
});

export class PublishReleaseWorkflow extends GatewayWorkflow<typeof publishRelease, Catalog> {
  async run({ payload }: AgentWorkflowEvent<ParamsOf<typeof publishRelease>>, step: AgentWorkflowStep) {
    const { version } = payload;
    await step.mergeAgentState({ release: { version, stage: "review" } } satisfies Partial<CatalogState>);

    await this.waitForApproval(step, {
      stepName: "steward",
      timeout: "7 days",
      summary: `Is ${version} complete?`,
    });
    await step.sendEvent({ type: "steward-approved", version });
    await this.waitForApproval(step, {
      stepName: "legal",
      timeout: "7 days",
      summary: `May ${version} be published?`,
    });

    const datasets = await step.do("collect the data sets", async () => [
      ...(await this.agent.listDatasets()),
    ]);
    await step.mergeAgentState({ release: { version, stage: "published" } } satisfies Partial<CatalogState>);
    return { version, datasets };
  }
}
