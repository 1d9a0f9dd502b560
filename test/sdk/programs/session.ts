// Uses the client that is generated beside it. Tells what happens as lines of JSON, and waits for a line before it decides.
import { createInterface } from "node:readline";
import {
  ApiError,
  approveDatasetApproval,
  client,
  getDatasetInstance,
  listDatasetInstances,
  type Problem,
  startImportDataset,
  streamDatasetInstanceEvents,
} from "./client.ts";

const [serverUrl = "", bearer = ""] = process.argv.slice(2);
const tell = (line: object): void => console.log(JSON.stringify(line));
const told = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

client.configure({
  serverUrl,
  auth: { bearer },
  idempotencyKey: true,
  retry: { retries: 5, retryDelay: 100 },
});
const path = { catalog: "acme", dataset: "cities" };

const started = await startImportDataset({
  path,
  body: { params: { csv: "name\nBerlin\nParis\n" }, id: "first" },
});
tell({ started: started.id, status: started.status });

for await (const { id, data } of streamDatasetInstanceEvents({ path: { ...path, instanceId: started.id } })) {
  tell({ id, type: data.type });
  switch (data.type) {
    case "instance.progress":
      tell({ rowsRead: data.data.progress.rowsRead.toFixed() });
      break;
    case "approval.requested": {
      await told.next();
      const { status } = await approveDatasetApproval({
        path: { ...path, approvalId: data.data.approval.id },
        body: { reason: "all there", metadata: { note: "seen" } },
      });
      tell({ decided: status });
      break;
    }
    case "instance.completed":
      tell({ rows: data.data.output.rows, note: data.data.output.note });
      break;
  }
}

const ended = await getDatasetInstance({ path: { ...path, instanceId: started.id } });
// Only a complete one has an output.
if (ended.status === "complete") tell({ complete: ended.output.rows });

for (const id of ["second", "third"])
  await startImportDataset({ path, body: { params: { csv: "name\n" }, id } });
const listed: string[] = [];
for await (const { id } of listDatasetInstances.items({ path, query: { limit: 1, order: "oldest" } }))
  listed.push(id);
tell({ listed });

try {
  await getDatasetInstance({ path: { ...path, instanceId: "nobody" } });
} catch (failure) {
  if (!(failure instanceof ApiError)) throw failure;
  const { code, retryable } = failure.body as Problem;
  tell({ status: failure.status, code: code satisfies Problem["code"], retryable });
}
process.stdin.destroy();
