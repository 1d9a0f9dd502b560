// Measures what the gateway costs beside what is below it and what would stand in its place:
// npm run bench [-- --rounds 3] [--only "Get by id"]
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { localEnvironment, ROOT } from "../scripts/local-environment.ts";
import { describeMachine } from "../test/support/machine.ts";
import type { Figure, Sample } from "./figure.ts";
import { coldStart } from "./figures/cold-start.ts";
import { documents } from "./figures/documents.ts";
import { fanOut } from "./figures/fan-out.ts";
import { live } from "./figures/live.ts";
import { openStreams } from "./figures/open-streams.ts";
import { replay } from "./figures/replay.ts";
import { requests } from "./figures/requests.ts";
import { webhooks } from "./figures/webhooks.ts";
import { type Measured, tableOf } from "./table.ts";

const FIGURES: readonly Figure[] = [
  requests,
  live,
  fanOut,
  replay,
  openStreams,
  webhooks,
  documents,
  coldStart,
];

Object.assign(process.env, localEnvironment(), { WRANGLER_LOG: "none", WRANGLER_WRITE_LOGS: "false" });
// Imported only now: wrangler reads its environment as it loads.
const { buildAll, Systems } = await import("./systems.ts");

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, only: { type: "string" } },
});
const rounds = Number(values.rounds);
const figures = FIGURES.filter(({ title }) => title.includes(values.only ?? ""));

const folder = await mkdtemp(join(tmpdir(), "switchyard-bench-"));
const results = new Map<Figure, Measured>();
try {
  const builds = await buildAll(folder);
  await using systems = await Systems.start(builds);
  const ground = { systems, builds };
  for (const figure of figures) {
    await figure.prepare?.(ground);
    const measured = new Map<string, Sample[]>(Object.keys(figure.contenders).map((name) => [name, []]));
    // In turns, so that what else the machine does hits all alike.
    for (let round = 1; round <= Math.min(rounds, figure.rounds ?? rounds); round += 1) {
      for (const [name, measure] of Object.entries(figure.contenders)) {
        measured.get(name)?.push(await measure(ground, round));
      }
    }
    results.set(figure, measured);
    console.log(tableOf(figure, measured));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(ROOT, loadavg(), describeMachine());
