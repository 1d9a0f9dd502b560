import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { type Hit, isSignedWith, type Reaction, type Receiver, startReceiver } from "../support/receiver.ts";
import { until, untilStatus } from "../support/until.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ENDPOINTS = "/webhooks/endpoints";

interface Endpoint {
  id: string;
  url: string;
  enabled: boolean;
  disabled: { reason: string; at: string } | null;
  secret: string;
  links: { self: string; deliveries: string };
}
interface Delivery {
  id: string;
  type: string;
  status: string;
  createdAt: string;
  attemptCount: number;
  lastAttempt: { status: number | null; error: string | null } | null;
  nextAttemptAt: string | null;
  attempts: { at: string; status: number | null; error: string | null; nextAttemptAt: string | null }[];
}
interface Payload {
  type: string;
  timestamp: string;
  data: Record<string, unknown> & { links: Record<string, string> };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/postroom/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

let names = 0;
const unused = (): string => `agent-${(names += 1)}`;

async function endpoint(url: string, settings: object = {}): Promise<Endpoint> {
  const answer = await gateway.post(ENDPOINTS, { url, ...settings });
  expect(answer.status, answer.text).toBe(201);
  return answer.json<Endpoint>();
}
/** An endpoint of a new receiver that hears of one board. */
async function listening(react?: (hit: Hit, nth: number) => Reaction): Promise<{
  receiver: Receiver;
  made: Endpoint;
  board: string;
}> {
  const receiver = await startReceiver(react);
  const board = `/agents/board/${unused()}`;
  const made = await endpoint(receiver.url, { agents: [board], eventTypes: ["state.updated"] });
  return { receiver, made, board };
}
const change = async (board: string, n = 0): Promise<void> => {
  const answer = await gateway.request("PUT", `${board}/state`, { notes: [`note ${n}`] });
  expect(answer.status, answer.text).toBeLessThan(300);
};
const forward = async ({ id }: Endpoint, by: number): Promise<void> => {
  expect((await gateway.post(`/clocks/${id}?by=${by}`)).status).toBe(204);
};
const deliveries = async ({ links }: Endpoint, query = ""): Promise<Delivery[]> => {
  const answer = await gateway.get(`${links.deliveries}?limit=100${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json<{ items: Delivery[] }>().items;
};
const delivery = async ({ links }: Endpoint, id: string): Promise<Delivery> =>
  (await gateway.get(`${links.deliveries}/${id}`)).json<Delivery>();
const payload = ({ body }: Hit): Payload => JSON.parse(body) as Payload;
const hitsOf = (receiver: Receiver, count: number): Promise<readonly Hit[]> =>
  until(
    async () => receiver.hits,
    (hits) => hits.length >= count,
  );
const attempts = (one: Endpoint, id: string, count: number): Promise<Delivery> =>
  until(
    () => delivery(one, id),
    ({ attemptCount }) => attemptCount >= count,
  );

describe("what happens is told", () => {
  test("of an instance, signed and thin, in messages that the log shows", async () => {
    await using receiver = await startReceiver();
    const agent = `/agents/workshop/${unused()}`;
    const made = await endpoint(receiver.url, { agents: [agent] });
    const started = await gateway.post(`${agent}/workflows/gated`, {
      params: { gates: ["a gate"] },
      metadata: { owner: "secret owner" },
      id: "one",
    });
    expect(started.status, started.text).toBe(202);
    const self = `${agent}/instances/one`;
    await untilStatus(() => gateway.get(self), "waiting");
    expect((await gateway.post(`${self}/approve`, { metadata: { signature: "secret mark" } })).status).toBe(
      200,
    );
    await untilStatus(() => gateway.get(self), "complete");
    const hits = await until(
      async () => receiver.hits,
      (all) => all.some((hit) => payload(hit).type === "instance.completed"),
    );
    expect(hits.every((hit) => isSignedWith(made.secret, hit))).toBe(true);
    const told = await until(
      async () =>
        receiver.hits.map(payload).toSorted((a, b) => Number(a.data["seq"]) - Number(b.data["seq"])),
      (all) => all.length >= 7,
    );
    expect(told.map(({ type }) => type)).toEqual(
      [
        "instance.queued",
        "instance.started",
        "instance.waiting",
        "approval.requested",
        "approval.decided",
        "instance.resumed",
        "instance.completed",
      ].filter((type) => told.some((one) => one.type === type)),
    );
    const requested = told.find(({ type }) => type === "approval.requested");
    expect(requested?.data).toMatchObject({
      agent,
      instanceId: "one",
      workflow: "gated",
      attempt: 1,
      approval: { stepName: "a gate", summary: "Open a gate?", status: "pending", decidedBy: null },
    });
    expect((await gateway.get(requested?.data.links["approval"] ?? "")).status).toBe(200);
    expect(told.at(-1)?.data).toMatchObject({ status: "complete", links: { instance: self } });
    expect(receiver.hits.map(({ body }) => body).join()).not.toContain("secret");
    const log = await until(
      () => deliveries(made),
      (all) => all.every(({ status }) => status === "delivered"),
    );
    expect(log.map(({ id }) => id).toSorted()).toEqual(
      [...new Set(receiver.hits.map(({ id }) => id))].toSorted(),
    );
  });
});
