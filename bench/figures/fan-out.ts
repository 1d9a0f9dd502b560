import type { Figure, Sample } from "../figure.ts";
import type { Systems } from "../systems.ts";
import { type Pace, startBehindGateway, startByHand, type Tick, type Ticker } from "../tickers.ts";

const READERS = 100;
/** As fast as a workflow can report. */
const PACE: Pace = { ticks: 200, everyMs: 0 };
const DELIVERED = READERS * PACE.ticks;

/** One ticker, and many who read it. @throws Error if one of them misses something. */
async function measure(systems: Systems, ticker: Ticker): Promise<Sample> {
  using stack = new DisposableStack();
  const readers = Array.from({ length: READERS }, () => stack.use(ticker.read()));
  await Promise.all(readers.map(({ ready }) => ready));
  const processor = systems.processor();
  await ticker.go();
  const heard = await Promise.all(
    readers.map(async (reader) => {
      const ticks: Tick[] = [];
      const last = await reader.hear((one) => {
        const tick = ticker.tickIn(one);
        if (tick !== undefined) ticks.push(tick);
        return tick?.tick === PACE.ticks;
      });
      const isAll = ticks.length === PACE.ticks && ticks.every(({ tick }, n) => tick === n + 1);
      if (!isAll) throw new Error(`a reader heard ${ticks.length} events, not each once and in order`);
      return { since: ticks[0]?.at ?? 0, until: last.at };
    }),
  );
  const used = systems.processor() - processor;
  const tookMs = Math.max(...heard.map((one) => one.until)) - (heard[0]?.since ?? 0);
  return { rate: (DELIVERED / tookMs) * 1_000, processor: (used / DELIVERED) * 1_000 };
}

/** One that speaks fast, to many. */
export const fanOut: Figure = {
  title: "Fan-out",
  how: `A workflow reports ${PACE.ticks} times as fast as it can, to ${READERS} readers, all of whom must hear all; from the first report until the last reader has the last.`,
  columns: {
    rate: { heading: "events delivered a second", digits: 0 },
    processor: { heading: "processor a delivered event, µs", digits: 1 },
  },
  base: "by hand, WebSocket",
  contenders: {
    "by hand, WebSocket": async ({ systems }, round) =>
      measure(systems, await startByHand(systems, `fan-${round}`, PACE, "socket")),
    "by hand, from the Agent": async ({ systems }, round) =>
      measure(systems, await startByHand(systems, `fan-direct-${round}`, PACE, "direct")),
    "by hand, WebSocket behind a Worker's SSE": async ({ systems }, round) =>
      measure(systems, await startByHand(systems, `fan-events-${round}`, PACE, "events")),
    "Switchyard, instance": async ({ systems }, round) =>
      measure(systems, await startBehindGateway(systems, `/agents/desk/fan-${round}`, PACE, "instance")),
    "Switchyard, agent": async ({ systems }, round) =>
      measure(systems, await startBehindGateway(systems, `/agents/desk/fan-agent-${round}`, PACE, "agent")),
  },
};
