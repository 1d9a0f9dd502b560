import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/local-environment.ts";
import type { Figure, Sample } from "../figure.ts";
import { gatewayOf, SIZES, USES } from "../type-sources.ts";

const TSCONFIG = {
  extends: "../../tsconfig.json",
  include: ["*.ts", "../../worker-configuration.d.ts", "../../src/node-compat.d.ts"],
  compilerOptions: { types: [], incremental: false },
};

interface Compiled {
  /** Seconds of the processor, which what else the machine does changes little. */
  readonly processor: number;
  /** Types that the compiler instantiated, in thousands: the same in every round. */
  readonly instantiations: number;
}

const run = promisify(execFile);

/** What the compiler needs for one project. @throws Error if it does not compile. */
async function compile(folder: string): Promise<Compiled> {
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const timed = 'TIMEFORMAT="%U %S"; time "$0" -p "$1" --extendedDiagnostics --singleThreaded';
  const { stdout, stderr } = await run("bash", ["-c", timed, tsc, folder]);
  const [user = 0, system = 0] = stderr.trim().split(" ").map(Number);
  const [, instantiations] = /^Instantiations:\s+(\d+)/m.exec(stdout) ?? [];
  return { processor: user + system, instantiations: Number(instantiations) / 1_000 };
}

/** Compiles a gateway, and what uses it. @param size its agents, and the workflows of each. */
async function compileUse(use: string, size: number): Promise<Compiled> {
  const folder = await mkdtemp(join(ROOT, "bench", "types-"));
  try {
    const files = {
      "gateway.ts": gatewayOf(size),
      "use.ts": `import type { App } from "./gateway";\n${use}\nexport type { App };\n`,
      "tsconfig.json": JSON.stringify(TSCONFIG),
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await compile(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(source: (size: number) => string): Promise<Sample> {
  const [small, large] = SIZES;
  const [one, many] = await Promise.all([compileUse(source(small), small), compileUse(source(large), large)]);
  return {
    small: one.processor,
    large: many.processor,
    smallTypes: one.instantiations,
    largeTypes: many.instantiations,
  };
}

/** What the types of the clients cost as a gateway grows. */
export const types: Figure = {
  title: "Types",
  how: "What `tsc` needs for a gateway of one agent with one workflow, and of ten with ten each, all of different types; with a client each workflow is started, and its progress and output are read.",
  columns: {
    small: { heading: "processor, 1 × 1, s", digits: 2 },
    large: { heading: "processor, 10 × 10, s", digits: 2 },
    smallTypes: { heading: "instantiations, 1 × 1, thousands", digits: 0 },
    largeTypes: { heading: "instantiations, 10 × 10, thousands", digits: 0 },
  },
  base: "neither client",
  contenders: Object.fromEntries(
    Object.entries(USES).map(([use, source]) => [use, () => measure(source)] as const),
  ),
};
