import { z } from "zod";
import type { Approval } from "../src/gateway/contract/approval.ts";
import type { GatewayEvent } from "../src/gateway/contract/event.ts";
import { formatAgentPath } from "../src/gateway/contract/names.ts";
import type { Client } from "./demo-client.ts";
import type { CsvFile } from "./demo-csv.ts";
import { DemoFailure, expectShape } from "./demo-failure.ts";
import { counted, type Terminal } from "./demo-terminal.ts";

const SHOWN_ROWS = 3;

const Row = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
const Started = z.object({ id: z.string(), links: z.object({ self: z.string(), events: z.string() }) });
const Progress = z.object({
  stage: z.enum(["read", "review", "load"]),
  rowsRead: z.int(),
  rowsRejected: z.int(),
  total: z.int(),
  rowsLoaded: z.int(),
});
const Details = z.object({
  columns: z.array(z.string()),
  rows: z.int(),
  rejected: z.int(),
  sample: z.array(Row),
  problems: z.array(z.object({ line: z.int(), message: z.string() })),
});
const Completed = z.object({
  status: z.literal("complete"),
  output: z.object({ rows: z.int(), rejected: z.int(), checksum: z.string(), note: z.string().nullable() }),
});
const Link = z.object({ url: z.url() });
const Rows = z.object({ rows: z.array(Row), total: z.int() });

/** The agent that owns a data set, as the gateway addresses it. */
export function datasetPath(dataset: string): string {
  return formatAgentPath([
    { agent: "catalog", name: "acme" },
    { agent: "dataset", name: dataset },
  ]);
}

/** Imports a file through the gateway and shows each step. @throws DemoFailure if it does not come to its good end. */
export async function importCsv(
  client: Client,
  { source, dataset, text }: CsvFile,
  terminal: Terminal,
): Promise<void> {
  const agent = datasetPath(dataset);

  terminal.heading(`1. Start the import of ${source}`);
  const started = await client.post(`${agent}/workflows/import-dataset`, { params: { csv: text, source } });
  const { id, links } = expectShape(Started, started, "an instance");
  terminal.line(`instance ${id}`);

  terminal.heading("2. Follow it");
  await followToEnd(client, agent, links.events, terminal);

  terminal.heading("4. The result");
  const { output } = expectShape(Completed, await client.get(links.self), "a complete instance");
  terminal.line(`${counted(output.rows, "row")} loaded, ${counted(output.rejected, "line")} rejected`);
  terminal.line(`checksum ${output.checksum}`);
  terminal.line(`note     ${output.note ?? "none"}`);

  terminal.heading("5. Read rows back");
  const { rows, total } = expectShape(
    Rows,
    await client.post(`${agent}/methods/rows`, { limit: SHOWN_ROWS }),
    "rows",
  );
  const [first] = rows;
  if (first !== undefined) terminal.table(Object.keys(first), rows);
  terminal.line(`${rows.length} of ${counted(total, "row")}`);
  if (total !== output.rows)
    throw new DemoFailure(`${output.rows} rows were loaded, but ${total} can be read back.`);
}

async function followToEnd(client: Client, agent: string, events: string, terminal: Terminal): Promise<void> {
  let last = "nothing";
  for await (const event of client.follow(events)) {
    last = event.type;
    if (event.type === "instance.progress") showProgress(event, terminal);
    if (event.type === "approval.requested") await decide(client, agent, approvalOf(event), terminal);
    if (event.type === "instance.errored") throw new DemoFailure(`The import failed: ${reasonOf(event)}`);
    if (event.type === "instance.completed") return;
  }
  throw new DemoFailure(`The event stream ended after ${last}, before the import was complete.`);
}

function showProgress({ data }: GatewayEvent, terminal: Terminal): void {
  const { progress } = expectShape(z.object({ progress: Progress }), data, "a progress report");
  const { stage, rowsRead, rowsRejected, rowsLoaded, total } = progress;
  if (stage === "load") terminal.progress("load", rowsLoaded, total - rowsRejected, "row");
  else terminal.progress("read", rowsRead, total, "line");
}

/** Shows what a person would be asked, and where; another system says yes. */
async function decide(client: Client, agent: string, approval: Approval, terminal: Terminal): Promise<void> {
  const { columns, sample, problems } = expectShape(Details, approval.details, "the details of an approval");
  terminal.heading("3. It asks for approval, and would wait for days");
  terminal.line(approval.summary ?? "");
  terminal.table(columns, sample);
  for (const { line, message } of problems) terminal.line(`line ${line}: ${message}`);
  terminal.line("A person could decide by a link:");
  const link = await client.post(`${agent}/approvals/${approval.id}/links`, { for: "the data steward" });
  terminal.line(new URL(expectShape(Link, link, "a link").url).pathname);
  terminal.line("Here another system decides, by a signed callback:");
  await client.callBack("/webhooks/approvals", {
    agent,
    approvalId: approval.id,
    decision: "approve",
    reason: "The sample looks right",
    metadata: { note: "Approved by npm run demo" },
  });
}

function approvalOf({ data }: GatewayEvent): Approval {
  return (data as { approval: Approval }).approval;
}

function reasonOf({ data }: GatewayEvent): string {
  return (data as { error: { message: string } }).error.message;
}
