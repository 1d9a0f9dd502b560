import { load, median, percentile } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { agentAt, byHandJobs, engineJobs, type Jobs, switchyardJobs } from "../jobs.ts";
import { settle } from "../settle.ts";
import type { Systems } from "../systems.ts";

const ALONE = 30;
const TOGETHER = 120;
const AT_ONCE = 16;
/** What is started before it is measured: it makes the agents, and compiles code. */
const WARM_UP = 8;

async function measure({ systems }: Ground, jobs: Jobs): Promise<Sample> {
  const ids: string[] = [];
  const start = async (): Promise<void> => {
    ids.push(await jobs.start());
  };
  await load(WARM_UP, 1, start);
  await settle(systems);
  const processor = systems.processor();
  const alone = await load(ALONE, 1, start);
  await settle(systems);
  const together = await load(TOGETHER, AT_ONCE, start);
  await settle(systems);
  const used = systems.processor() - processor;
  await expectBegun(jobs, ids);
  // Those that wait are looked after, which is no part of what is measured next.
  await load(ids.length, AT_ONCE, (n) => jobs.approve(ids[n] ?? ""));
  await settle(systems);
  return {
    alone: median(alone),
    aloneTail: percentile(alone, 95),
    together: median(together),
    togetherTail: percentile(together, 95),
    processor: used / (ALONE + TOGETHER),
  };
}

/** @throws Error if one that was accepted has not come to its wait. */
async function expectBegun(jobs: Jobs, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const status = await jobs.status(id);
    if (status !== jobs.begun) throw new Error(`${id} was accepted, and is ${status}`);
  }
}

type Place = (systems: Systems, name: string) => Jobs;

/** In each round on agents of its own. */
const at =
  (place: Place) =>
  (ground: Ground, round: number): Promise<Sample> =>
    measure(ground, place(ground.systems, `starts-${round}`));

/** How soon a start is accepted, and what it brings about. */
export const starts: Figure = {
  title: "Starts",
  how: `Until a start is answered: ${ALONE} one after the other, then ${TOGETHER}, ${AT_ONCE} at a time. The processor's time is all of both, until every job has come to its wait and nothing goes on.`,
  columns: {
    alone: { heading: "p50, one at a time, ms", digits: 2 },
    aloneTail: { heading: "p95", digits: 1 },
    together: { heading: `p50, ${AT_ONCE} at a time, ms`, digits: 1 },
    togetherTail: { heading: "p95", digits: 1 },
    processor: { heading: "processor a start, ms", digits: 2 },
  },
  base: "by hand, two round trips",
  contenders: {
    engine: at((systems) => engineJobs(systems)),
    "by hand, two round trips": at((systems, name) => byHandJobs(systems, name)),
    "by hand, one round trip": at((systems, name) => byHandJobs(systems, `${name}-at-once`, true)),
    Switchyard: at((systems, name) => switchyardJobs(systems, agentAt(name))),
    "Switchyard, sub-agent at depth 2": at((systems, name) => switchyardJobs(systems, agentAt(name, 2))),
    "Switchyard, sub-agent at depth 4": at((systems, name) => switchyardJobs(systems, agentAt(name, 4))),
  },
};
