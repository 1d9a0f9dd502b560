import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream } from "../support/stream.ts";
import { untilStatus } from "../support/until.ts";

interface Started {
  links: { self: string; events: string };
}
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

test("probe", { timeout: 30_000 }, async () => {
  const job = (
    await gateway.post("/agents/workshop/probe/workflows/stepwise", {
      params: { expire: true, giveUp: true },
    })
  ).json<Started>();
  console.log(job);
  const stream = await openStream(gateway, `${job.links.events}?include=steps`);
  await stream.until("approval.requested");
  await gateway.post(`${job.links.self}/approve`, {});
  await untilStatus(() => gateway.get(job.links.self), "waiting");
  await stream.until("approval.decided");
  await new Promise((r) => setTimeout(r, 3000));
  await gateway.post(`${job.links.self}/events`, { type: "parcel-arrived", payload: { parcel: "x" } });
  await stream.closed;
  for (const { id, event, data } of stream.received)
    console.log(id, event, JSON.stringify(data.data), (data as { time?: string }).time);
  const page = await gateway.get(`${job.links.events}?include=steps&limit=100`, {
    accept: "application/json",
  });
  expect(page.json<{ items: { type: string }[] }>().items.map(({ type }) => type)).toEqual([]);
});
