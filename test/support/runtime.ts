import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { TestGateway } from "./gateway.ts";
import { clientOf } from "./gateway.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** A gateway in a process of its own, which can be killed. */
export interface Runtime extends Omit<TestGateway, "harness"> {
  /** Ends it as a power cut would: no handler of any process in it runs. */
  kill(): Promise<void>;
  /** Everything that it wrote to its output so far. */
  output(): string;
}

/**
 * Starts a gateway on storage that outlives it.
 *
 * @param storage an absolute folder.
 * @param variables of its environment, beside the API key.
 * @param root of the project that it is of, by the wrangler of that project.
 */
export async function startRuntime(
  config: string,
  storage: string,
  variables: Readonly<Record<string, string>> = {},
  root = ROOT,
): Promise<Runtime> {
  const key = "sy_test_4f1c2b7d9e0a6358";
  const child = spawn(
    join(root, "node_modules", ".bin", "wrangler"),
    [
      "dev",
      "-c",
      join(root, config),
      "--ip",
      "127.0.0.1",
      "--port",
      "0",
      "--inspector-port",
      "0",
      "--persist-to",
      storage,
      "--show-interactive-dev-session=false",
      ...Object.entries({ SWITCHYARD_API_KEY: key, ...variables }).flatMap(([name, value]) => [
        "--var",
        `${name}:${value}`,
      ]),
    ],
    // A group of its own, so that one signal reaches the engine too.
    { cwd: root, detached: true, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const url = await readyUrl(child);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const gone = once(child, "exit");
    process.kill(-child.pid, "SIGKILL");
    await gone;
  };
  return { ...clientOf(url, key), kill, output: () => output, [Symbol.asyncDispose]: kill };
}

async function readyUrl(child: ChildProcess): Promise<URL> {
  let output = "";
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const [, url] = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(output) ?? [];
      if (url !== undefined) resolve(new URL(url));
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", () => reject(new Error(`the runtime ended before it was ready:\n${output}`)));
  });
}
