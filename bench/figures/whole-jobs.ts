import { clock, load, median, type Reader, until } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { agentAt, byHandJobs, engineJobs, type Jobs, switchyardJobs, type ToldJobs } from "../jobs.ts";
import { settle } from "../settle.ts";

const ALONE = 30;
const TOGETHER = 120;
const AT_ONCE = 16;
const WARM_UP = 8;

/** When a job was seen to do what: milliseconds after what brought it about. */
interface Seen {
  readonly waiting: number;
  readonly completion: number;
  readonly whole: number;
}

/** One job from its start to its completion. */
async function live(jobs: ToldJobs, reader: Reader): Promise<Seen> {
  const from = reader.heard.length;
  const begun = clock();
  const id = await jobs.start();
  const waiting = await reader.hear((heard) => jobs.isWaiting(heard, id), from);
  const approved = clock();
  const [complete] = await Promise.all([
    reader.hear((heard) => jobs.isComplete(heard, id), from),
    jobs.approve(id),
  ]);
  return { waiting: waiting.at - begun, completion: complete.at - approved, whole: complete.at - begun };
}

/** One job of the engine, which is asked how it is. */
async function watch(jobs: Jobs): Promise<void> {
  const id = await jobs.start();
  // It keeps what it is sent before it waits for it.
  await jobs.approve(id);
  await until(
    () => jobs.status(id),
    (status) => status === "complete",
  );
}

async function measureTold({ systems }: Ground, jobs: ToldJobs): Promise<Sample> {
  await jobs.start();
  using reader = await jobs.listen();
  await load(WARM_UP, 1, () => live(jobs, reader));
  await settle(systems);
  const seen: Seen[] = [];
  await load(ALONE, 1, async () => seen.push(await live(jobs, reader)));
  await settle(systems);
  return {
    waiting: median(seen.map(({ waiting }) => waiting)),
    completion: median(seen.map(({ completion }) => completion)),
    whole: median(seen.map(({ whole }) => whole)),
    ...(await measureTogether({ systems }, () => live(jobs, reader))),
  };
}

async function measureWatched({ systems }: Ground, jobs: Jobs): Promise<Sample> {
  await load(WARM_UP, 1, () => watch(jobs));
  const whole = median(await load(ALONE, 1, () => watch(jobs)));
  await settle(systems);
  return { whole, ...(await measureTogether({ systems }, () => watch(jobs))) };
}

async function measureTogether(
  { systems }: Pick<Ground, "systems">,
  job: () => Promise<unknown>,
): Promise<Sample> {
  const processor = systems.processor();
  const since = performance.now();
  await load(TOGETHER, AT_ONCE, job);
  const seconds = (performance.now() - since) / 1_000;
  await settle(systems);
  return { rate: TOGETHER / seconds, processor: (systems.processor() - processor) / TOGETHER };
}

/** Jobs from their start to their completion, as a client sees them on one stream of the agent. */
export const wholeJobs: Figure = {
  title: "Whole jobs",
  how: `A client starts a job, sees on its one stream that it waits, approves it, and sees that it is complete: ${ALONE} one after the other, then ${TOGETHER}, ${AT_ONCE} at a time, whose processor's time it is. The engine tells nobody: its jobs are approved at once, and asked about every 10 ms.`,
  columns: {
    waiting: { heading: "start → waiting seen, p50, ms", digits: 1 },
    completion: { heading: "approve → completion seen, p50, ms", digits: 1 },
    whole: { heading: "whole job, p50, ms", digits: 1 },
    rate: { heading: `jobs a second, ${AT_ONCE} at a time`, digits: 1 },
    processor: { heading: "processor a job, ms", digits: 2 },
  },
  base: "by hand, WebSocket",
  contenders: {
    "engine, asked": (on) => measureWatched(on, engineJobs(on.systems)),
    "by hand, WebSocket": (on, round) => measureTold(on, byHandJobs(on.systems, `whole-${round}`)),
    Switchyard: (on, round) => measureTold(on, switchyardJobs(on.systems, agentAt(`whole-${round}`))),
    "Switchyard, sub-agent at depth 2": (on, round) =>
      measureTold(on, switchyardJobs(on.systems, agentAt(`whole-${round}`, 2))),
  },
};
