import { afterAll, beforeAll, test } from "vitest";
import { generateClients } from "../../scripts/generate-clients.ts";
import { openWorkbench, place, type Workbench } from "../sdk/running.ts";
import { expectSession } from "../sdk/session.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";

/** A Python that has httpx. */
const PYTHON = process.env["PYTHON"] ?? "python3";

let gateway: TestGateway;
let workbench: Workbench;
beforeAll(async () => {
  [gateway, workbench] = await Promise.all([startGateway(), openWorkbench()]);
});
afterAll(async () => {
  await gateway.harness.close();
  await workbench[Symbol.asyncDispose]();
});

test("the Python client that is generated drives the gateway through a cut connection", async () => {
  const document = new URL("/openapi.json", gateway.url).href;
  const { python } = await generateClients({ document, output: workbench.folder });
  await expectSession(gateway, [PYTHON, await place("session.py", python)]);
});
