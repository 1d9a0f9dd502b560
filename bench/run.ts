// Measures what the gateway costs beside what is below it and what would stand in its place:
// npm run bench [-- --rounds 3] [--only "Get by id"]
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { localEnvironment, ROOT } from "../scripts/local-environment.ts";
import { describeMachine } from "../test/support/machine.ts";
import type { Figure, Ground, Sample } from "./figure.ts";
import { bundles } from "./figures/bundles.ts";
import { burst } from "./figures/burst.ts";
import { coldStart } from "./figures/cold-start.ts";
import { documents } from "./figures/documents.ts";
import { fanOut } from "./figures/fan-out.ts";
import { listPages } from "./figures/lists.ts";
import { live } from "./figures/live.ts";
import { openStreams } from "./figures/open-streams.ts";
import { replay } from "./figures/replay.ts";
import { requests } from "./figures/requests.ts";
import { starts } from "./figures/starts.ts";
import { storage } from "./figures/storage.ts";
import { types } from "./figures/types.ts";
import { webhooks } from "./figures/webhooks.ts";
import { wholeJobs } from "./figures/whole-jobs.ts";
import { goalTable } from "./goal-table.ts";
import { GOALS } from "./goals.ts";
import { type Measured, tableOf } from "./table.ts";

/** Those that stand together share a workerd. Others get a new one: it keeps files open of every job that it ran. */
const FIGURES: readonly (readonly Figure[])[] = [
  [requests],
  [starts],
  [wholeJobs],
  [burst],
  [live, fanOut, replay],
  [openStreams],
  listPages,
  [webhooks],
  [documents, coldStart],
  [storage, bundles, types],
];

Object.assign(process.env, localEnvironment(), { WRANGLER_LOG: "none", WRANGLER_WRITE_LOGS: "false" });
// Imported only now: wrangler reads its environment as it loads.
const { buildAll, Systems } = await import("./systems.ts");

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, only: { type: "string" } },
});
const rounds = Number(values.rounds);
const chosen = FIGURES.map((group) => group.filter(({ title }) => title.includes(values.only ?? "")));
const began = Date.now();
const loadBefore = loadavg()[0] ?? 0;

/** Measures one figure. The contenders take turns, so that what else the machine does hits all alike. */
async function measure(figure: Figure, ground: Ground): Promise<Measured> {
  await figure.prepare?.(ground);
  const measured = new Map<string, Sample[]>(Object.keys(figure.contenders).map((name) => [name, []]));
  for (let round = 1; round <= Math.min(rounds, figure.rounds ?? rounds); round += 1) {
    for (const [name, contender] of Object.entries(figure.contenders)) {
      measured.get(name)?.push(await contender(ground, round));
    }
  }
  return measured;
}

const folder = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
const results = new Map<Figure, Measured>();
const sections: string[] = [];

/** Measures one figure, and notes what it shows; one that cannot be taken does not keep others from it. */
async function take(figure: Figure, ground: Ground): Promise<void> {
  const since = Date.now();
  const notes: string[] = [];
  try {
    const measured = await measure(figure, ground);
    results.set(figure, measured);
    notes.push(tableOf(figure, measured));
  } catch (failure) {
    console.error(failure);
    process.exitCode = 1;
    notes.push(`### ${figure.title}\n\nCould not be taken.\n`);
  }
  const seconds = Math.round((Date.now() - since) / 1_000);
  notes.push(`Took ${seconds} s; load of the machine ${(loadavg()[0] ?? 0).toFixed(1)} at the end.\n`);
  sections.push(notes.join("\n"));
  console.log(sections.at(-1));
}

try {
  const builds = await buildAll(folder);
  for (const group of chosen.filter(({ length }) => length > 0)) {
    await using systems = await Systems.start(builds);
    for (const figure of group) await take(figure, { systems, builds });
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

// A part of the figures is for whoever asked for it.
if (values.only === undefined) {
  const goals = goalTable(GOALS, results);
  console.log(goals);
  const about = [
    `Written by \`npm run bench -- --rounds ${rounds}\` on ${new Date(began).toISOString().slice(0, 10)}, in ${Math.round((Date.now() - began) / 1_000)} s, on ${describeMachine()}; load of the machine before ${loadBefore.toFixed(1)}.`,
    `Medians of ${rounds} rounds, in which the contenders take turns; in brackets the least and the most. [README.md](./README.md) says what they are.`,
  ].join("\n");
  const page = ["# Results", about, "## Goals", goals, "## Figures", ...sections].map((part) => part.trim());
  await writeFile(join(ROOT, "bench", "results.md"), `${page.join("\n\n")}\n`);
}
