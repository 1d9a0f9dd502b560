import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../scripts/local-environment.ts";
import { type Build, build } from "./build.ts";
import { processorMs, workerdProcesses } from "./processes.ts";

/** What is compared, each a Worker of bench/workers. */
export const SYSTEMS = ["floor", "engine", "by-hand", "switchyard"] as const;
export type System = (typeof SYSTEMS)[number];

/** The key of the gateway. */
export const KEY = "sy_test_4f1c2b7d9e0a6358";

/** Webhook endpoints are on this machine. */
const SECRETS = { SWITCHYARD_API_KEY: KEY, SWITCHYARD_ALLOW_LOOPBACK_WEBHOOKS: "true" };

/** What the host is told. */
export interface ToHost {
  readonly workers: readonly { readonly name: string; readonly config: string; readonly script: string }[];
  /** A folder for their storage. */
  readonly storage: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/** What the host answers once all are served. */
export interface Hosted {
  readonly urls: Readonly<Record<string, string>>;
  /** Where the development server would have passed requests on. */
  readonly entry: string;
}

export type Builds = Readonly<Record<System, Build>>;

/** Bundles all of them into a folder. */
export async function buildAll(folder: string): Promise<Builds> {
  const built = await Promise.all(
    SYSTEMS.map(async (name) => [name, await build(configOf(name), join(folder, name))] as const),
  );
  return Object.fromEntries(built) as Record<System, Build>;
}

/** Workers in one workerd, on fresh storage. */
export class Systems implements AsyncDisposable {
  readonly #host: ChildProcess;
  readonly #storage: string;
  readonly #hosted: Hosted;
  /** The processes that serve. The Node that started them is none: it only reads what they log. */
  readonly pids: readonly number[];

  private constructor(host: ChildProcess, storage: string, hosted: Hosted) {
    this.#host = host;
    this.#storage = storage;
    this.#hosted = hosted;
    this.pids = workerdProcesses(host.pid);
  }

  /** Starts those that are named. @throws Error if they cannot be started. */
  static async start(builds: Builds, names: readonly System[] = SYSTEMS): Promise<Systems> {
    const storage = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
    const host = fork(join(import.meta.dirname, "host.ts"), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const workers = names.map((name) => ({ name, config: configOf(name), script: builds[name].script }));
    const message: ToHost = { workers, storage, secrets: SECRETS };
    host.send(message);
    const [answer] = (await Promise.race([
      once(host, "message"),
      once(host, "exit").then(() => {
        throw new Error("the Workers could not be started");
      }),
    ])) as [Hosted];
    return new Systems(host, storage, answer);
  }

  /** @throws Error for a Worker that was not started. */
  url(system: System, path: string): URL {
    return new URL(path, this.#hosted.urls[system]);
  }

  /** The first Worker, by way of the router of the development server. */
  entryUrl(path: string): URL {
    return new URL(path, this.#hosted.entry);
  }

  /** Milliseconds of the processor that all that serves has used so far. */
  processor(): number {
    return processorMs(this.pids);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#host, "exit");
    this.#host.disconnect();
    await gone;
    await rm(this.#storage, { recursive: true, force: true });
  }
}

function configOf(name: System): string {
  return join(ROOT, "bench", "workers", `${name}.jsonc`);
}
