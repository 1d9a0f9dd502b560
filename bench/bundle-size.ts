import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { unstable_readConfig } from "wrangler";
import { localEnvironment, ROOT } from "../scripts/local-environment.ts";

const run = promisify(execFile);

/** What a Worker weighs, in bytes, as wrangler uploads it. */
export interface BundleSize {
  readonly minified: number;
  readonly gzip: number;
}

/**
 * Bundles a Worker as `wrangler deploy` does, minified, and uploads nothing.
 *
 * @param config a wrangler configuration, relative to the root of the project.
 * @param folder an absolute path, into which the bundle is written.
 * @returns the path of its main module.
 */
export async function bundle(config: string, folder: string): Promise<string> {
  const path = join(ROOT, config);
  const { main = "" } = unstable_readConfig({ config: path });
  const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
  const args = ["deploy", "-c", path, "--dry-run", "--minify", "--outdir", folder];
  await run(process.execPath, [wrangler, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...localEnvironment() },
  });
  return join(folder, `${basename(main, extname(main))}.js`);
}

/** What a bundle weighs. @param main the path of its main module. */
export async function bundleSize(main: string): Promise<BundleSize> {
  const code = await readFile(main);
  return { minified: code.byteLength, gzip: gzipSync(code).byteLength };
}
