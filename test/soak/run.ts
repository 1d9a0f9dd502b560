// Runs seeds, one after the other or several at once, until enough has happened: npm run test:soak [-- --at-once 4] [-- --seed 7]
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { localEnvironment } from "../../scripts/local-environment.ts";
import { describeMachine } from "../support/machine.ts";
import { takeLeaks } from "../support/received.ts";
import { soak, type SoakPlan } from "../support/soak.ts";
import { faultsIn, soakPage, type SoakRun, totalOf } from "./results.ts";

const WANTED = { events: 100_000, reconnects: 1_000, aborts: 100, kills: 20 };
const AIM = Object.entries(WANTED)
  .map(([count, wanted]) => `${wanted.toLocaleString("en")} ${count}`)
  .join(", ");
const OF_A_SEED = {
  numbers: 5_000,
  readers: 20,
  aborts: 5,
  kills: 1,
  mostBytes: 400_000,
  limitMs: 3_600_000,
};
const PLAN = `Of each seed, ${OF_A_SEED.readers} readers of five kinds (an instance, its agent, the subtree of the root, and the first
and the last by type) follow a run of ${OF_A_SEED.numbers.toLocaleString("en")} reports while all of them are disturbed at random.`;
const RESULTS = join(import.meta.dirname, "RESULTS.md");

/** Runs one seed on storage of its own. */
async function runSeed(seed: number): Promise<SoakRun> {
  const storage = await mkdtemp(join(tmpdir(), "switchyard-soak-"));
  const since = Date.now();
  try {
    const plan: SoakPlan = { ...OF_A_SEED, seed, storage };
    const figures = await soak(plan);
    return { seed, seconds: (Date.now() - since) / 1_000, figures };
  } finally {
    await rm(storage, { recursive: true, force: true });
  }
}

/** Says what came of a run. @returns whether it is without a fault. */
function report(run: SoakRun): boolean {
  const { faults, ...figures } = run.figures;
  console.log(`seed ${run.seed}, ${Math.round(run.seconds)} s: ${JSON.stringify(figures)}`);
  const leaks = takeLeaks();
  const isGood = faultsIn([run]) === 0 && leaks.length === 0;
  if (!isGood) console.error("FAULTS", faults, leaks);
  return isGood;
}

/** How many more seeds bring what is wanted, as far as that is known beforehand: how often readers come back is not. */
function seedsMissing(runs: readonly SoakRun[]): number {
  const total = totalOf(runs);
  if (Object.entries(WANTED).every(([count, wanted]) => total[count as keyof typeof WANTED] >= wanted))
    return 0;
  return Math.ceil(
    Math.max(
      1,
      (WANTED.events - total.events) / OF_A_SEED.numbers,
      (WANTED.aborts - total.aborts) / OF_A_SEED.aborts,
      (WANTED.kills - total.kills) / OF_A_SEED.kills,
    ),
  );
}

/** Runs seeds until there is enough, or something is wrong. @returns whether all is well. */
async function runAll(atOnce: number, command: string): Promise<boolean> {
  const runs: SoakRun[] = [];
  const found = { isGood: true };
  let last = 0;
  const runEach = async (seeds: Iterable<number>): Promise<void> => {
    for (const seed of seeds) {
      if (!found.isGood) return;
      const run = await runSeed(seed).catch((failure: unknown) => console.error(`seed ${seed}:`, failure));
      if (run === undefined) {
        found.isGood = false;
        return;
      }
      runs.push(run);
      if (!report(run)) found.isGood = false;
      const reached = seedsMissing(runs) === 0 ? "reached" : "not reached yet";
      const about = {
        aim: `The aim, at least ${AIM}, is ${reached}.`,
        command,
        plan: PLAN,
        date: new Date().toISOString().slice(0, 10),
        machine: describeMachine(),
      };
      await writeFile(
        RESULTS,
        soakPage(
          runs.toSorted((a, b) => a.seed - b.seed),
          about,
        ),
      );
    }
  };
  for (let missing = seedsMissing(runs); found.isGood && missing > 0; missing = seedsMissing(runs)) {
    const first = last + 1;
    last += missing;
    // All take from one list.
    const seeds = Array.from({ length: missing }, (_, n) => first + n).values();
    await Promise.all(Array.from({ length: atOnce }, () => runEach(seeds)));
  }
  console.log("all:", JSON.stringify(totalOf(runs)));
  return found.isGood;
}

Object.assign(process.env, localEnvironment());
const { values } = parseArgs({
  options: { seed: { type: "string" }, "at-once": { type: "string", default: "1" } },
});
const { seed, "at-once": atOnce } = values;
const command = `npm run test:soak${atOnce === "1" ? "" : ` -- --at-once ${atOnce}`}`;
let isGood = false;
try {
  isGood = seed === undefined ? await runAll(Number(atOnce), command) : report(await runSeed(Number(seed)));
} catch (failure) {
  console.error(failure);
}
// What a run that hung has left open must not keep this process.
process.exit(isGood ? 0 : 1);
