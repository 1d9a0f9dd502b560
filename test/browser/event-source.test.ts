import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { followByEventSource, receivedFrom, TYPES } from "../support/event-source.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { runNaughty } from "../support/naughty.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { eventsIn, openStream, type Received } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

let gateway: TestGateway;
let browser: Browser;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  browser = await startBrowser();
});
afterAll(async () => {
  await browser.close();
  await gateway.harness.close();
});

/** Follows a stream in a page of the same origin, until its EventSource does not come back any more. */
async function follow(proxy: Proxy, events: string): Promise<Received[]> {
  const page = await browser.newPage();
  try {
    await page.goto(proxy.url.href);
    const text = await page.evaluate(followByEventSource, {
      url: new URL(events, proxy.url).href,
      types: TYPES,
    });
    return receivedFrom(text);
  } finally {
    await page.close();
  }
}

async function inFull(events: string): Promise<readonly Received[]> {
  await using stream = await openStream(gateway, events);
  await stream.closed;
  return stream.received;
}

test.each(["/agents/workshop/cut", "/agents/workshop/cut/sub/bench/b"])(
  "the EventSource of a browser follows an instance of %s through cuts to its end, and then stays away",
  async (agent) => {
    await using proxy = await startProxy(gateway);
    const started = await gateway.post(`${agent}/workflows/gated`, { params: { gates: ["one", "two"] } });
    const { links } = started.json<{ links: { self: string; events: string } }>();
    const following = follow(proxy, links.events);
    for (const connections of [1, 2]) {
      await until(
        async () => proxy.passed.length,
        (passed) => passed === connections,
      );
      await untilStatus(() => gateway.get(links.self), "waiting");
      proxy.cut();
      expect((await gateway.post(`${links.self}/approve`, {})).status).toBe(200);
    }
    const received = await following;
    expect(proxy.passed.map(({ status }) => status)).toEqual([200, 200, 200, 204]);
    expect(proxy.passed.at(-1)?.lastEventId).toBe(received.at(-1)?.id);
    expect(eventsIn(received)).toEqual(eventsIn(await inFull(links.events)));
    expect(received.at(-1)?.event).toBe("stream.end");
  },
);

test("a browser reads every text as other readers do", { timeout: 120_000 }, async () => {
  const { events } = await runNaughty(gateway, "/agents/workshop/naughty");
  await using proxy = await startProxy(gateway);
  expect(await follow(proxy, events)).toEqual(await inFull(events));
});
