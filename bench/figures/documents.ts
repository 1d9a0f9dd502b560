import { ask, load, median } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { Systems } from "../systems.ts";

const REQUESTS = 150;
const AT_ONCE = 8;
const WARM_UP = 30;

/** Asks for one thing many times. */
async function measure(
  systems: Systems,
  url: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<Sample> {
  await load(WARM_UP, AT_ONCE, () => ask("GET", url, undefined, headers));
  const processor = systems.processor();
  const took = await load(REQUESTS, AT_ONCE, () => ask("GET", url, undefined, headers));
  const used = systems.processor() - processor;
  const { text } = await ask("GET", url, undefined, headers);
  return { p50: median(took), processor: (used / REQUESTS) * 1_000, size: Buffer.byteLength(text) / 1_024 };
}

/** Asks a Worker that has answered something else before, for what it has to make first. */
async function measureFirst({ builds }: Ground, path: string): Promise<Sample> {
  await using systems = await Systems.start(builds, ["switchyard"]);
  await ask("GET", systems.url("switchyard", "/limits"));
  const processor = systems.processor();
  const since = performance.now();
  const { text } = await ask("GET", systems.url("switchyard", path));
  const p50 = performance.now() - since;
  return { p50, processor: (systems.processor() - processor) * 1_000, size: Buffer.byteLength(text) / 1_024 };
}

const documentAt = ({ systems }: Ground, path: string): Promise<Sample> =>
  measure(systems, systems.url("switchyard", path));

/** What the gateway says of itself. */
export const documents: Figure = {
  title: "Documents",
  how: `${REQUESTS} requests, ${AT_ONCE} at a time, after ${WARM_UP} that do not count; but of what is the first of its Worker one, to a Worker that has answered other things.`,
  columns: {
    p50: { heading: "p50, ms", digits: 2 },
    processor: { heading: "processor a request, µs", digits: 0 },
    size: { heading: "size, KiB", digits: 0 },
  },
  base: "/openapi.json",
  contenders: {
    "a Worker that answers": ({ systems }) => measure(systems, systems.url("floor", "/plain")),
    "/openapi.json, first of its Worker": (on) => measureFirst(on, "/openapi.json"),
    "/openapi.json": (on) => documentAt(on, "/openapi.json"),
    "/openapi.json, not changed": async ({ systems }) => {
      const url = systems.url("switchyard", "/openapi.json");
      const { headers } = await ask("GET", url);
      return measure(systems, url, { "if-none-match": headers.etag ?? "" });
    },
    "/openapi.yaml, first of its Worker": (on) => measureFirst(on, "/openapi.yaml"),
    "/openapi.yaml": (on) => documentAt(on, "/openapi.yaml"),
    "/openapi/desk.json": (on) => documentAt(on, "/openapi/desk.json"),
    "/docs": (on) => documentAt(on, "/docs"),
  },
};
