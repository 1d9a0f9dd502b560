import { afterAll, beforeAll, expect, test } from "vitest";
import { followByEventSource, receivedFrom, TYPES } from "../support/event-source.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { runNaughty, saidIn } from "../support/naughty.ts";
import { startProxy } from "../support/proxy.ts";
import { eventsIn, openStream, type Received } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

interface Page {
  items: Received["data"][];
  nextCursor: string;
  ended: boolean;
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

async function pagesOf(path: string): Promise<Received["data"][]> {
  const items: Received["data"][] = [];
  for (let after = ""; ;) {
    const answer = await gateway.get(`${path}?limit=100${after}`, { accept: "application/json" });
    const { items: more, nextCursor, ended } = answer.json<Page>();
    items.push(...more);
    if (ended) return items;
    after = `&after=${nextCursor}`;
  }
}

test.each(["/agents/workshop/naughty", "/agents/workshop/naughty/sub/bench/b"])(
  "%s: whatever an author or an approver says comes out as it was said, by every reader alike",
  { timeout: 120_000 },
  async (agent) => {
    const { events, said } = await runNaughty(gateway, agent);
    const paged = await pagesOf(events);
    expect(saidIn(paged)).toEqual(said);

    await using stream = await openStream(gateway, events);
    await stream.closed;
    expect(stream.received.slice(0, -1)).toEqual(
      paged.map((event) => ({ id: (event as { id?: unknown }).id, event: event.type, data: event })),
    );

    await using proxy = await startProxy(gateway);
    const received = receivedFrom(
      await followByEventSource({ url: new URL(events, proxy.url).href, types: TYPES }),
    );
    expect(received).toEqual(stream.received);
  },
);

test("an EventSource that is cut comes back, gets every event once, and stays away after the end", async () => {
  const agent = "/agents/workshop/cut";
  await using proxy = await startProxy(gateway);
  const { links } = (
    await gateway.post(`${agent}/workflows/gated`, { params: { gates: ["one", "two"] } })
  ).json<{ links: { self: string; events: string } }>();
  const following = followByEventSource({ url: new URL(links.events, proxy.url).href, types: TYPES });
  for (const connections of [1, 2]) {
    await until(
      async () => proxy.passed.length,
      (passed) => passed === connections,
    );
    await untilStatus(() => gateway.get(links.self), "waiting");
    proxy.cut();
    expect((await gateway.post(`${links.self}/approve`, {})).status).toBe(200);
  }
  const received = receivedFrom(await following);
  expect(eventsIn(received).map(({ data }) => data)).toEqual(await pagesOf(links.events));
  expect(received.at(-1)?.event).toBe("stream.end");
  expect(proxy.passed.map(({ status }) => status)).toEqual([200, 200, 200, 204]);
  expect(proxy.passed.at(-1)?.lastEventId).toBe(received.at(-1)?.id);
});
