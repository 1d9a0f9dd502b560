import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../scripts/local-environment.ts";
import { type Build, build } from "../build.ts";
import type { Figure, Sample } from "../figure.ts";

function sizesOf({ bytes, compressedBytes }: Build): Sample {
  return { minified: bytes / 1_000, compressed: compressedBytes / 1_000 };
}

/** The Worker of this project. */
async function referenceApp(): Promise<Sample> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
  try {
    return sizesOf(await build(join(ROOT, "wrangler.jsonc"), folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** How large Workers are. */
export const bundles: Figure = {
  title: "Bundle",
  how: "The module that `wrangler deploy --minify` uploads, and the same by gzip; kB of 1,000 bytes.",
  columns: {
    minified: { heading: "minified, kB", digits: 0 },
    compressed: { heading: "compressed, kB", digits: 0 },
  },
  base: "by hand",
  rounds: 1,
  contenders: {
    "Worker → Durable Object → row": async ({ builds }) => sizesOf(builds.floor),
    engine: async ({ builds }) => sizesOf(builds.engine),
    "by hand": async ({ builds }) => sizesOf(builds["by-hand"]),
    Switchyard: async ({ builds }) => sizesOf(builds.switchyard),
    "Switchyard, reference app": referenceApp,
  },
};
