import type { Heard, Station } from "./dropping-reader.ts";
import { type Random, randomFrom } from "./random.ts";
import { type Runtime, startRuntime } from "./runtime.ts";
import { addFaults, type Faults, faultsOf } from "./soak-check.ts";
import { type SoakPlace, soakReader } from "./soak-readers.ts";
import { until } from "./until.ts";

const CONFIG = "test/fixtures/workshop/wrangler.jsonc";

/** One run of many events, its readers, and what happens to all of them. */
export interface SoakPlan {
  readonly seed: number;
  readonly numbers: number;
  readonly readers: number;
  /** How often an Agent loses everything that it has in memory: the root with all below it and its sockets, or the one below it. */
  readonly aborts: number;
  /** How often the whole runtime is killed, and started anew on the same storage. */
  readonly kills: number;
  /** Bytes that a reader reads of one connection at most, before it cuts it. */
  readonly mostBytes: number;
  /** An absolute folder. */
  readonly storage: string;
  /** A run that is not over by then has hung. */
  readonly limitMs: number;
}

/** What came of it. */
export interface SoakFigures {
  /** Events of the journal. */
  readonly events: number;
  /** What all readers heard of them, and what they had to hear. */
  readonly delivered: number;
  readonly expected: number;
  readonly reconnects: number;
  readonly aborts: number;
  readonly kills: number;
  readonly faults: Faults;
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
  const bench = `${root}/sub/bench/b`;
  // Most in the root: below it each frame to each reader is a call from agent to agent, and a run takes several times as long.
  const agent = random.oneOf([root, root, root, root, bench, `${bench}/sub/drawer/d/sub/tool/t`]);
  const place: SoakPlace = { root, agent, instanceId: "babble" };
  const started = await (
    await engine.now()
  ).post(`${agent}/workflows/babbling`, { params: { numbers: plan.numbers }, id: place.instanceId });
  if (started.status !== 202) throw new Error(started.text);

  const readers = Array.from({ length: plan.readers }, (_, n) =>
    soakReader(n, place, plan.seed, plan.mostBytes),
  );
  const [reports, happened] = await within(
    plan.limitMs,
    Promise.all([
      Promise.all(readers.map((reader) => reader.read(engine))),
      disturb(engine, place, plan, random),
    ]),
  );
  const journal = await readJournal(engine, place);
  const faults = readers.flatMap((reader, n) => {
    const report = reports[n];
    return report === undefined ? [] : [faultsOf(reader, report, journal)];
  });
  return {
    events: journal.length,
    delivered: sum(readers.map((reader, n) => reader.ofInstance(reports[n]?.heard ?? []).length)),
    expected: sum(readers.map((reader) => reader.expected(journal).length)),
    reconnects: sum(reports.map(({ connections }) => connections - 1)),
    ...happened,
    faults: addFaults(faults),
  };
}

/** Lets things happen at random places of the run. @returns how often each has happened. */
async function disturb(
  engine: Engine,
  place: SoakPlace,
  plan: SoakPlan,
  random: Random,
): Promise<{ aborts: number; kills: number }> {
  const happenings = [
    ...Array.from({ length: plan.aborts }, () => ({ kind: "abort", at: random.between(1, plan.numbers) })),
    ...Array.from({ length: plan.kills }, () => ({ kind: "kill", at: random.between(1, plan.numbers) })),
  ].toSorted((a, b) => a.at - b.at);
  const happened = { aborts: 0, kills: 0 };
  for (const { kind, at } of happenings) {
    await until(
      () => numberSaid(engine, place),
      (number) => number >= at - 1,
    );
    if (kind === "abort") {
      await abort(engine, place, place.agent !== place.root && random.next() < 0.5);
      happened.aborts += 1;
    } else {
      await engine.killAndStart();
      const runtime = await engine.now();
      await until(
        () => runtime.post(`${addressOf(place)}/events`, { type: "nudge", payload: {} }),
        ({ status }) => status < 500,
      );
      happened.kills += 1;
    }
  }
  return happened;
}

/** Ends the life of the root with all below it, or that of the agent below the root alone; returns when another one has begun. */
async function abort(engine: Engine, { root }: SoakPlace, isBelow: boolean): Promise<void> {
  const aborted = isBelow ? `${root}/sub/bench/b` : root;
  const runtime = await engine.now();
  const before = await lifeOf(runtime, aborted);
  const [method, input] = isBelow ? ["stop", { bench: "b" }] : ["crash", {}];
  // The request may die with the Agent.
  await runtime.post(`${root}/methods/${method}`, input).catch(() => {});
  await until(
    () => lifeOf(runtime, aborted),
    (life) => life !== before,
  );
}

/** Asks until the Agent can answer. */
async function lifeOf(runtime: Runtime, agent: string): Promise<string> {
  const answer = await until(
    () => runtime.post(`${agent}/methods/inside`, {}),
    ({ status }) => status < 500,
  );
  return answer.json<{ life: string }>().life;
}

/** The last number that was said; all of them, once the run has ended. */
async function numberSaid(engine: Engine, place: SoakPlace): Promise<number> {
  const answer = await (await engine.now()).get(addressOf(place)).catch(() => undefined);
  if (answer?.status !== 200) return 0;
  const { status, progress } = answer.json<{ status: string; progress: { number: number } | null }>();
  return status === "complete" ? Number.POSITIVE_INFINITY : (progress?.number ?? 0);
}

async function readJournal(engine: Engine, place: SoakPlace): Promise<Heard[]> {
  const runtime = await engine.now();
  const events: Heard[] = [];
  let after = "";
  for (;;) {
    const answer = await runtime.get(`${addressOf(place)}/events?limit=100${after && `&after=${after}`}`, {
      accept: "application/json",
    });
    const page = answer.json<{ items: { id: string; type: string }[]; nextCursor: string; ended: boolean }>();
    for (const item of page.items) {
      const { id, type } = item;
      events.push({ id, type, instanceId: place.instanceId, data: JSON.stringify(item) });
    }
    if (page.ended) return events;
    after = page.nextCursor;
  }
}

function addressOf({ agent, instanceId }: SoakPlace): string {
  return `${agent}/instances/${instanceId}`;
}

/** @throws Error if it takes longer. */
async function within<Value>(limitMs: number, work: Promise<Value>): Promise<Value> {
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(() => limit.reject(new Error(`not over after ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([work, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
