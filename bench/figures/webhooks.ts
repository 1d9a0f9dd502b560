import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { LOOPBACK } from "../../scripts/local-environment.ts";
import { ask, askJson, clock, median } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import type { Systems } from "../systems.ts";
import { startBehindGateway } from "../tickers.ts";

/** As the gateway sends them to one endpoint. */
const AT_ONCE = 10;

/** Somebody who is sent messages, takes them, and notes how late they are. */
class Receiver implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    void this.#take(request).finally(() => response.writeHead(204).end());
  });
  readonly #latencies: number[] = [];
  #news = Promise.withResolvers<void>();

  async listen(): Promise<string> {
    this.#server.listen(0, LOOPBACK);
    await once(this.#server, "listening");
    return `http://${LOOPBACK}:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** Resolves once so many have come. @returns how late they were, in milliseconds. */
  async got(count: number): Promise<readonly number[]> {
    while (this.#latencies.length < count) await this.#news.promise;
    return this.#latencies;
  }

  async #take(request: IncomingMessage): Promise<void> {
    const at = clock();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { timestamp } = JSON.parse(Buffer.concat(chunks).toString()) as { timestamp: string };
    this.#latencies.push(at - Date.parse(timestamp));
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** So many messages, so far apart. */
interface Burst {
  readonly messages: number;
  readonly everyMs: number;
}
const BURST: Burst = { messages: 200, everyMs: 0 };
/** For the latency: none waits for another. */
const CALM: Burst = { messages: 20, everyMs: 50 };

/** Gets ready to have messages sent to a receiver. @returns what has them sent, and what is done after. */
type Prepare = (
  systems: Systems,
  name: string,
  url: string,
  burst: Burst,
) => Promise<{ go(): Promise<unknown>; end?(): Promise<unknown> }>;

const byHand: Prepare = async (systems, name, url, { messages, everyMs }) => {
  const deliver = (count: number): Promise<unknown> =>
    ask("POST", systems.url("by-hand", `/${name}/deliver`), { url, count, atOnce: AT_ONCE });
  return {
    async go() {
      if (everyMs === 0) return deliver(messages);
      for (let n = 0; n < messages; n += 1) {
        await deliver(1);
        await delay(everyMs);
      }
    },
  };
};

/** An agent that nothing was asked of yet does not know who listens, and so asks. */
const behindGateway: Prepare = async (systems, name, url, { messages, everyMs }) => {
  const agent = `/agents/desk/${name}`;
  const endpoints = systems.url("switchyard", "/webhooks/endpoints");
  const settings = { url, eventTypes: ["instance.progress"], agents: [agent] };
  const { id } = await askJson<{ id: string }>("POST", endpoints, settings);
  const ticker = await startBehindGateway(systems, agent, { ticks: messages, everyMs }, "instance");
  return { go: () => ticker.go(), end: () => ask("DELETE", new URL(`${endpoints.href}/${id}`)) };
};

async function measureOne(systems: Systems, name: string, prepare: Prepare, burst: Burst) {
  await using receiver = new Receiver();
  const sender = await prepare(systems, name, await receiver.listen(), burst);
  const processor = systems.processor();
  const since = performance.now();
  await sender.go();
  const latencies = await receiver.got(burst.messages);
  const seconds = (performance.now() - since) / 1_000;
  const used = systems.processor() - processor;
  await sender.end?.();
  return {
    rate: burst.messages / seconds,
    processor: (used / burst.messages) * 1_000,
    latency: median(latencies),
  };
}

async function measure({ systems }: Ground, round: number, prepare: Prepare): Promise<Sample> {
  const { latency } = await measureOne(systems, `calm-${round}`, prepare, CALM);
  return { ...(await measureOne(systems, `hooks-${round}`, prepare, BURST)), latency };
}

/** What endpoints are told. */
export const webhooks: Figure = {
  title: "Webhooks",
  how: `${BURST.messages} signed messages to one endpoint on this machine, ${AT_ONCE} on their way at a time, from the word to begin until it has all. By hand, an Agent signs and sends what it is told to, and keeps nothing; the gateway is told of by a workflow that reports as fast as it can, and writes each message down, with what came of it. The latency is that of one message alone, from the time that it carries.`,
  columns: {
    rate: { heading: "messages a second", digits: 0 },
    processor: { heading: "processor a message, µs", digits: 0 },
    latency: { heading: "latency, p50, ms", digits: 1 },
  },
  base: "by hand, from the Agent",
  contenders: {
    "by hand, from the Agent": (on, round) => measure(on, round, byHand),
    Switchyard: (on, round) => measure(on, round, behindGateway),
  },
};
