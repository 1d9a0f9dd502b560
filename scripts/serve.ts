// Serves the gateway on this machine: npm start, or PORT=9000 npm start.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { localEnvironment, LOOPBACK, ROOT } from "./local-environment.ts";
import { ensureLocalKey, ensureLocalSecret, KEY_FILE } from "./local-key.ts";

const DEFAULT_PORT = "8787";
const WRANGLER = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");

async function greet(port: string): Promise<void> {
  const { key, made } = await ensureLocalKey(ROOT);
  await ensureLocalSecret(ROOT);
  const address = `http://${LOOPBACK}:${port}`;
  console.log(
    [
      "Switchyard, for local development",
      "",
      `  Address    ${address}`,
      `  Reference  ${address}/docs`,
      `  API key    ${key}  (${made ? "made now and kept in" : "from"} ${KEY_FILE})`,
      "",
      `  curl -H 'Authorization: Bearer ${key}' ${address}/agents`,
      "",
    ].join("\n"),
  );
}

function startWrangler(port: string): ChildProcess {
  return spawn(process.execPath, [WRANGLER, "dev", "--ip", LOOPBACK, "--port", port], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, ...localEnvironment() },
  });
}

function forwardSignals(child: ChildProcess): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      child.kill(signal);
    });
  }
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    // A shell says 128 and the number of the signal for a process that a signal has ended.
    child.once("exit", (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}

async function serve(port: string): Promise<number> {
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    console.error(`PORT must be a number from 1 to 65535, not "${port}".`);
    return 1;
  }
  await greet(port);
  const child = startWrangler(port);
  forwardSignals(child);
  return exitCode(child);
}

process.exitCode = await serve(process.env["PORT"] ?? DEFAULT_PORT);
