import { askJson, Reader } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { startBehindGateway } from "../tickers.ts";

/** With the few other events of its instance, just below the 10,000 that are kept. */
const TICKS = 9_950;
const AGENT = "/agents/desk/replay";
const EVENTS = `${AGENT}/instances/ticker/events`;
/** The most that a page has. */
const PAGE = 100;

async function prepare({ systems }: Ground): Promise<void> {
  const ticker = await startBehindGateway(systems, AGENT, { ticks: TICKS, everyMs: 0 }, "instance");
  using reader = ticker.read();
  await ticker.go();
  await reader.hear(({ type }) => type === "stream.end");
}

/** Reads all there is. @param read gives how many events it got. @throws Error if that are too few. */
async function measure({ systems }: Ground, read: () => Promise<number>): Promise<Sample> {
  const processor = systems.processor();
  const since = performance.now();
  const events = await read();
  const timeMs = performance.now() - since;
  if (events < TICKS) throw new Error(`${events} events were read`);
  return {
    time: timeMs,
    rate: (events / timeMs) * 1_000,
    processor: ((systems.processor() - processor) / events) * 1_000,
  };
}

/** What a page of events has. */
interface Page {
  readonly items: readonly unknown[];
  readonly nextCursor: string;
  readonly ended: boolean;
}

async function readPages(events: URL): Promise<number> {
  events.searchParams.set("limit", String(PAGE));
  for (let read = 0; ;) {
    const { items, nextCursor, ended } = await askJson<Page>("GET", events);
    read += items.length;
    if (ended) return read;
    events.searchParams.set("after", nextCursor);
  }
}

/** An instance that has told much, read from the start. */
export const replay: Figure = {
  title: "Replay",
  how: `An instance that has ended, of some ${TICKS + 50} events, read from the start by one reader. By hand there is nothing to read: what was told is not kept.`,
  columns: {
    time: { heading: "all, ms", digits: 0 },
    rate: { heading: "events a second", digits: 0 },
    processor: { heading: "processor an event, µs", digits: 1 },
  },
  base: "Switchyard, SSE",
  prepare,
  contenders: {
    "Switchyard, SSE": (on) =>
      measure(on, async () => {
        using reader = Reader.events(on.systems.url("switchyard", EVENTS));
        await reader.hear(({ type }) => type === "stream.end");
        return reader.heard.filter(({ type }) => !type.startsWith("stream.")).length;
      }),
    [`Switchyard, JSON pages of ${PAGE}`]: (on) =>
      measure(on, () => readPages(on.systems.url("switchyard", EVENTS))),
  },
};
