import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { ask } from "../support/received.ts";
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.harness.close());
test.each(["legacy", "auto"] as const)("probe %s", async (mode) => {
  const client = new Client({ name: "t", version: "1" }, { versionNegotiation: { mode } });
  const log: unknown[] = [];
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", gateway.url), {
    requestInit: { headers: { authorization: `Bearer ${gateway.key}` } },
    fetch: async (u, i) => {
      const r = await ask(new URL(String(u)), i);
      log.push([i?.method, String(i?.body ?? "").slice(0, 300), r.status, r.headers.get("content-type")]);
      return r;
    },
  });
  await client.connect(transport);
  const t0 = performance.now();
  const { tools } = await client.listTools();
  console.log(
    performance.now() - t0,
    tools.length,
    JSON.stringify(tools).length,
    tools.map((t) => t.name),
  );
  const r = await client.callTool({ name: "listAgents", arguments: {} });
  console.log(JSON.stringify(r).slice(0, 300));
  console.log(JSON.stringify(await client.callTool({ name: "getCatalog", arguments: { name: "nobody" } })));
  console.log(
    await client.callTool({ name: "nothing", arguments: { name: "nobody" } }).catch((e: unknown) => e),
  );
  console.log(client.getNegotiatedProtocolVersion?.(), client.getServerVersion(), client.getInstructions());
  console.log(log);
  await client.close();
  expect(1).toBe(1);
});
