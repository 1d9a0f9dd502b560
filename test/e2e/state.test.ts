import { AgentClient } from "agents/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

interface StateEvent {
  readonly type: string;
  readonly data: { readonly etag: string; readonly source: string };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

/** Everything that an agent has told of itself and its instances. */
const eventsOf = async (agent: string): Promise<StateEvent[]> =>
  (await gateway.get(`${agent}/events`, { accept: "application/json" })).json<{ items: StateEvent[] }>()
    .items;
const sourcesOf = async (agent: string): Promise<string[]> =>
  (await eventsOf(agent)).filter(({ type }) => type === "state.updated").map(({ data }) => data.source);

/** A client of the SDK, with every state that it was told of. */
async function connect(agent: string, name: string) {
  const states: unknown[] = [];
  const refused: string[] = [];
  const client = new AgentClient({
    agent,
    name,
    host: gateway.url.host,
    prefix: "sdk",
    onStateUpdate: (state, source) => {
      if (source === "server") states.push(state);
    },
    onStateUpdateError: (error) => refused.push(error),
  });
  await client.ready;
  return { client, states, refused, [Symbol.dispose]: () => client.close() };
}

test("an agent with a state and no workflow tells of every change, whoever makes it, and a client of the SDK is in step", async () => {
  const agent = "/agents/board/hall";
  expect((await gateway.post(`${agent}/methods/write`, { text: "by the agent" })).status).toBe(200);
  await using stream = await openStream(gateway, `${agent}/events`);
  await stream.until("stream.caught-up");
  using sdk = await connect("board", "hall");

  const put = await gateway.request("PUT", `${agent}/state`, { text: "by rest" });
  await gateway.request("PATCH", `${agent}/state`, { text: "by rest, merged" });
  await gateway.request("DELETE", `${agent}/state`);
  sdk.client.setState({ text: "by a client" });
  await until(
    () => sourcesOf(agent),
    (sources) => sources.length === 5,
  );
  await gateway.post(`${agent}/methods/write`, { text: "by the agent again" });
  await until(
    async () => sdk.states.length,
    (n) => n === 5,
  );

  expect(await sourcesOf(agent)).toEqual(["agent", "rest", "rest", "rest", "client", "agent"]);
  expect(sdk.states).toEqual([
    { text: "by the agent" },
    { text: "by rest" },
    { text: "by rest, merged" },
    { text: "" },
    // Of its own change a client is not told.
    { text: "by the agent again" },
  ]);
  const events = await eventsOf(agent);
  expect(events[1]?.data.etag).toBe(put.headers.get("etag"));
  expect(events.at(-1)?.data.etag).toBe((await gateway.get(`${agent}/state`)).headers.get("etag"));
  expect(events[0]).not.toHaveProperty("instanceId");
  const streamed = () => stream.received.filter(({ event }) => event === "state.updated");
  await until(
    async () => streamed().length,
    (n) => n === events.length,
  );
  expect(streamed().map(({ data }) => data)).toEqual(events);
});

test("what changes nothing, or is refused, is no event and reaches no client", async () => {
  const agent = "/agents/board/quiet";
  await gateway.post(`${agent}/methods/write`, { text: "as it is" });
  using sdk = await connect("board", "quiet");
  await gateway.request("PUT", `${agent}/state`, { text: "as it is" });
  expect((await gateway.request("PUT", `${agent}/state`, { text: 1 })).status).toBe(400);
  expect((await gateway.request("PUT", `${agent}/state`, { text: "forbidden" })).status).not.toBe(200);
  sdk.client.setState({ text: "forbidden" });
  await until(
    async () => sdk.refused.length,
    (n) => n === 1,
  );
  await gateway.request("PUT", `${agent}/state`, { text: "another" });
  await until(
    async () => sdk.states.at(-1),
    (state) => JSON.stringify(state) === '{"text":"another"}',
  );
  expect(sdk.states).toEqual([{ text: "as it is" }, { text: "as it is" }, { text: "another" }]);
  expect(await sourcesOf(agent)).toEqual(["agent", "rest"]);
});

test("a change that an idempotency key repeats is one event, also while the author's hook changes the state itself", async () => {
  const agent = "/agents/board/hooked";
  await gateway.post(`${agent}/methods/write`, { text: "first" });
  const ask = () =>
    gateway.request("PUT", `${agent}/state`, { text: "ping" }, { "idempotency-key": "state-key-1" });
  const [first, again] = [await ask(), await ask()];
  expect(again.text).toBe(first.text);
  await until(
    () => gateway.get(`${agent}/state`),
    (answer) => answer.json<{ state: { text: string } }>().state.text === "pong",
  );
  expect(await sourcesOf(agent)).toEqual(["agent", "rest", "agent"]);
});

test("reading brings no agent into being, and neither does a client that only looks", async () => {
  const agent = "/agents/board/nobody";
  using sdk = await connect("board", "nobody");
  expect(sdk.client.state).toEqual({ text: "" });
  expect((await gateway.get(`${agent}/state`)).status).toBe(404);
  expect((await gateway.get(`${agent}/events`)).status).toBe(404);
  sdk.client.setState({ text: "now it is" });
  await until(
    () => gateway.get(`${agent}/state`),
    ({ status }) => status === 200,
  );
  expect(await sourcesOf(agent)).toEqual(["client"]);
});

test.each(["/agents/workshop/scribes", "/agents/workshop/scribes/sub/bench/b"])(
  "%s: what a workflow writes is told once each, between its events, and not in its own stream",
  async (agent) => {
    const started = await gateway.post(`${agent}/workflows/scribe`, { params: {}, id: "s" });
    expect(started.status, started.text).toBe(202);
    const self = `${agent}/instances/s`;
    await untilStatus(() => gateway.get(self), "complete");
    expect((await eventsOf(agent)).map(({ type }) => type)).toEqual([
      "instance.queued",
      "instance.started",
      "state.updated",
      "state.updated",
      "state.updated",
      "instance.completed",
    ]);
    expect(await sourcesOf(agent)).toEqual(["workflow", "workflow", "workflow"]);
    const own = await eventsOf(self);
    expect(own.map(({ type }) => type)).toEqual([
      "instance.queued",
      "instance.started",
      "instance.completed",
    ]);
  },
);

test("a client of the SDK is in step with what a workflow writes", async () => {
  const agent = "/agents/workshop/watched";
  using sdk = await connect("workshop", "watched");
  await gateway.post(`${agent}/workflows/scribe`, { params: {}, id: "s" });
  await untilStatus(() => gateway.get(`${agent}/instances/s`), "complete");
  await until(
    async () => sdk.states.length,
    (n) => n === 4,
  );
  expect(sdk.states).toEqual([{ motto: "measure twice" }, { motto: "cut once" }, { motto: "cut once" }, {}]);
  expect((await gateway.get(`${agent}/state`)).json()).toMatchObject({ state: {} });
});

test("the state and its event outlive the agent's sleep together", async () => {
  const agent = "/agents/board/sleeper";
  await gateway.post(`${agent}/methods/write`, { text: "before" });
  await gateway.harness.getWorker().evictDurableObject("BOARD", { name: "sleeper" });
  await gateway.request("PUT", `${agent}/state`, { text: "before" });
  expect(await sourcesOf(agent)).toEqual(["agent"]);
  await gateway.harness.getWorker().evictDurableObject("BOARD", { name: "sleeper" });
  await gateway.post(`${agent}/methods/write`, { text: "after" });
  expect(await sourcesOf(agent)).toEqual(["agent", "agent"]);
});
