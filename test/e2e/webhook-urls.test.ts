import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startGateway } from "../support/gateway.ts";
import { HOSTILE_URLS, loopbackUrls } from "../support/hostile-urls.ts";
import { sends } from "../support/received.ts";
import { startReceiver } from "../support/receiver.ts";
import { startRuntime } from "../support/runtime.ts";
import { until } from "../support/until.ts";

const ENDPOINTS = "/webhooks/endpoints";

interface Endpoint {
  id: string;
  url: string;
  links: { self: string; deliveries: string };
}
interface Delivery {
  status: string;
  attemptCount: number;
  lastAttempt: { error: string | null } | null;
}

test("no hostile URL gets in, when an endpoint is made or changed, and nothing is sent to one", async () => {
  await using canary = await startReceiver();
  await using gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  const made = await gateway.post(ENDPOINTS, { url: "https://hooks.example.com/a" });
  expect(made.status).toBe(201);
  const { links } = made.json<Endpoint>();
  const urls = [...HOSTILE_URLS, ...loopbackUrls(Number(new URL(canary.url).port))];
  expect(urls.length).toBeGreaterThan(350);
  for (const url of urls) {
    for (const answer of [
      await gateway.post(ENDPOINTS, { url }),
      await gateway.request("PATCH", links.self, { url }),
    ]) {
      const { code, detail } = answer.json<{ code: string; detail: string }>();
      expect([answer.status, code], url).toEqual([422, "endpoint_url_refused"]);
      expect(detail).toMatch(/^\w.*\.$/);
    }
  }
  expect((await gateway.get(links.self)).json<Endpoint>().url).toBe("https://hooks.example.com/a");
  expect((await gateway.get(ENDPOINTS)).json<{ items: unknown[] }>().items).toHaveLength(1);
  expect(canary.connections()).toBe(0);
});

test("a URL that is not allowed any more is not sent to again", { timeout: 120_000 }, async () => {
  const storage = await mkdtemp(join(tmpdir(), "switchyard-"));
  sends(storage);
  const config = "test/fixtures/postroom/wrangler.jsonc";
  await using receiver = await startReceiver(() => ({ status: 500 }));
  let self: string;
  let id: string;
  let deliveryId: string;
  {
    await using runtime = await startRuntime(config, storage);
    const made = (await runtime.post(ENDPOINTS, { url: receiver.url })).json<Endpoint>();
    ({ id } = made);
    ({ self } = made.links);
    ({ deliveryId } = (await runtime.post(`${self}/test`)).json<{ deliveryId: string }>());
    await until(
      async () => (await runtime.get(`${self}/deliveries/${deliveryId}`)).json<Delivery>(),
      ({ attemptCount }) => attemptCount > 0,
    );
    await runtime.kill();
  }
  const hits = receiver.connections();
  {
    await using runtime = await startRuntime(config, storage, { SWITCHYARD_ALLOW_LOOPBACK_WEBHOOKS: "True" });
    await runtime.post(`/clocks/${id}?by=3600000`);
    const refused = await until(
      async () => (await runtime.get(`${self}/deliveries/${deliveryId}`)).json<Delivery>(),
      ({ lastAttempt }) => lastAttempt?.error === "url-refused",
    );
    expect(refused.status).toBe("pending");
    const asked = [
      await runtime.post(`${self}/test`),
      await runtime.post(`${self}/enable`),
      await runtime.post(`${self}/deliveries/${deliveryId}/redeliver`),
      await runtime.post(`${self}/redeliver`, { since: "2020-01-01T00:00:00Z" }),
      await runtime.request("PATCH", self, { enabled: true }),
      await runtime.request("PATCH", self, { url: receiver.url }),
    ];
    expect(asked.map((answer) => answer.json<{ code: string }>().code)).toEqual(
      asked.map(() => "endpoint_url_refused"),
    );
  }
  expect(receiver.connections()).toBe(hits);
  await rm(storage, { recursive: true, force: true });
});
