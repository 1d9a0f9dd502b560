import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { unstable_readConfig } from "wrangler";
import { ROOT } from "../scripts/local-environment.ts";

/** A Worker as `wrangler deploy` would upload it. */
export interface Build {
  /** The module, an absolute path. */
  readonly script: string;
  readonly bytes: number;
  readonly compressedBytes: number;
}

const run = promisify(execFile);

/** Bundles a Worker. @param config of wrangler, an absolute path. @param folder where to put it. @throws Error if it does not build. */
export async function build(config: string, folder: string): Promise<Build> {
  await run("wrangler", ["deploy", "--dry-run", "--minify", "-c", config, "--outdir", folder], { cwd: ROOT });
  const script = join(folder, `${basename(unstable_readConfig({ config }).main ?? "", ".ts")}.js`);
  const code = await readFile(script);
  return { script, bytes: code.byteLength, compressedBytes: gzipSync(code).byteLength };
}
