import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

const RUMOURS = 150;
const AGENTS = ["/agents/workshop/gap", "/agents/workshop/gap/sub/bench/b"];
interface Page {
  readonly items: readonly { id: string; type: string; data: { progress?: unknown } }[];
  readonly nextCursor: string;
  readonly gap: boolean;
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const page = async (path: string): Promise<Page> =>
  (await gateway.get(path, { accept: "application/json" })).json<Page>();
const progressOf = ({ items }: Page): unknown[] =>
  items.filter(({ type }) => type === "instance.progress").map(({ data }) => data.progress);
/** Types of the frames of a stream that is read until it has caught up. */
const framesAfter = async (path: string, after: string): Promise<(string | undefined)[]> => {
  await using stream = await openStream(gateway, path, after === "" ? {} : { "last-event-id": after });
  await stream.until("stream.caught-up");
  return stream.received.map(({ event }) => event);
};

test.each(AGENTS)(
  "%s: what is dropped is told to who missed it, and a replay brings nothing of it back",
  async (agent) => {
    await gateway.post(`${agent}/workflows/silent`, { params: { answer: 1 }, id: "before" });
    await untilStatus(() => gateway.get(`${agent}/instances/before`), "complete");
    const early = (await page(`${agent}/events`)).nextCursor;
    const params = { rumours: RUMOURS };
    const started = await gateway.post(`${agent}/workflows/gossip`, { params, id: "g" });
    expect(started.status, started.text).toBe(202);
    const self = `${agent}/instances/g`;
    await untilStatus(() => gateway.get(self), "waiting");

    const kept = await page(`${self}/events?limit=100`);
    expect(kept.gap).toBe(false);
    expect(progressOf(kept).at(-1)).toBe(RUMOURS);
    expect(progressOf(kept).length).toBeLessThan(RUMOURS);
    for (const path of [`${self}/events`, `${agent}/events`]) {
      expect((await page(`${path}?after=${early}`)).gap).toBe(true);
      expect((await page(`${path}?after=${kept.nextCursor}`)).gap).toBe(false);
      expect((await framesAfter(path, early))[0]).toBe("stream.gap");
      expect(await framesAfter(path, "")).not.toContain("stream.gap");
    }

    await gateway.post(`${self}/pause`);
    await untilStatus(() => gateway.get(self), "paused");
    await gateway.post(`${self}/resume`);
    await untilStatus(() => gateway.get(self), "waiting");
    await until(
      () => gateway.post(`${self}/approve`, {}),
      ({ status }) => status === 200,
    );
    await untilStatus(() => gateway.get(self), "complete");
    const replayed = progressOf(await page(`${self}/events?after=${kept.nextCursor}`));
    expect(replayed).toEqual([RUMOURS + 1]);
  },
);

test("who follows an agent is told, once, that an instance took unseen events with it", async () => {
  const agent = "/agents/workshop/gone";
  const start = async (id: string): Promise<string> => {
    await gateway.post(`${agent}/workflows/silent`, { params: { answer: 1 }, id });
    await untilStatus(() => gateway.get(`${agent}/instances/${id}`), "complete");
    return (await page(`${agent}/events`)).nextCursor;
  };
  const seen = await start("first");
  await start("second");
  expect((await gateway.request("DELETE", `${agent}/instances/second`)).status).toBe(200);

  await using stream = await openStream(gateway, `${agent}/events`, { "last-event-id": seen });
  await stream.until("stream.caught-up");
  const told = stream.received.at(-1)?.id ?? "";
  // The socket is cut, and the Worker reads on from where it was.
  await gateway.harness.getWorker().evictDurableObject("WORKSHOP", { name: "gone", webSockets: "close" });
  await start("third");
  await stream.until("instance.completed");
  expect(stream.received.map(({ event }) => event)).toEqual([
    "stream.gap",
    "stream.caught-up",
    "instance.queued",
    "instance.started",
    "instance.completed",
  ]);
  expect(await framesAfter(`${agent}/events`, told)).not.toContain("stream.gap");
});
