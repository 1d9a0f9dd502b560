import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createTRPCClient, httpLink } from "@trpc/client";
import { createClient } from "../../src/client.ts";
import type { AppRouter } from "../../src/gateway.ts";
import type { App } from "../../src/index.ts";

// What README.md shows, between its marks word for word.

export async function byClient(url: string, key: string, csv: string) {
  // README: client
  const client = createClient<App>({ url, key });
  const imports = client.agent("catalog", "acme").sub("dataset", "airports").workflow("import-dataset");
  const { id } = await imports.start({ csv });
  for await (const event of imports.events({ instance: id })) {
    if (event.type === "approval.requested") await imports.approve(event.data.approval.id);
  }
  const { rows, checksum } = await imports.wait(id);
  // README: end
  return { rows, checksum };
}

export async function byTrpc(url: string, key: string, csv: string) {
  // README: trpc
  const link = httpLink({ url: `${url}/trpc`, headers: { authorization: `Bearer ${key}` } });
  const { dataset } = createTRPCClient<AppRouter<App>>({ links: [link] }).catalog.sub;
  const name = ["acme", "airports"] as const;
  const { id: instanceId } = await dataset.importDataset.start.mutate({ name, params: { csv } });
  const instance = await dataset.getInstance.query({ name, instanceId });
  const { items } = await dataset.listApprovals.query({ name, status: ["pending"] });
  // README: end
  return { instance, items };
}

export async function byMcp(url: string, key: string, csv: string) {
  // README: mcp
  const address = new URL("/mcp?allow=instances:start,approvals:decide", url);
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  const mcp = new Client({ name: "my-agent", version: "1.0.0" });
  await mcp.connect(new StreamableHTTPClientTransport(address, { requestInit }));
  const { tools } = await mcp.listTools();
  const input = { name: ["acme", "airports"], params: { csv } };
  const started = await mcp.callTool({ name: "startImportDataset", arguments: input });
  // README: end
  await mcp.close();
  return { tools, started };
}
