import { type Heard, readDropping, type ReaderReport, type Station } from "./dropping-reader.ts";
import { type Random, randomFrom } from "./random.ts";
import { type Runtime, startRuntime } from "./runtime.ts";
import { until } from "./until.ts";

const CONFIG = "test/fixtures/workshop/wrangler.jsonc";
const ENDINGS = ["instance.completed", "instance.errored", "instance.terminated"];

/** One run of many events, its readers, and what happens to all of them. */
export interface SoakPlan {
  readonly seed: number;
  readonly numbers: number;
  readonly readers: number;
  /** How often the Agent loses everything that it has in memory, and its sockets. */
  readonly aborts: number;
  /** How often the whole runtime is killed, and started anew on the same storage. */
  readonly kills: number;
  /** Bytes that a reader reads of one connection at most, before it cuts it. */
  readonly mostBytes: number;
  /** An absolute folder. */
  readonly storage: string;
}

/** What came of it. */
export interface SoakFigures {
  readonly events: number;
  readonly delivered: number;
  readonly reconnects: number;
  readonly aborts: number;
  readonly kills: number;
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
  /** Events of which the text that came differs from what the journal has. */
  readonly altered: number;
}

/** The runtime of a run, which is another one after each kill. */
class Engine implements Station, AsyncDisposable {
  readonly key: string;
  readonly #storage: string;
  #runtime: Promise<Runtime>;

  private constructor(runtime: Runtime, storage: string) {
    this.key = runtime.key;
    this.#storage = storage;
    this.#runtime = Promise.resolve(runtime);
  }

  static async start(storage: string): Promise<Engine> {
    return new Engine(await startRuntime(CONFIG, storage), storage);
  }

  now(): Promise<Runtime> {
    return this.#runtime;
  }

  async url(): Promise<URL> {
    return (await this.#runtime).url;
  }

  async killAndStart(): Promise<void> {
    const killed = await this.#runtime;
    this.#runtime = killed.kill().then(() => startRuntime(CONFIG, this.#storage));
    await this.#runtime;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#runtime).kill();
  }
}

/** Carries out a plan, and compares what each reader has heard with the journal. */
export async function soak(plan: SoakPlan): Promise<SoakFigures> {
  const random = randomFrom(plan.seed);
  await using engine = await Engine.start(plan.storage);
  const root = `/agents/workshop/soak-${plan.seed}`;
  const agent = random.oneOf([root, `${root}/sub/bench/b`, `${root}/sub/bench/b/sub/drawer/d/sub/tool/t`]);
  const self = `${agent}/instances/babble`;
  const started = await (
    await engine.now()
  ).post(`${agent}/workflows/babbling`, { params: { numbers: plan.numbers }, id: "babble" });
  if (started.status !== 202) throw new Error(started.text);

  const readers = Array.from({ length: plan.readers }, (_, n) => {
    const ownRandom = randomFrom(plan.seed * 1_000 + n);
    // One in four follows the whole agent, which has no end of its own.
    return n % 4 === 3
      ? readDropping(engine, `${agent}/events`, ownRandom, plan.mostBytes, ({ type }) =>
          ENDINGS.includes(type),
        )
      : readDropping(engine, `${self}/events`, ownRandom, plan.mostBytes);
  });
  const disturbed = disturb(engine, root, self, plan, random);
  const reports = await Promise.all(readers);
  await disturbed;
  return compare(plan, reports, await journal(engine, self));
}

/** Lets things happen at random places of the run. */
async function disturb(
  engine: Engine,
  root: string,
  self: string,
  plan: SoakPlan,
  random: Random,
): Promise<void> {
  const happenings = [
    ...Array.from({ length: plan.aborts }, () => ({ kind: "abort", at: random.between(1, plan.numbers) })),
    ...Array.from({ length: plan.kills }, () => ({ kind: "kill", at: random.between(1, plan.numbers) })),
  ].toSorted((a, b) => a.at - b.at);
  for (const { kind, at } of happenings) {
    await until(
      () => numberSaid(engine, self),
      (number) => number >= at - 1,
    );
    if (kind === "abort") {
      // The request dies with the Agent.
      await (await engine.now()).post(`${root}/methods/crash`, {}).catch(() => {});
    } else {
      await engine.killAndStart();
      await (await engine.now()).post(`${self}/events`, { type: "nudge", payload: {} });
    }
  }
}

/** The last number that was said; all of them, once the run has ended. */
async function numberSaid(engine: Engine, self: string): Promise<number> {
  const answer = await (await engine.now()).get(self).catch(() => undefined);
  if (answer?.status !== 200) return 0;
  const { status, progress } = answer.json<{ status: string; progress: { number: number } | null }>();
  return status === "complete" ? Number.POSITIVE_INFINITY : (progress?.number ?? 0);
}

async function journal(engine: Engine, self: string): Promise<Heard[]> {
  const runtime = await engine.now();
  const events: Heard[] = [];
  let after = "";
  for (;;) {
    const answer = await runtime.get(`${self}/events?limit=100${after && `&after=${after}`}`, {
      accept: "application/json",
    });
    const page = answer.json<{ items: { id: string; type: string }[]; nextCursor: string; ended: boolean }>();
    for (const item of page.items) {
      events.push({ id: item.id, type: item.type, instanceId: "babble", data: JSON.stringify(item) });
    }
    if (page.ended) return events;
    after = page.nextCursor;
  }
}

function compare(plan: SoakPlan, reports: readonly ReaderReport[], kept: readonly Heard[]): SoakFigures {
  const places = new Map(kept.map(({ id }, place) => [id, place]));
  const figures = { lost: 0, doubled: 0, disordered: 0, altered: 0, delivered: 0, reconnects: 0 };
  for (const { heard, connections } of reports) {
    const seen = new Set<string>();
    let last = -1;
    for (const { id, data } of heard) {
      const place = places.get(id);
      if (seen.has(id)) figures.doubled += 1;
      else if (place === undefined || place <= last) figures.disordered += 1;
      if (place !== undefined && kept[place]?.data !== data) figures.altered += 1;
      seen.add(id);
      last = Math.max(last, place ?? last);
    }
    figures.lost += kept.filter(({ id }) => !seen.has(id)).length;
    figures.delivered += heard.length;
    figures.reconnects += connections - 1;
  }
  return { events: kept.length, aborts: plan.aborts, kills: plan.kills, ...figures };
}
