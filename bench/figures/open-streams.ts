import { setTimeout as delay } from "node:timers/promises";
import { ask, askJson, Reader, until } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { residentKiB } from "../processes.ts";
import { type System, Systems } from "../systems.ts";

const COUNTS = [100, 500] as const;
const SETTLE_MS = 3_000;
/** One heartbeat of each stream falls into it, and an Agent that nothing happens to goes to sleep. */
const IDLE_MS = 15_000;

/** Something that serves streams. */
interface Server {
  readonly system: System;
  /** What is followed. */
  readonly path: string;
  prepare?(systems: Systems): Promise<void>;
  /** Names the time since its Agent woke. */
  life?(systems: Systems): Promise<{ life: string }>;
}

interface Contender extends Server {
  /** How many streams. */
  readonly count: number;
}

const AGENT = "/agents/desk/ada";
const INSTANCE = `${AGENT}/instances/waiting`;
const byHandLife = (systems: Systems) =>
  askJson<{ life: string }>("GET", systems.url("by-hand", "/ada/life"));

const SERVERS: Readonly<Record<string, Server>> = {
  floor: { system: "floor", path: "/stream" },
  "by hand, WebSocket behind a Worker's SSE": { system: "by-hand", path: "/ada/events", life: byHandLife },
  "by hand, from the Agent": { system: "by-hand", path: "/ada/direct", life: byHandLife },
  Switchyard: {
    system: "switchyard",
    path: `${INSTANCE}/events`,
    async prepare(systems) {
      const start = { params: { text: "some text" }, id: "waiting" };
      await ask("POST", systems.url("switchyard", `${AGENT}/workflows/job`), start);
      const instance = () => askJson<{ status: string }>("GET", systems.url("switchyard", INSTANCE));
      await until(instance, ({ status }) => status === "waiting");
    },
    life: (systems) => askJson("POST", systems.url("switchyard", `${AGENT}/methods/life`), {}),
  },
};

const CONTENDERS: ReadonlyMap<string, Contender> = new Map(
  Object.entries(SERVERS).flatMap(([name, server]) =>
    COUNTS.map((count) => [`${name}, ${count}`, { ...server, count }] as const),
  ),
);

/** What has its streams open. */
interface Opened {
  readonly sample: Sample;
  readonly systems: Systems;
  readonly life: string | undefined;
}

/** Opens the streams of a contender, on a server of its own. */
async function open({ builds }: Ground, contender: Contender, stack: AsyncDisposableStack): Promise<Opened> {
  const { system, path, count } = contender;
  const systems = stack.use(await Systems.start(builds, [system]));
  await contender.prepare?.(systems);
  const read = (): Promise<unknown> => {
    const reader = stack.use(Reader.events(systems.url(system, path)));
    return Promise.all([reader.ready, reader.hear(({ type }) => type === "stream.caught-up")]);
  };
  // What the first stream alone brings about is none of the many; it stays open beside them.
  await read();
  const awake = await contender.life?.(systems);
  await delay(SETTLE_MS);

  const memory = await residentKiB(systems.pids);
  const processor = systems.processor();
  const since = performance.now();
  await Promise.all(Array.from({ length: count }, read));
  const openMs = performance.now() - since;
  const openProcessor = systems.processor() - processor;
  await delay(SETTLE_MS);
  const sample = {
    open: openMs,
    openProcessor: openProcessor / count,
    memory: ((await residentKiB(systems.pids)) - memory) / count,
  };
  return { sample, systems, life: awake?.life };
}

/** All contenders: one after the other they open their streams, and all together they are idle. */
async function measureAll(ground: Ground): Promise<ReadonlyMap<string, Sample>> {
  await using stack = new AsyncDisposableStack();
  const opened = new Map<string, Opened>();
  for (const [name, contender] of CONTENDERS) opened.set(name, await open(ground, contender, stack));
  const processors = new Map([...opened].map(([name, { systems }]) => [name, systems.processor()]));
  await delay(IDLE_MS);
  const samples = new Map<string, Sample>();
  for (const [name, { sample, systems }] of opened) {
    const idleProcessor = systems.processor() - (processors.get(name) ?? 0);
    samples.set(name, { ...sample, idleProcessor });
  }
  for (const [name, { systems, life }] of opened) {
    const now = await CONTENDERS.get(name)?.life?.(systems);
    if (now !== undefined) samples.set(name, { ...samples.get(name), sleeps: Number(now.life !== life) });
  }
  return samples;
}

const rounds = new Map<number, Promise<ReadonlyMap<string, Sample>>>();
async function measure(name: string, ground: Ground, round: number): Promise<Sample> {
  const samples = rounds.get(round) ?? measureAll(ground);
  rounds.set(round, samples);
  return (await samples).get(name) ?? {};
}

/** Many who listen while nothing happens. */
export const openStreams: Figure = {
  title: "Open streams",
  how: `So many streams, opened at once beside one that is open already, each contender in a workerd of its own on fresh storage, until each was told \`stream.caught-up\`. Memory is what the server's processes have resident ${SETTLE_MS / 1_000} s later, garbage included, over that before. Then nothing happens for ${IDLE_MS / 1_000} s, but for one heartbeat of each stream. Whether the Agent behind them went to sleep meanwhile: 1 is yes.`,
  columns: {
    open: { heading: "open all, ms", digits: 0 },
    openProcessor: { heading: "processor a stream, ms", digits: 2 },
    memory: { heading: "memory a stream, KiB", digits: 0 },
    idleProcessor: { heading: `processor in ${IDLE_MS / 1_000} s idle, ms`, digits: 0 },
    sleeps: { heading: "Agent sleeps", digits: 0 },
  },
  base: "by hand, WebSocket behind a Worker's SSE, 500",
  contenders: Object.fromEntries(
    [...CONTENDERS.keys()].map((name) => [
      name,
      (ground: Ground, round: number) => measure(name, ground, round),
    ]),
  ),
};
