import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateClients } from "../../scripts/generate-clients.ts";
import { openWorkbench, place, run, shownInReadme, type Workbench } from "../sdk/running.ts";
import { expectSession } from "../sdk/session.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";

/** A Python that has httpx. */
const PYTHON = process.env["PYTHON"] ?? "python3";

let gateway: TestGateway;
let workbench: Workbench;
let client: string;
beforeAll(async () => {
  [gateway, workbench] = await Promise.all([startGateway(), openWorkbench()]);
  const document = new URL("/openapi.json", gateway.url).href;
  ({ python: client } = await generateClients({ document, output: workbench.folder }));
});
afterAll(async () => {
  await gateway.harness.close();
  await workbench[Symbol.asyncDispose]();
});

test("the Python client that is generated drives the gateway through a cut connection", async () => {
  await expectSession(gateway, [PYTHON, await place("session.py", client)]);
});

test("the Python client that is generated is used as README says", async () => {
  const program = join(dirname(client), "readme.py");
  const shown = await shownInReadme("py", "from client import");
  await writeFile(program, shown.replace("http://127.0.0.1:8787", gateway.url.href));
  expect(await run([PYTHON, program], undefined, gateway.key)).toEqual([1]);
});
