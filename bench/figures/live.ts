import { median } from "../client.ts";
import type { Figure, Sample } from "../figure.ts";
import { type Pace, startBehindGateway, startByHand, type Ticker } from "../tickers.ts";

const PACE: Pace = { ticks: 220, everyMs: 5 };
/** The first ones, by which code is compiled, do not count. */
const WARM_UP = 20;

/** What one reader of one ticker waits for. */
async function measure(ticker: Ticker): Promise<Sample> {
  using reader = ticker.read();
  await reader.ready;
  await ticker.go();
  await reader.hear((heard) => ticker.tickIn(heard)?.tick === PACE.ticks);
  const latencies = reader.heard.flatMap((heard) => {
    const said = ticker.tickIn(heard);
    return said === undefined || said.tick <= WARM_UP ? [] : heard.at - said.at;
  });
  if (latencies.length !== PACE.ticks - WARM_UP) throw new Error(`${latencies.length} events were heard`);
  return {
    latency: median(latencies),
    slow: latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length * 0.95)] ?? 0,
  };
}

/** How old an event is when its reader hears it. */
export const live: Figure = {
  title: "Live events",
  how: `A workflow reports ${PACE.ticks - WARM_UP} times, every ${PACE.everyMs} ms, what time it is; one reader, whose clock is the same, compares. The clock of a Worker has whole milliseconds, rounded down: each latency is half of one too long.`,
  columns: {
    latency: { heading: "latency, p50, ms", digits: 2 },
    slow: { heading: "p95, ms", digits: 2 },
  },
  base: "by hand, WebSocket",
  contenders: {
    "by hand, WebSocket": async ({ systems }, round) =>
      measure(await startByHand(systems, `live-${round}`, PACE, "socket")),
    "by hand, from the Agent": async ({ systems }, round) =>
      measure(await startByHand(systems, `live-direct-${round}`, PACE, "direct")),
    "by hand, WebSocket behind a Worker's SSE": async ({ systems }, round) =>
      measure(await startByHand(systems, `live-events-${round}`, PACE, "events")),
    Switchyard: async ({ systems }, round) =>
      measure(await startBehindGateway(systems, `/agents/desk/live-${round}`, PACE, "instance")),
    "Switchyard, agent": async ({ systems }, round) =>
      measure(await startBehindGateway(systems, `/agents/desk/live-agent-${round}`, PACE, "agent")),
    "Switchyard, sub-agent at depth 2": async ({ systems }, round) =>
      measure(
        await startBehindGateway(systems, `/agents/desk/live-deep-${round}/sub/tray/inbox`, PACE, "instance"),
      ),
  },
};
