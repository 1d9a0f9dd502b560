import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { unstable_readConfig } from "wrangler";
import { LOOPBACK, ROOT } from "../scripts/local-environment.ts";
import { processorMs } from "./processes.ts";

/** What it takes from nothing to the first answer, in milliseconds. */
export interface ColdStart {
  readonly clockMs: number;
  /** Of the processor, in all threads: what else the machine does changes it little. */
  readonly processorMs: number;
}

/** A bundled Worker, and what it is asked first. */
export interface ColdWorker {
  /** A wrangler configuration, relative to the root of the project, which names its bindings. */
  readonly config: string;
  /** The bundle, an absolute path. */
  readonly script: string;
  /** Asked with the key. */
  readonly path: string;
  readonly key: string;
}

/** What is read of a wrangler configuration. */
interface Settings {
  readonly compatibility_date: string;
  readonly compatibility_flags: readonly string[];
  readonly durable_objects: {
    readonly bindings: readonly { readonly name: string; readonly class_name: string }[];
  };
  readonly workflows: readonly { readonly binding: string }[];
}

/**
 * Starts the engine with one Worker and nothing else, on fresh storage, and asks it one thing.
 *
 * @throws Error if the Worker fails. That something is not there is an answer.
 */
export async function measureColdStart({ config, script, path, key }: ColdWorker): Promise<ColdStart> {
  const storage = await mkdtemp(join(tmpdir(), "cold-start-"));
  const file = `${script}.capnp`;
  const settings = unstable_readConfig({ config: join(ROOT, config) }) as Settings;
  await writeFile(file, engineConfig(settings, basename(script), key, storage));
  const since = performance.now();
  const engine = spawn(ENGINE, ["serve", file, "--experimental", "--control-fd=3"], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  let complaints = "";
  engine.stderr?.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  try {
    const port = await portOf(engine);
    if (port === undefined) throw new Error(`${config} does not start: ${complaints}`);
    const response = await fetch(`http://${LOOPBACK}:${port}${path}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const text = await response.text();
    const clockMs = performance.now() - since;
    if (response.status >= 500)
      throw new Error(`${config} answers ${response.status}: ${text} ${complaints}`);
    return { clockMs, processorMs: processorMs([engine.pid ?? 0]) };
  } finally {
    const gone = engine.exitCode === null ? once(engine, "exit") : undefined;
    engine.kill("SIGKILL");
    await gone;
    await rm(storage, { recursive: true });
  }
}

const ARCHITECTURE = process.arch === "x64" ? "64" : process.arch;
/** Not the script of that name, which would start a Node first. */
const ENGINE = join(ROOT, "node_modules", "@cloudflare", `workerd-linux-${ARCHITECTURE}`, "bin", "workerd");

/** The port that the engine listens on, as it tells by its control file; undefined if it ends before that. */
async function portOf(engine: ChildProcess): Promise<number | undefined> {
  let told = "";
  for await (const chunk of engine.stdio[3] as Readable) {
    told += String(chunk);
    const [, port] = /"event":"listen".*"port":(\d+)/.exec(told) ?? [];
    if (port !== undefined) return Number(port);
  }
  return undefined;
}

/** The configuration of the engine itself. Workflows are there, and start nothing. */
function engineConfig(settings: Settings, module: string, key: string, storage: string): string {
  const classes = settings.durable_objects.bindings.map(({ class_name }) => quoted(class_name));
  const bindings = [
    ...settings.durable_objects.bindings.map(
      ({ name, class_name }) =>
        `(name = ${quoted(name)}, durableObjectNamespace = (className = ${quoted(class_name)}))`,
    ),
    ...settings.workflows.map(
      ({ binding }) =>
        `(name = ${quoted(binding)}, wrapped = (moduleName = "cloudflare-internal:workflows-api", innerBindings = [(name = "fetcher", service = "main")]))`,
    ),
    `(name = "SWITCHYARD_API_KEY", text = ${quoted(key)})`,
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "disk", disk = (path = ${quoted(storage)}, writable = true)),
  ],
  extensions = [(modules = [
    (name = "cloudflare-internal:email", internal = true, esModule = "export default { EmailMessage: class {} }"),
  ])],
  sockets = [(name = "http", address = "${LOOPBACK}:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed ${quoted(module)})],
  compatibilityDate = ${quoted(settings.compatibility_date)},
  compatibilityFlags = [${settings.compatibility_flags.map(quoted).join(", ")}],
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${classes.map((name) => `(className = ${name}, uniqueKey = ${name}, enableSql = true)`).join(", ")}],
  durableObjectStorage = (localDisk = "disk"),
);
`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
