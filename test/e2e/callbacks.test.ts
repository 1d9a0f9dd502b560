import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestGateway } from "../support/gateway.ts";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { until, untilStatus } from "../support/until.ts";

const CONFIG = "test/fixtures/workshop/wrangler.jsonc";
const AGENTS = ["/agents/workshop/diarist", "/agents/workshop/diarist/sub/bench/b"];

let storage: string;
let runtime: Runtime;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
  runtime = await startRuntime(CONFIG, storage);
});
afterAll(async () => {
  await runtime.kill();
  await rm(storage, { recursive: true, force: true });
});

type Client = Pick<TestGateway, "get" | "post">;
const herald = async (client: Client, agent: string, id: string, news: string[]): Promise<void> => {
  const answer = await client.post(`${agent}/workflows/herald`, { params: { news }, id });
  expect(answer.status, answer.text).toBe(202);
};
const entriesOf = async (client: Client, agent: string): Promise<string[]> =>
  (await client.post(`${agent}/methods/diary`, {})).json<{ entries: string[] }>().entries;
const untilEntry = (client: Client, agent: string, entry: string): Promise<string[]> =>
  until(
    () => entriesOf(client, agent),
    (entries) => entries.includes(entry),
  );
const letGo = async (client: Client, agent: string, id: string): Promise<void> => {
  await until(
    () => client.post(`${agent}/instances/${id}/events`, { type: "go", payload: null }),
    ({ status }) => status === 200,
  );
  await untilStatus(() => client.get(`${agent}/instances/${id}`), "complete");
};

test.each(AGENTS)("%s: the author is called once with each, in order, also if it throws", async (agent) => {
  await herald(runtime, agent, "calm", ["first", "thrown at", "last"]);
  const entries = await untilEntry(runtime, agent, "ended calm last");
  expect(entries).toEqual(
    ["first", "thrown at", "last"].flatMap((news) => [`began calm ${news}`, `ended calm ${news}`]),
  );
  await letGo(runtime, agent, "calm");
  expect(await entriesOf(runtime, agent)).toEqual(entries);
});

test(
  "a callback that is cut short by the death of the process is called again by the next one, before what follows",
  { timeout: 100_000 },
  async () => {
    const news = ["before", "endless", "after"];
    for (const agent of AGENTS) {
      await herald(runtime, agent, "cut", news);
      await untilEntry(runtime, agent, "began cut endless");
      // Neither another instance nor a message to the engine waits for a callback that does not end.
      await herald(runtime, agent, "beside", ["aside"]);
      await untilEntry(runtime, agent, "ended beside aside");
      await letGo(runtime, agent, "beside");
    }
    await runtime.kill();
    runtime = await startRuntime(CONFIG, storage);
    for (const agent of AGENTS) {
      await untilEntry(runtime, agent, "ended cut endless");
      await letGo(runtime, agent, "cut");
      const entries = await entriesOf(runtime, agent);
      expect(entries.filter((entry) => entry.includes(" cut "))).toEqual([
        "began cut before",
        "ended cut before",
        "began cut endless",
        "began cut endless",
        "ended cut endless",
        "began cut after",
        "ended cut after",
      ]);
    }
  },
);
