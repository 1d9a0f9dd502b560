import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ROOT } from "./local-environment.ts";

/** What redocly said, and how it ended. */
export interface RedoclyRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly failed: boolean;
}

/** Runs redocly by the configuration of this project, with this very Node. It tells nobody, and asks nobody for news of itself. */
export async function redocly(...args: readonly string[]): Promise<RedoclyRun> {
  const cli = join(ROOT, "node_modules", "@redocly", "cli", "bin", "cli.js");
  const child = spawn(process.execPath, [cli, ...args, "--config", join(ROOT, "redocly.yaml")], {
    cwd: ROOT,
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout, stderr, failed: child.exitCode !== 0 };
}
