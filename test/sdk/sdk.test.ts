import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateClients, type Language } from "../../scripts/generate-clients.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { compile, openWorkbench, place, run, shownInReadme, type Workbench } from "./running.ts";
import { expectSession } from "./session.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;

let gateway: TestGateway;
let workbench: Workbench;
let clients: Record<Language, string>;
beforeAll(async () => {
  [gateway, workbench] = await Promise.all([startGateway(), openWorkbench()]);
  const document = new URL("/openapi.json", gateway.url).href;
  clients = await generateClients({ document, output: workbench.folder });
});
afterAll(async () => {
  await gateway.harness.close();
  await workbench[Symbol.asyncDispose]();
});

describe("the TypeScript client that is generated from the document", () => {
  test("compiles, with a program that uses its types, and drives the gateway through a cut connection", async () => {
    const program = await place("session.ts", clients.typescript);
    expect(await compile(dirname(program))).toBe("");
    await expectSession(gateway, [process.execPath, program]);
  });

  test("is used as README says", async () => {
    const snippet = await shownInReadme("ts", 'from "./sdk/typescript/client.ts"');
    const program = join(dirname(clients.typescript), "readme.ts");
    const here = snippet
      .replace("./sdk/typescript/", "./")
      .replace("http://127.0.0.1:8787", gateway.url.href);
    await writeFile(program, here);
    expect(await compile(dirname(program))).toBe("");
    expect(await run([process.execPath, program], undefined, gateway.key)).toEqual([1]);
  });

  test("has problems as typed values, if it is generated so", async () => {
    const { typescript } = await generateClients({
      document: new URL("/openapi/dataset.json", gateway.url).href,
      output: join(workbench.folder, "of-one-agent"),
      options: ["--error-mode", "result"],
    });
    const program = await place("errors.ts", typescript);
    expect(await compile(dirname(program))).toBe("");
    const lines = await run([process.execPath, program, gateway.url.href, gateway.key]);
    expect(lines).toEqual([{ refused: "No such agent" }]);
  });
});

// Driving it needs httpx, which is fetched from elsewhere: npm run test:python.
test(`the Python client that is generated, and what README does with it, is ${hasPython ? "compiled, not driven" : "not even compiled: there is no python3 here"}`, async () => {
  const program = join(dirname(clients.python), "readme.py");
  await writeFile(program, await shownInReadme("py", "from client import"));
  const files = [clients.python, program];
  const compiled = hasPython ? spawnSync("python3", ["-m", "py_compile", ...files]) : undefined;
  expect(compiled?.stderr.toString() ?? "").toBe("");
  expect(compiled?.status ?? 0).toBe(0);
});
