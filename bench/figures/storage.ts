import { ask, askJson, load } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { agentAt } from "../jobs.ts";
import { settle } from "../settle.ts";

const INSTANCES = 200;
const REPORTS = 1_000;
const AT_ONCE = 8;

/** @param start starts a job that reports so often. @param weigh tells how large the database is, in bytes. */
async function measure(
  { systems }: Ground,
  start: (ticks: number) => Promise<unknown>,
  weigh: () => Promise<number>,
): Promise<Sample> {
  // The first makes the tables.
  await start(1);
  await settle(systems);
  const empty = await weigh();
  await load(INSTANCES, AT_ONCE, () => start(1));
  await settle(systems);
  const many = await weigh();
  await start(REPORTS);
  await settle(systems);
  const long = await weigh();
  return { empty, instance: (many - empty) / INSTANCES, report: (long - many) / REPORTS };
}

function byHand(ground: Ground): Promise<Sample> {
  const url = (path: string): URL => ground.systems.url("by-hand", `/storage${path}`);
  return measure(
    ground,
    (ticks) => ask("POST", url("/tick"), { ticks, everyMs: 0 }),
    async () => (await askJson<{ bytes: number }>("GET", url("/weigh"))).bytes,
  );
}

function switchyard(ground: Ground): Promise<Sample> {
  const url = (path: string): URL => ground.systems.url("switchyard", `${agentAt("storage")}${path}`);
  return measure(
    ground,
    (ticks) => ask("POST", url("/workflows/ticker"), { params: { ticks, everyMs: 0 } }),
    async () => (await askJson<{ bytes: number }>("POST", url("/methods/weigh"), {})).bytes,
  );
}

/** What an agent's database grows by. */
export const storage: Figure = {
  title: "Storage",
  how: `What the database of an agent grows by: for each of ${INSTANCES} jobs that report once and end, all that is kept of them, and for each report of one that reports ${REPORTS.toLocaleString("en")} times. By hand a report is told, and not kept. One round.`,
  columns: {
    empty: { heading: "after one job, bytes", digits: 0 },
    instance: { heading: "an instance, bytes", digits: 0 },
    report: { heading: "a report, bytes", digits: 0 },
  },
  base: "by hand",
  rounds: 1,
  contenders: { "by hand": byHand, Switchyard: switchyard },
};
