import { setTimeout as delay } from "node:timers/promises";
import { ask, askJson, load } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { agentAt } from "../jobs.ts";
import { settle } from "../settle.ts";

const STARTS = 1_000;
const LOOK_EVERY_MS = 250;
const TICK = { ticks: 1, everyMs: 0 };

/** @param complete counts the jobs that have ended well. */
async function measure(
  { systems }: Ground,
  start: () => Promise<unknown>,
  complete: () => Promise<number>,
): Promise<Sample> {
  await settle(systems);
  const processor = systems.processor();
  const since = performance.now();
  await load(STARTS, STARTS, start);
  const accepted = (performance.now() - since) / 1_000;
  let ran = await complete();
  // Those that have not ended when all is quiet will not end.
  for (; ran < STARTS; ran = await complete()) {
    const before = systems.processor();
    await delay(LOOK_EVERY_MS);
    if (systems.processor() === before) break;
  }
  const done = (performance.now() - since) / 1_000;
  await settle(systems);
  return { accepted, done, ran, processor: (systems.processor() - processor) / STARTS };
}

function byHand(ground: Ground): Promise<Sample> {
  const url = (path: string): URL => ground.systems.url("by-hand", `/burst${path}`);
  const complete = async (): Promise<number> =>
    (await askJson<{ total: number }>("POST", url("/list"), { status: "complete", limit: 1 })).total;
  return measure(ground, () => ask("POST", url("/tick"), TICK), complete);
}

function switchyard(ground: Ground): Promise<Sample> {
  const url = (path: string): URL => ground.systems.url("switchyard", `${agentAt("burst")}${path}`);
  const list = url("/instances?status=complete&count=true&limit=1");
  const complete = async (): Promise<number> => (await askJson<{ total: number }>("GET", list)).total;
  return measure(ground, () => ask("POST", url("/workflows/ticker"), { params: TICK }), complete);
}

/** Many starts to one agent at once. */
export const burst: Figure = {
  title: "Burst",
  how: `${STARTS} starts to one agent, sent at once; each job reports once, and ends. One round. Were a start refused, there would be no figure.`,
  columns: {
    accepted: { heading: "until all are accepted, s", digits: 2 },
    done: { heading: "until all are complete, s", digits: 1 },
    ran: { heading: "complete", digits: 0 },
    processor: { heading: "processor a job, ms", digits: 2 },
  },
  base: "by hand",
  rounds: 1,
  contenders: { "by hand": byHand, Switchyard: switchyard },
};
