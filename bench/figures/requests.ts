import { ask, askJson, load, median, until } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { agentAt } from "../jobs.ts";

const REQUESTS = 2_500;
const AT_ONCE = 8;
/** What is done before it is measured, so that code is compiled and connections are open. */
const WARM_UP = 1_500;

const ROOT_AGENT = agentAt("ada");
const CHILD_AGENT = agentAt("ada", 2);
const DEEP_AGENT = agentAt("ada", 4);

/** The ids of jobs that wait, by contender. */
const waiting = { engine: "", byHand: "" };

async function prepare({ systems }: Ground): Promise<void> {
  const job = { text: "some text" };
  const started = await askJson<{ id: string }>("POST", systems.url("engine", "/jobs"), job);
  waiting.engine = started.id;
  waiting.byHand = (await askJson<{ id: string }>("POST", systems.url("by-hand", "/ada/jobs"), job)).id;
  for (const agent of [ROOT_AGENT, CHILD_AGENT, DEEP_AGENT]) {
    const params = { params: job, id: "looked-at", metadata: { owner: "ada" } };
    await ask("POST", systems.url("switchyard", `${agent}/workflows/job`), params);
    const look = () =>
      askJson<{ status: string }>("GET", systems.url("switchyard", `${agent}/instances/looked-at`));
    await until(look, ({ status }) => status === "waiting");
  }
}

/** Asks one thing many times. */
async function measure({ systems }: Ground, url: URL): Promise<Sample> {
  await load(WARM_UP, AT_ONCE, () => ask("GET", url));
  const processor = systems.processor();
  const since = performance.now();
  const took = await load(REQUESTS, AT_ONCE, () => ask("GET", url));
  const seconds = (performance.now() - since) / 1_000;
  return {
    processor: ((systems.processor() - processor) / REQUESTS) * 1_000,
    p50: median(took),
    rate: REQUESTS / seconds,
  };
}

const trpcInput = encodeURIComponent(JSON.stringify({ name: "ada", instanceId: "looked-at" }));

/** One instance, read by its id. */
export const requests: Figure = {
  title: "Get by id",
  how: `${REQUESTS} requests, ${AT_ONCE} at a time, after ${WARM_UP} that do not count.`,
  columns: {
    processor: { heading: "processor a request, µs", digits: 0 },
    p50: { heading: "p50, ms", digits: 2 },
    rate: { heading: "requests a second", digits: 0 },
  },
  base: "by hand, two round trips",
  prepare,
  contenders: {
    "a Worker that answers": (on) => measure(on, on.systems.url("floor", "/plain")),
    "the same, by way of the development server": (on) => measure(on, on.systems.entryUrl("/plain")),
    "a Hono route": (on) => measure(on, on.systems.url("floor", "/hono/one")),
    "Worker → Durable Object → row": (on) => measure(on, on.systems.url("floor", "/row/one")),
    "engine: status": (on) => measure(on, on.systems.url("engine", `/jobs/${waiting.engine}`)),
    "by hand, two round trips": (on) => measure(on, on.systems.url("by-hand", `/ada/jobs/${waiting.byHand}`)),
    "by hand, one round trip": (on) =>
      measure(on, on.systems.url("by-hand", `/ada/at-once/jobs/${waiting.byHand}`)),
    "Switchyard, REST": (on) =>
      measure(on, on.systems.url("switchyard", `${ROOT_AGENT}/instances/looked-at`)),
    "Switchyard, sub-agent at depth 2": (on) =>
      measure(on, on.systems.url("switchyard", `${CHILD_AGENT}/instances/looked-at`)),
    "Switchyard, sub-agent at depth 4": (on) =>
      measure(on, on.systems.url("switchyard", `${DEEP_AGENT}/instances/looked-at`)),
    "Switchyard, tRPC": (on) =>
      measure(on, on.systems.url("switchyard", `/trpc/desk.getInstance?input=${trpcInput}`)),
  },
};
