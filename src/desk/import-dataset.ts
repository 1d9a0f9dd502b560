import type { AgentWorkflowEvent, AgentWorkflowStep } from "agents/workflows";
import { z } from "zod";
import { defineWorkflow, GatewayWorkflow, type OutputOf, type ParamsOf } from "../gateway";
import type { Dataset } from "./catalog";
import { readTable, type Table } from "./table";

export const importDataset = defineWorkflow({
  name: "import-dataset",
  binding: "IMPORT_DATASET",
  description: "Read a CSV, have its rows approved by a person, and load them into the data set",
  params: z.object({
    csv: z
      .string()
      .describe("The CSV; its first line names the columns")
      .meta({ examples: ["iata,name\nBER,Berlin Brandenburg\n"] }),
    source: z.string().max(200).optional().describe("Where it comes from; shown to the approver"),
  }),
  progress: z.object({
    stage: z.enum(["read", "review", "load"]).describe("What it is at"),
    rowsRead: z.int().describe("Lines that were read"),
    rowsRejected: z.int().describe("Lines that are no rows"),
    total: z.int().describe("Lines of the CSV, without its header"),
    rowsLoaded: z.int().describe("Rows that were loaded"),
  }),
  approval: z.object({ note: z.string().max(500).optional().describe("Kept with the import") }).optional(),
  labels: ["owner"],
  output: z.object({
    rows: z.int().describe("Rows that were loaded"),
    rejected: z.int().describe("Lines that are no rows"),
    checksum: z.string().describe("SHA-256 of the rows, as hex"),
    note: z.string().nullable().describe("What the approver wrote"),
  }),
});

const CHUNK = 500;
const SHOWN = 5;

export class ImportDatasetWorkflow extends GatewayWorkflow<typeof importDataset, Dataset> {
  async run({ payload }: AgentWorkflowEvent<ParamsOf<typeof importDataset>>, step: AgentWorkflowStep) {
    // Reading is pure: it is cheaper to read again on a replay than to keep all rows as the result of a step.
    const table = readTable(payload.csv);
    const { rows, rejected } = table;
    const total = rows.length + rejected.length;
    const counts = { rowsRead: total, rowsRejected: rejected.length, total, rowsLoaded: 0 };

    for (let read = Math.min(CHUNK, total); read < total; read += CHUNK) {
      await this.reportProgress({ ...counts, stage: "read", rowsRead: read });
    }
    await this.reportProgress({ ...counts, stage: "review" });

    const approval = await this.waitForApproval(step, {
      stepName: "load-rows",
      timeout: "7 days",
      summary: `Load ${count(rows.length, "row")}${payload.source === undefined ? "" : ` of ${payload.source}`}, and reject ${count(rejected.length, "line")}?`,
      details: { columns: table.columns, rows: rows.length, rejected: rejected.length, ...excerpt(table) },
    });

    for (let from = 0; from < rows.length; from += CHUNK) {
      const chunk = rows.slice(from, from + CHUNK);
      await step.do(
        `load rows from ${from}`,
        { retries: { limit: 5, delay: "1 second", backoff: "exponential" }, timeout: "1 minute" },
        async () => {
          await this.agent.stage(this.instanceId, from, chunk);
        },
      );
      await this.reportProgress({ ...counts, stage: "load", rowsLoaded: from + chunk.length });
    }
    const checksum = await step.do("publish", async () => {
      const digest = await sha256(JSON.stringify(rows));
      await this.agent.publish(this.instanceId, digest);
      return digest;
    });

    const result: OutputOf<typeof importDataset> = {
      rows: rows.length,
      rejected: rejected.length,
      checksum,
      note: approval?.note ?? null,
    };
    return result;
  }
}

function count(n: number, what: string): string {
  return `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
}

function excerpt({ rows, rejected }: Table) {
  return { sample: rows.slice(0, SHOWN), problems: rejected.slice(0, SHOWN) };
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
