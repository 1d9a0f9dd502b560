import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

interface Started {
  id: string;
  links: { self: string; events: string };
}
interface Page {
  items: { id: string; type: string; instanceId: string }[];
  nextCursor: string;
  ended: boolean;
}

const AGENTS = ["/agents/workshop/events", "/agents/workshop/events/sub/bench/b"];
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const start = async (agent: string, workflow: string, params: object): Promise<Started> =>
  (await gateway.post(`${agent}/workflows/${workflow}`, { params })).json<Started>();
const page = async (path: string): Promise<Page> =>
  (await gateway.get(path, { accept: "application/json" })).json<Page>();

test.each(AGENTS)(
  "%s: a reader who comes back with Last-Event-ID gets exactly the later events",
  async (agent) => {
    const job = await start(agent, "gated", { gates: ["one", "two"] });
    const before = await openStream(gateway, job.links.events);
    const asked = await before.until("approval.requested");
    await before[Symbol.asyncDispose]();

    await gateway.post(`${job.links.self}/approve`, {});
    await using after = await openStream(gateway, job.links.events, { "last-event-id": asked.id ?? "" });
    await after.until("approval.requested");
    await gateway.post(`${job.links.self}/approve`, {});
    await after.closed;
    expect(after.received.map(({ event }) => event).filter((type) => type !== "stream.caught-up")).toEqual([
      "approval.decided",
      "instance.waiting",
      "approval.requested",
      "approval.decided",
      "instance.completed",
      "stream.end",
    ]);

    const end = after.received.at(-1)?.id ?? "";
    expect((await openStream(gateway, job.links.events, { "last-event-id": end })).status).toBe(204);
  },
);

test.each(AGENTS)("%s: the same events come as pages, with the same cursors", async (agent) => {
  const job = await start(agent, "chatty", { rounds: 3 });
  await using stream = await openStream(gateway, job.links.events);
  await stream.closed;
  const streamed = stream.received.filter(({ event }) => !event?.startsWith("stream."));

  const paged: Page["items"] = [];
  let cursor = "";
  let ended = false;
  while (!ended) {
    const next = await page(`${job.links.events}?limit=4${cursor && `&after=${cursor}`}`);
    paged.push(...next.items);
    cursor = next.nextCursor;
    ({ ended } = next);
  }
  expect(paged).toEqual(streamed.map(({ data }) => data));
  expect(paged.map(({ id }) => id)).toEqual(streamed.map(({ id }) => id));
});

test.each([
  ["an instance of an agent", "/agents/workshop/asleep", (job: Started) => job.links.events],
  ["an agent", "/agents/workshop/drowsy", () => "/agents/workshop/drowsy/events"],
  ["an instance of a sub-agent", "/agents/workshop/dozing/sub/bench/b", (job: Started) => job.links.events],
  [
    "a sub-agent",
    "/agents/workshop/nodding/sub/bench/b",
    () => "/agents/workshop/nodding/sub/bench/b/events",
  ],
])("the stream of %s lets it be evicted, and has what happens next", async (_, agent, eventsOf) => {
  const root = agent.replace(/\/sub.*/, "");
  const inside = async (path: string) =>
    (await gateway.post(`${path}/methods/inside`, {})).json<{ life: string; sockets: number }>();

  const job = await start(agent, "gated", {});
  await untilStatus(() => gateway.get(job.links.self), "waiting");
  await using stream = await openStream(gateway, eventsOf(job));
  await stream.until("stream.caught-up");
  await until(
    () => inside(root),
    ({ sockets }) => sockets === 1,
  );
  const before = [await inside(root), await inside(agent)];

  const name = root.split("/").at(-1) ?? "";
  await gateway.harness.getWorker().evictDurableObject("WORKSHOP", { name, webSockets: "hibernate" });
  // Of a sub-agent the platform evicts the root alone.
  if (agent !== root) await gateway.post(`${root}/methods/stop`, { bench: "b" });
  await gateway.post(`${job.links.self}/approve`, { metadata: { signature: "after the sleep" } });
  await stream.until("instance.completed");
  const types = stream.received.map(({ event }) => event).filter((type) => type !== "stream.end");
  expect(types.slice(types.indexOf("stream.caught-up") + 1)).toEqual([
    "approval.decided",
    "instance.completed",
  ]);
  // They live anew: what they knew of the stream was in the socket alone.
  for (const [at, path] of [root, agent].entries()) {
    expect((await inside(path)).life, path).not.toBe(before[at]?.life);
  }
});

test.each(AGENTS)(
  "%s: a stream whose socket is cut goes on by itself, without a gap or a double",
  async (agent) => {
    const job = await start(agent, "gated", { gates: ["one", "two"] });
    await using stream = await openStream(gateway, job.links.events);
    await stream.until("approval.requested");
    await gateway.harness.getWorker().evictDurableObject("WORKSHOP", { name: "events", webSockets: "close" });
    await gateway.post(`${job.links.self}/approve`, {});
    await untilStatus(() => gateway.get(job.links.self), "waiting");
    await gateway.post(`${job.links.self}/approve`, {});
    await stream.closed;
    const ids = stream.received.filter(({ event }) => !event?.startsWith("stream.")).map(({ id }) => id);
    expect(ids).toEqual((await page(job.links.events)).items.map(({ id }) => id));
    expect(stream.received.at(-1)?.event).toBe("stream.end");
  },
);

test.each([
  ["an instance of an agent", "/agents/workshop/polled", (job: Started) => job.links.events],
  ["an agent", "/agents/workshop/polled-all", () => "/agents/workshop/polled-all/events"],
  ["an instance of a sub-agent", "/agents/workshop/polled/sub/bench/b", (job: Started) => job.links.events],
])("a page of %s is held by Prefer: wait until there is an event", async (_, agent, eventsOf) => {
  const poll = async (path: string, wait: number) => {
    const answer = await gateway.get(path, { accept: "application/json", prefer: `wait=${wait}` });
    expect(answer.headers.get("preference-applied")).toBe(`wait=${wait}`);
    return answer.json<Page>();
  };
  const job = await start(agent, "gated", {});
  await untilStatus(() => gateway.get(job.links.self), "waiting");
  const kept = await poll(eventsOf(job), 60);
  expect(kept.items.map(({ type }) => type)).toContain("instance.queued");

  const after = `${eventsOf(job)}?after=${kept.nextCursor}`;
  expect(await poll(after, 1)).toEqual({
    items: [],
    nextCursor: kept.nextCursor,
    ended: false,
    gap: false,
  });
  const held = poll(after, 60);
  await gateway.post(`${job.links.self}/approve`, {});
  expect((await held).items[0]).toMatchObject({ type: "approval.decided" });

  await untilStatus(() => gateway.get(job.links.self), "complete");
  const { items, nextCursor } = await page(`${job.links.events}?after=${kept.nextCursor}`);
  expect(items.at(-1)?.type).toBe("instance.completed");
  // After the end there is nothing to wait for.
  expect(await poll(`${job.links.events}?after=${nextCursor}`, 60)).toEqual({
    items: [],
    nextCursor,
    ended: true,
    gap: false,
  });
});

test("the stream of an agent tells of all its instances, and of those to come", async () => {
  const agent = "/agents/workshop/crowd";
  const first = await start(agent, "silent", { answer: 1 });
  await untilStatus(() => gateway.get(first.links.self), "complete");
  await using stream = await openStream(gateway, `${agent}/events`);
  await stream.until("stream.caught-up");
  const second = await start(agent, "silent", { answer: 2 });
  await untilStatus(() => gateway.get(second.links.self), "complete");
  const all = await page(`${agent}/events`);
  await stream.until("instance.completed");
  expect(new Set(all.items.map(({ instanceId }) => instanceId))).toEqual(new Set([first.id, second.id]));
  expect(all.ended).toBe(false);
});

test("a run that reports one thing after the other holds up no request", async () => {
  const job = await start("/agents/workshop/rush", "babbling", { numbers: 600 });
  // Held up, the first answer of all would come after the end.
  expect(["queued", "running"]).toContain(
    (await gateway.get(job.links.self)).json<{ status: string }>().status,
  );
  await untilStatus(() => gateway.get(job.links.self), "complete");
});

test("an author's broadcast and state reach no tail, and a tail reaches no hook of the author", async () => {
  const agent = "/agents/workshop/quiet";
  const job = await start(agent, "gated", {});
  await using stream = await openStream(gateway, job.links.events);
  await stream.until("approval.requested");
  const { tail_key: tailKey } = await metaOf("quiet");
  const frames: string[] = [];
  const socket = await openSocket("quiet", {
    "x-switchyard-tail-key": tailKey ?? "",
    "x-switchyard-tail-agent": agent,
    "x-switchyard-tail-after": stream.received.at(-1)?.id ?? "",
  });
  socket.addEventListener("message", ({ data }) => frames.push(String(data)));
  socket.accept();

  await gateway.post(`${agent}/methods/open`, { motto: "state goes to the author's clients" });
  const shouted = await gateway.post(`${agent}/methods/shout`, { text: "and so does this" });
  expect(shouted.json()).toEqual({ reached: [] });
  await gateway.post(`${job.links.self}/approve`, {});
  await stream.closed;
  await until(
    async () => frames.length,
    (n) => n >= 3,
  );
  // That the state changed is an event; the state itself is not sent.
  expect(frames.join()).not.toContain("state goes to the author's clients");
  expect(frames.map((frame) => (JSON.parse(frame) as { type: string }).type)).toEqual([
    "state.updated",
    "approval.decided",
    "instance.completed",
  ]);
  socket.close();
});

test("who does not know the key of an agent opens no tail of it", async () => {
  const agent = "/agents/workshop/locked";
  await start(agent, "gated", {});
  const socket = await openSocket("locked", {
    "x-switchyard-tail-key": "guessed",
    "x-switchyard-tail-agent": agent,
    "x-switchyard-tail-after": "00000000-0",
  });
  const closed = new Promise<number>((resolve) =>
    socket.addEventListener("close", ({ code }) => resolve(code)),
  );
  socket.accept();
  expect(await closed).toBe(1008);
});

test("a client of the SDK's router passes no gate of the author by a forged key", async () => {
  await start("/agents/workshop/gatekeeper", "gated", {});
  const socket = await openSocket("gatekeeper", { "x-switchyard-tail-key": "guessed" }, "/sub/bench/forged");
  const closed = new Promise<number>((resolve) =>
    socket.addEventListener("close", ({ code }) => resolve(code)),
  );
  socket.accept();
  // The SDK tells a refusal by the code of the close.
  expect(await closed).not.toBe(1000);
  const storage = await gateway.harness
    .getWorker()
    .getDurableObjectStorage("WORKSHOP", { name: "gatekeeper" });
  const children = await storage.exec("SELECT name FROM sqlite_master WHERE name = 'cf_agents_sub_agents'");
  expect(children).toEqual([]);
});

interface Socket {
  accept(): void;
  close(): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { code: number }) => void): void;
}
interface Namespace {
  idFromName(name: string): unknown;
  get(id: unknown): {
    fetch(url: string, init: object): Promise<{ status: number; webSocket: Socket | null }>;
  };
}

/** Opens a socket to a root agent as the SDK's router would, past the gateway. */
async function openSocket(name: string, headers: Record<string, string>, path = "/"): Promise<Socket> {
  const { WORKSHOP } = await gateway.harness.getWorker<{ WORKSHOP: Namespace }>().getEnv();
  const stub = WORKSHOP.get(WORKSHOP.idFromName(name));
  const response = await stub.fetch(`http://agent${path}`, { headers: { upgrade: "websocket", ...headers } });
  if (response.webSocket === null) throw new Error(`the socket was refused: ${response.status}`);
  return response.webSocket;
}

async function metaOf(name: string): Promise<Record<string, string>> {
  const storage = await gateway.harness.getWorker().getDurableObjectStorage("WORKSHOP", { name });
  const rows = await storage.exec("SELECT key, value FROM switchyard_meta");
  return Object.fromEntries(rows.map((row) => [String(row["key"]), String(row["value"])]));
}
