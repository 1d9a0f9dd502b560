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
  readonly name: string;
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
    COUNTS.map((count) => {
      const contender = { ...server, name: `${name}, ${count}`, count };
      return [contender.name, contender] as const;
    }),
  ),
);

/** A contender on a server of its own, and one who opens streams there. */
class Stage {
  readonly contender: Contender;
  readonly #systems: Systems;
  readonly #stack: AsyncDisposableStack;

  constructor(contender: Contender, systems: Systems, stack: AsyncDisposableStack) {
    this.contender = contender;
    this.#systems = systems;
    this.#stack = stack;
  }

  /** Opens one stream, and leaves it open. */
  async read(): Promise<void> {
    const { system, path } = this.contender;
    const reader = this.#stack.use(Reader.events(this.#systems.url(system, path)));
    await reader.ready;
    await reader.hear(({ type }) => type === "stream.caught-up");
  }

  /** Opens all of its streams at once. */
  async open(): Promise<Pick<Sample, "open" | "openProcessor">> {
    const { count } = this.contender;
    const processor = this.processor();
    const since = performance.now();
    await Promise.all(Array.from({ length: count }, () => this.read()));
    const open = performance.now() - since;
    return { open, openProcessor: (this.processor() - processor) / count };
  }

  processor(): number {
    return this.#systems.processor();
  }

  memory(): Promise<number> {
    return residentKiB(this.#systems.pids);
  }

  async life(): Promise<string | undefined> {
    return (await this.contender.life?.(this.#systems))?.life;
  }
}

/** All contenders: one after the other they open their streams, and all together they are idle. */
async function measureAll(ground: Ground): Promise<ReadonlyMap<string, Sample>> {
  await using stack = new AsyncDisposableStack();
  const stages: Stage[] = [];
  const ofEach = <Shape>(look: (stage: Stage) => Promise<Shape>): Promise<Shape[]> =>
    Promise.all(stages.map(look));
  for (const contender of CONTENDERS.values()) {
    const systems = stack.use(await Systems.start(ground.builds, [contender.system]));
    await contender.prepare?.(systems);
    const stage = new Stage(contender, systems, stack);
    // What the first stream alone brings about is none of the many; it stays open beside them.
    await stage.read();
    stages.push(stage);
  }
  const lives = await ofEach((stage) => stage.life());
  await delay(SETTLE_MS);
  const before = await ofEach((stage) => stage.memory());
  const opened: Sample[] = [];
  for (const stage of stages) opened.push(await stage.open());
  await delay(SETTLE_MS);
  const after = await ofEach((stage) => stage.memory());
  const processors = stages.map((stage) => stage.processor());
  await delay(IDLE_MS);
  const idle = stages.map((stage, n) => stage.processor() - (processors[n] ?? 0));
  const livesAfter = await ofEach((stage) => stage.life());
  const memories = stages.map(({ contender }, n) => ((after[n] ?? 0) - (before[n] ?? 0)) / contender.count);
  const floorOf = (count: number): number =>
    memories[stages.findIndex(({ contender }) => contender.name === `floor, ${count}`)] ?? 0;
  const samples = stages.map(({ contender: { name, count } }, n) => {
    const memory = memories[n] ?? 0;
    const life = livesAfter[n];
    const sample = {
      ...opened[n],
      memory,
      overFloor: memory - floorOf(count),
      idleProcessor: idle[n] ?? 0,
      ...(life === undefined ? {} : { sleeps: Number(life !== lives[n]) }),
    };
    return [name, sample] as const;
  });
  return new Map(samples);
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
    overFloor: { heading: "… over the floor's, KiB", digits: 0 },
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
