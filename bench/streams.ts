// Measures many open streams, beside what is below the gateway and what stands in its place: npm run bench:streams [-- --rounds 5] [--only floor]
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { localEnvironment, ROOT } from "../scripts/local-environment.ts";
import type { TestGateway } from "../test/support/gateway.ts";
import { describeMachine } from "../test/support/machine.ts";
import { until, untilStatus } from "../test/support/until.ts";
import { processorMs, residentKiB, workerdProcesses } from "./processes.ts";
import { writeSection } from "./report.ts";
import { StreamReaders } from "./stream-readers.ts";
import { type Measured, streamsSection } from "./streams-report.ts";

const STREAMS = 500;
const SETTLE_MS = 3_000;
/** One heartbeat of each stream falls into it. */
const IDLE_MS = 15_000;
/** That a reader has left shows at its next heartbeat, or at the one after. */
const FREE_LIMIT_MS = 60_000;

/** Something that serves streams. */
interface Contender {
  readonly name: string;
  readonly config: string;
  /** @returns the path of the stream that all follow. */
  prepare(server: TestGateway): Promise<string>;
  /** Lets one thing happen that all are told. */
  say(server: TestGateway): Promise<unknown>;
  /** The type of what they are told. */
  readonly said: string;
  /** How many sockets an Agent behind it has open, where that can be asked. */
  openSockets?(server: TestGateway): Promise<number>;
}

const AGENT = "/agents/workshop/bench";
const WAITING = `${AGENT}/instances/waiting`;

const gateway = (name: string, path: string): Contender => ({
  name,
  config: "test/fixtures/workshop/wrangler.jsonc",
  said: "approval.decided",
  async prepare(server) {
    // The second gate keeps it waiting when the first was opened.
    const params = { gates: ["first", "second"], timeoutMs: 3_600_000 };
    await server.post(`${AGENT}/workflows/gated`, { params, id: "waiting" });
    await untilStatus(() => server.get(WAITING), "waiting");
    return path;
  },
  say: (server) => server.post(`${WAITING}/approve`, {}),
  async openSockets(server) {
    const answer = await server.post(`${AGENT}/methods/inside`, {});
    const { sockets, connections } = answer.json<{ sockets: number; connections: number }>();
    return Math.max(sockets, connections);
  },
});

const plain = (name: string, config: string, path: string): Contender => ({
  name,
  config,
  said: "said",
  prepare: async () => path,
  say: (server) => server.post("/say"),
});

const CONTENDERS: readonly Contender[] = [
  plain("floor", "bench/workers/floor.jsonc", "/"),
  plain("by hand, socket", "bench/workers/by-hand.jsonc", "/socket"),
  plain("by hand, from the Agent", "bench/workers/by-hand.jsonc", "/direct"),
  gateway("gateway, instance", `${WAITING}/events`),
  gateway("gateway, agent", `${AGENT}/events`),
];

Object.assign(process.env, localEnvironment(), { WRANGLER_LOG: "none", WRANGLER_WRITE_LOGS: "false" });
// Imported only now: wrangler reads its environment as it loads.
const { startGateway } = await import("../test/support/gateway.ts");

/** Measures one contender, on a server of its own with fresh storage. */
async function measure(contender: Contender): Promise<Measured> {
  await using server = await startGateway(contender.config);
  using first = new StreamReaders();
  using readers = new StreamReaders();
  const url = new URL(await contender.prepare(server), server.url).href;
  // What the first stream alone brings about is none of the many; it stays open beside them.
  await first.open(url, server.key, 1);
  await delay(SETTLE_MS);

  const pids = workerdProcesses();
  const memoryBefore = await residentKiB(pids);
  const processorAtFirst = processorMs(pids);
  const openMs = await readers.open(url, server.key, STREAMS);
  const openProcessorMs = processorMs(pids) - processorAtFirst;
  const opened = await contender.openSockets?.(server);
  if (opened !== undefined && opened !== STREAMS + 1) throw new Error(`${opened} sockets are open`);
  await delay(SETTLE_MS);
  const memoryAfter = await residentKiB(pids);

  const processorBefore = processorMs(pids);
  await delay(IDLE_MS);
  const idleProcessorMs = processorMs(pids) - processorBefore;

  const deliverMs = await readers.hear(contender.said, async () => {
    await contender.say(server);
  });
  await Promise.all([first.leave(), readers.leave()]);
  return {
    openMs,
    openProcessorMs,
    memoryKiB: (memoryAfter - memoryBefore) / STREAMS,
    idleProcessorMs,
    deliverMs,
    ...(await untilFree(contender, server)),
  };
}

/** Waits until the Agent has no socket any more. @throws Error if one stays. */
async function untilFree(contender: Contender, server: TestGateway): Promise<Pick<Measured, "freeMs">> {
  if (contender.openSockets === undefined) return {};
  const since = performance.now();
  const limit = since + FREE_LIMIT_MS;
  const open = await until(
    async () => (await contender.openSockets?.(server)) ?? 0,
    (sockets) => sockets === 0 || performance.now() > limit,
  );
  if (open > 0) throw new Error(`${open} sockets are still open after all readers left`);
  return { freeMs: performance.now() - since };
}

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, only: { type: "string" } },
});
const rounds = Number(values.rounds);
const contenders = CONTENDERS.filter(({ name }) => name === (values.only ?? name));
const all = new Map<string, Measured[]>(contenders.map(({ name }) => [name, []]));
for (let round = 1; round <= rounds; round += 1) {
  for (const contender of contenders) {
    const measured = await measure(contender);
    all.get(contender.name)?.push(measured);
    console.log(`round ${round}, ${contender.name}: ${JSON.stringify(measured)}`);
  }
}
if (values.only === undefined) {
  const section = streamsSection(all, {
    streams: STREAMS,
    idleMs: IDLE_MS,
    rounds,
    command: `npm run bench:streams -- --rounds ${rounds}`,
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    load: loadavg()[2] ?? 0,
  });
  await writeSection(join(ROOT, "bench/results.md"), "Streams", section);
}
