// Measures what the types of the clients cost as a gateway grows: npm run bench:types [-- --rounds 7]
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { ROOT } from "../scripts/local-environment.ts";
import { describeMachine } from "../test/support/machine.ts";
import { type Spread, spreadOf, writeSection } from "./report.ts";

/** Agents, and workflows of each. */
const SIZES = [1, 10] as const;

/** What uses a gateway: nothing, or one of its clients, which then starts each of its workflows. */
const USES = {
  "neither client": () => "",
  client: (agents: number) =>
    [
      'import { createClient } from "../../src/client";',
      'const client = createClient<App>({ url: "http://x" });',
      ...each(agents, (a, w) => [
        `const c${a}x${w} = client.agent("agent-${a}", "x").workflow("job-${a}-${w}");`,
        `export const i${a}x${w} = c${a}x${w}.start({ text${a}x${w}: "x" }).then(async ({ id }) => {`,
        `  for await (const event of c${a}x${w}.events({ instance: id }))`,
        `    if (event.type === "instance.progress") return event.data.progress.done${w};`,
        `  return (await c${a}x${w}.wait(id)).rows${w};`,
        "});",
      ]),
    ].join("\n"),
  "tRPC client": (agents: number) =>
    [
      'import type { TRPCClient } from "@trpc/client";',
      'import type { AppRouter } from "../../src/gateway";',
      "declare const trpc: TRPCClient<AppRouter<App>>;",
      ...each(agents, (a, w) => [
        `export const t${a}x${w} = trpc.agent${a}.job${a}${w}.start.mutate({ name: "x", params: { text${a}x${w}: "x" } })`,
        `  .then((shown) => (shown.status === "complete" ? shown.output.rows${w} : shown.progress?.done${w}));`,
      ]),
    ].join("\n"),
};

function each(size: number, lines: (agent: number, workflow: number) => readonly string[]): string[] {
  const numbers = Array.from({ length: size }, (_, n) => n);
  return numbers.flatMap((agent) => numbers.flatMap((workflow) => lines(agent, workflow)));
}

/** A gateway of as many agents, each with as many workflows, all of different types. */
function gatewayOf(size: number): string {
  const agents = Array.from({ length: size }, (_, n) => n);
  return [
    'import { z } from "zod";',
    'import { createGateway, defineAgent, defineWorkflow } from "../../src/gateway";',
    ...each(size, (a, w) => [
      `const w${a}x${w} = defineWorkflow({`,
      `  name: "job-${a}-${w}", binding: "JOB_${a}_${w}",`,
      `  params: z.object({ text${a}x${w}: z.string(), count: z.number().optional(), deep: z.object({ list: z.array(z.string()) }).optional() }),`,
      `  progress: z.object({ stage: z.enum(["read", "load"]), done${w}: z.number() }),`,
      `  approval: z.object({ note: z.string().optional() }).optional(),`,
      `  output: z.object({ rows${w}: z.number(), notes: z.array(z.object({ line: z.number(), text: z.string() })) }),`,
      `  events: { "poke-${w}": z.object({ text: z.string() }) },`,
      "});",
    ]),
    ...agents.flatMap((a) => [
      `class C${a} { m${a}({ id }: { id: string }): { at: number } { return { at: id.length }; } }`,
      `const a${a} = defineAgent({ name: "agent-${a}", binding: "C${a}", agent: C${a}, state: z.object({ s${a}: z.string() }),`,
      `  workflows: [${agents.map((w) => `w${a}x${w}`).join(", ")}],`,
      `  methods: { m${a}: { input: z.object({ id: z.string() }), output: z.object({ at: z.number() }) } } });`,
    ]),
    `const gateway = createGateway({ agents: [${agents.map((a) => `a${a}`).join(", ")}] });`,
    "export type App = typeof gateway;",
  ].join("\n");
}

interface Figures {
  /** Milliseconds of the processor, which what else the machine does changes little. */
  readonly processor: number;
  /** Types that the compiler instantiated, the same in every round. */
  readonly instantiations: number;
}

const run = promisify(execFile);

/** What the compiler needs for one project. @throws Error if it does not compile. */
async function compile(folder: string): Promise<Figures> {
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const timed = 'TIMEFORMAT="%U %S"; time "$0" -p "$1" --extendedDiagnostics --singleThreaded';
  const { stdout, stderr } = await run("bash", ["-c", timed, tsc, folder]);
  const [user = 0, system = 0] = stderr.trim().split(" ").map(Number);
  const [, instantiations] = /^Instantiations:\s+(\d+)/m.exec(stdout) ?? [];
  return { processor: (user + system) * 1000, instantiations: Number(instantiations) };
}

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Number(values.rounds);
const figures = new Map<string, Figures[]>();
const load: number[] = [];
const folders: string[] = [];

try {
  const projects: { name: string; folder: string }[] = [];
  for (const [use, source] of Object.entries(USES)) {
    for (const size of SIZES) {
      const folder = await mkdtemp(join(ROOT, "bench", "types-"));
      folders.push(folder);
      await writeFile(join(folder, "gateway.ts"), gatewayOf(size));
      await writeFile(
        join(folder, "use.ts"),
        `import type { App } from "./gateway";\n${source(size)}\nexport type { App };\n`,
      );
      const tsconfig = {
        extends: "../../tsconfig.json",
        include: ["*.ts", "../../worker-configuration.d.ts", "../../src/node-compat.d.ts"],
      };
      await writeFile(
        join(folder, "tsconfig.json"),
        JSON.stringify({ ...tsconfig, compilerOptions: { types: [], incremental: false } }),
      );
      projects.push({ name: `${use} ${size}`, folder });
    }
  }
  // In turns, so that what else the machine does hits all alike.
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, folder } of projects) {
      load.push(loadavg()[0] ?? 0);
      figures.set(name, [...(figures.get(name) ?? []), await compile(folder)]);
    }
  }
} finally {
  for (const folder of folders) await rm(folder, { recursive: true });
}

const spread = (name: string, figure: keyof Figures): Spread =>
  spreadOf((figures.get(name) ?? []).map((one) => one[figure]));
const shown = ({ median, least, most }: Spread): string =>
  `${median.toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`;
const [small, large] = SIZES;
const NAMES = { processor: "processor, ms", instantiations: "instantiations" } as const;
const rows = Object.keys(USES).flatMap((use) =>
  (["processor", "instantiations"] as const).map((figure) => {
    const [one, many] = [spread(`${use} ${small}`, figure), spread(`${use} ${large}`, figure)];
    const bare = spread(`neither client ${large}`, figure);
    const growth = (many.median / one.median).toFixed(2);
    const overBare = (many.median / bare.median).toFixed(2);
    return `| ${use}: ${NAMES[figure]} | ${shown(one)} | ${shown(many)} | ${growth} | ${overBare} |`;
  }),
);
const date = new Date().toISOString().slice(0, 10);
const mean = load.reduce((sum, one) => sum + one, 0) / load.length;
await writeSection(
  join(ROOT, "bench", "results.md"),
  "Types",
  [
    `Written by \`npm run bench:types -- --rounds ${rounds}\` on ${date}, on ${describeMachine()}; mean load of the machine ${mean.toFixed(1)}.`,
    "Of `tsc`: median (least–most).",
    "",
    `| with | ${small} × ${small} | ${large} × ${large} | growth | ${large} × ${large}, over neither client |`,
    "|---|---:|---:|---:|---:|",
    ...rows,
  ].join("\n"),
);
console.log(rows.join("\n"));
