import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway } from "../support/gateway.ts";
import { type Hit, isSignedWith, type Reaction, type Receiver, startReceiver } from "../support/receiver.ts";
import { type Runtime, startRuntime } from "../support/runtime.ts";
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
interface EndpointPage {
  items: Endpoint[];
  nextCursor: string | null;
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

const CONFIG = "test/fixtures/postroom/wrangler.jsonc";

// A runtime of its own: the test harness sends what a Worker fetches by way of Node, which shows redirects and cuts otherwise.
let gateway: Runtime;
let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
  gateway = await startRuntime(CONFIG, storage);
});
afterAll(async () => {
  await gateway.kill();
  await rm(storage, { recursive: true, force: true });
});

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
  const answer = await gateway.post(`${board}/methods/write`, { text: `note ${n}` });
  expect(answer.status, answer.text).toBe(200);
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
    const hits = await hitsOf(receiver, 6);
    expect(hits.every((hit) => isSignedWith(made.secret, hit))).toBe(true);
    const told = hits
      .map(payload)
      .toSorted((one, other) => Number(one.data["seq"]) - Number(other.data["seq"]));
    const events = (await gateway.get(`${self}/events`, { accept: "application/json" })).json<{
      items: { id: string; type: string }[];
    }>().items;
    expect(told.map(({ type, data }) => `${type} ${String(data["event"])}`)).toEqual(
      events.map(({ type, id }) => `${type} ${id}`),
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

  test("of an agent below, and of none that the patterns leave out", async () => {
    await using receiver = await startReceiver();
    const name = unused();
    const bench = `/agents/workshop/${name}/sub/bench/b`;
    await endpoint(receiver.url, { agents: ["/agents/workshop/*/sub/bench/b"], workflows: ["silent"] });
    for (const agent of [`/agents/workshop/${name}`, bench]) {
      const params = { params: { answer: 1 }, id: "one" };
      expect((await gateway.post(`${agent}/workflows/silent`, params)).status).toBe(202);
      await untilStatus(() => gateway.get(`${agent}/instances/one`), "complete");
    }
    await hitsOf(receiver, 3);
    expect(new Set(receiver.hits.map((hit) => payload(hit).data["agent"]))).toEqual(new Set([bench]));
  });

  test("that a sub-agent did before it was deleted", async () => {
    await using receiver = await startReceiver();
    const bench = `/agents/workshop/${unused()}/sub/bench/b`;
    await endpoint(receiver.url, { agents: [bench], eventTypes: ["instance.queued"] });
    await gateway.post(`${bench}/workflows/gated`, { params: {} });
    expect((await gateway.request("DELETE", bench)).status).toBeLessThan(300);
    await until(
      () => gateway.get(bench),
      ({ status }) => status === 404,
    );
    expect(payload((await hitsOf(receiver, 1))[0] as Hit).type).toBe("instance.queued");
  });

  test("to nobody costs no row", async () => {
    const board = `/agents/board/${unused()}`;
    await change(board);
    const written = await until(
      async () => (await gateway.post(`/rows${board}`)).json<{ announcements: number; ordinal: number }>(),
      ({ announcements }) => announcements === 0,
    );
    for (let n = 1; n <= 5; n += 1) await change(board, n);
    expect((await gateway.post(`/rows${board}`)).json()).toEqual(written);
  });

  test("with a link by which the approval is decided, if the endpoint asks for it", async () => {
    await using receiver = await startReceiver();
    const agent = `/agents/workshop/${unused()}`;
    const approvalLinks = { for: "finance team", decisions: ["reject"] };
    await endpoint(receiver.url, { agents: [agent], eventTypes: ["approval.requested"], approvalLinks });
    await gateway.post(`${agent}/workflows/gated`, { params: {}, id: "one" });
    const [hit] = await hitsOf(receiver, 1);
    const { links } = payload(hit as Hit).data;
    expect(links["decide"]).toMatch(new RegExp(`^${gateway.url.origin}/approvals/`));
    const open = (await gateway.get(`${links["approval"]}/links`)).json<{ items: object[] }>().items;
    expect(open).toEqual([
      expect.objectContaining({ for: "finance team", decisions: ["reject"], status: "open" }),
    ]);
  });
});

describe("what does not arrive is sent again", () => {
  test("on the schedule, with the same id and body, and with a new time and signature", async () => {
    const { receiver, made, board } = await listening((_, nth) => ({ status: nth < 4 ? 503 : 204 }));
    await using _ = receiver;
    await change(board);
    const [first] = await hitsOf(receiver, 1);
    const { id } = first as Hit;
    for (const [nth, wait] of [5_000, 300_000, 1_800_000].entries()) {
      const tried = await attempts(made, id, nth + 1);
      const delay = Date.parse(tried.nextAttemptAt ?? "") - Date.parse(tried.attempts.at(-1)?.at ?? "");
      expect(delay).toBeGreaterThanOrEqual(wait);
      // The tenth that it may be later, and what the attempt itself took.
      expect(delay).toBeLessThan(wait * 1.1 + 2_000);
      await forward(made, delay);
    }
    const done = await attempts(made, id, 4);
    expect(done).toMatchObject({ status: "delivered", nextAttemptAt: null });
    expect(done.attempts.map(({ status, error }) => [status, error])).toEqual([
      [503, "status"],
      [503, "status"],
      [503, "status"],
      [204, null],
    ]);
    expect(new Set(receiver.hits.map((hit) => `${hit.id} ${hit.body}`)).size).toBe(1);
    expect(new Set(receiver.hits.map(({ timestamp }) => timestamp)).size).toBe(4);
    expect(receiver.hits.every((hit) => isSignedWith(made.secret, hit))).toBe(true);
  });

  test.each<[string, Reaction, string, number | null]>([
    ["a receiver that does not answer", "hang", "timeout", null],
    ["one that cuts the connection", "reset", "connection", null],
    [
      "a redirect, which is not followed",
      { status: 307, headers: { location: "/elsewhere" } },
      "redirect",
      307,
    ],
    ["a redirect of the old kind", { status: 302, headers: { location: "/elsewhere" } }, "redirect", 302],
  ])("after %s", async (_, reaction, error, status) => {
    const { receiver, made, board } = await listening((_hit, nth) =>
      nth === 1 ? reaction : { status: 200 },
    );
    await using __ = receiver;
    await change(board);
    const [{ id }] = (await hitsOf(receiver, 1)) as [Hit];
    expect((await attempts(made, id, 1)).lastAttempt).toMatchObject({ status, error });
    await forward(made, HOUR);
    expect((await attempts(made, id, 2)).status).toBe("delivered");
    expect(new Set(receiver.hits.map(({ path }) => path))).toEqual(new Set(["/hook"]));
  });

  test("no sooner than Retry-After says", async () => {
    const { receiver, made, board } = await listening((_, nth) =>
      nth === 1 ? { status: 429, headers: { "retry-after": "7200" } } : { status: 200 },
    );
    await using _ = receiver;
    await change(board);
    const [{ id }] = (await hitsOf(receiver, 1)) as [Hit];
    const tried = await attempts(made, id, 1);
    const wait = Date.parse(tried.nextAttemptAt ?? "") - Date.parse(tried.attempts[0]?.at ?? "");
    expect(wait).toBeGreaterThanOrEqual(2 * HOUR);
    await forward(made, 2 * HOUR - 60_000);
    await gateway.post(`${made.links.self}/test`);
    await hitsOf(receiver, 2);
    expect((await delivery(made, id)).attemptCount).toBe(1);
    await forward(made, 60_000);
    expect((await attempts(made, id, 2)).status).toBe("delivered");
  });

  test("ten times, and then it has failed; it is sent again by hand, and so is a span of time", async () => {
    let isWell = false;
    const { receiver, made, board } = await listening(() => ({ status: isWell ? 200 : 500 }));
    await using _ = receiver;
    const since = new Date().toISOString();
    await change(board, 1);
    await change(board, 2);
    const ids = (
      await until(
        () => deliveries(made),
        (all) => all.length === 2,
      )
    ).map(({ id }) => id);
    for (let nth = 1; nth < 10; nth += 1) {
      const waits: number[] = [];
      for (const id of ids) {
        const { attempts: tried, nextAttemptAt } = await attempts(made, id, nth);
        waits.push(Date.parse(nextAttemptAt ?? "") - Date.parse(tried.at(-1)?.at ?? ""));
      }
      await forward(made, Math.max(...waits));
    }
    for (const id of ids)
      expect(await attempts(made, id, 10)).toMatchObject({ status: "failed", nextAttemptAt: null });
    expect((await deliveries(made, "&status=failed")).map(({ id }) => id)).toEqual(ids);
    isWell = true;
    const again = await gateway.post(`${made.links.deliveries}/${ids[0]}/redeliver`);
    expect(again.status, again.text).toBe(202);
    expect((await attempts(made, ids[0] ?? "", 11)).status).toBe("delivered");
    const span = { since: new Date(Date.parse(since) - 1_000).toISOString() };
    const range = await gateway.post(`${made.links.self}/redeliver`, span);
    expect(range.json()).toEqual({ redelivered: 1, nextCursor: null });
    expect((await attempts(made, ids[1] ?? "", 11)).status).toBe("delivered");
    const all = await gateway.post(
      `${made.links.self}/redeliver`,
      { ...span, status: "all" },
      { "idempotency-key": "k" },
    );
    expect(all.json()).toEqual({ redelivered: 2, nextCursor: null });
    for (const id of ids) await attempts(made, id, 12);
    await gateway.post(
      `${made.links.self}/redeliver`,
      { ...span, status: "all" },
      { "idempotency-key": "k" },
    );
    await gateway.post(`${made.links.self}/test`);
    await until(
      () => deliveries(made),
      (list) => list.every(({ status }) => status === "delivered") && list.length === 3,
    );
    for (const id of ids) expect((await delivery(made, id)).attemptCount).toBe(12);
    expect(new Set(receiver.hits.map((hit) => `${hit.id} ${hit.body}`)).size).toBe(3);
  });
});

describe("an endpoint is disabled", () => {
  test("by 410: what it is to be sent waits until it is enabled, and others are told", async () => {
    let isGone = true;
    await using other = await startReceiver();
    await endpoint(other.url, { eventTypes: ["endpoint.disabled"], agents: ["/agents/board/nobody"] });
    const { receiver, made, board } = await listening(() => ({ status: isGone ? 410 : 200 }));
    await using _ = receiver;
    await change(board, 1);
    const disabled = await until(
      async () => (await gateway.get(made.links.self)).json<Endpoint>(),
      ({ enabled }) => !enabled,
    );
    expect(disabled.disabled?.reason).toBe("gone");
    const told = await until(
      async () => other.hits.map(payload).find(({ data }) => data["endpointId"] === made.id),
      (found) => found !== undefined,
    );
    expect(told).toMatchObject({ type: "endpoint.disabled", data: { reason: "gone" } });
    expect((await gateway.post(`${made.links.self}/test`)).json()).toMatchObject({
      code: "endpoint_disabled",
    });

    await change(board, 2);
    await until(
      () => deliveries(made, "&status=pending"),
      (waiting) => waiting.length === 2,
    );
    await forward(made, DAY);
    expect(receiver.hits).toHaveLength(1);
    isGone = false;
    expect((await gateway.post(`${made.links.self}/enable`)).json()).toMatchObject({
      enabled: true,
      disabled: null,
    });
    await until(
      () => deliveries(made),
      (all) => all.every(({ status }) => status === "delivered"),
    );
    const { items } = (await gateway.get("/audit?limit=100")).json<{
      items: { action: string; target: string; principal: string }[];
    }>();
    const deeds = items.filter(({ target }) => target === made.links.self);
    expect(deeds.map(({ action, principal }) => `${action} ${principal}`)).toEqual([
      "endpoint.update api-key",
      "endpoint.disable gateway",
      "endpoint.create api-key",
    ]);
  });

  test("by hand, and goes on then", async () => {
    const { receiver, made, board } = await listening();
    await using _ = receiver;
    const off = await gateway.request("PATCH", made.links.self, { enabled: false });
    expect(off.json()).toMatchObject({ enabled: false, disabled: { reason: "by-hand" } });
    await change(board);
    await until(
      () => deliveries(made),
      (all) => all.length === 1,
    );
    expect(receiver.hits).toHaveLength(0);
    await gateway.request("PATCH", made.links.self, { enabled: true });
    await hitsOf(receiver, 1);
  });
});

describe("the secret of an endpoint", () => {
  test("is shown once, and changed with a day in which both sign", async () => {
    const { receiver, made, board } = await listening();
    await using _ = receiver;
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect((await gateway.get(made.links.self)).text).not.toContain("whsec_");
    const rotated = await gateway.post(`${made.links.self}/rotate-secret`, undefined, {
      "idempotency-key": "r",
    });
    const { secret } = rotated.json<Endpoint>();
    expect(secret).not.toBe(made.secret);
    const again = await gateway.post(`${made.links.self}/rotate-secret`, undefined, {
      "idempotency-key": "r",
    });
    expect(again.json<Endpoint>().secret).toBe(secret);

    await change(board, 1);
    const [both] = (await hitsOf(receiver, 1)) as [Hit];
    expect(both.signatures).toHaveLength(2);
    expect([secret, made.secret].every((one) => isSignedWith(one, both))).toBe(true);
    await forward(made, DAY + 1);
    await change(board, 2);
    const [, one] = (await hitsOf(receiver, 2)) as [Hit, Hit];
    expect(one.signatures).toHaveLength(1);
    expect(isSignedWith(secret, one)).toBe(true);
    expect((await gateway.get("/audit?limit=100")).text).not.toContain("whsec_");
  });
});

test("the same request to make an endpoint makes one, with one secret", async () => {
  await using receiver = await startReceiver();
  const ask = () => gateway.post(ENDPOINTS, { url: receiver.url }, { "idempotency-key": "once" });
  const [one, other] = await Promise.all([ask(), ask()]);
  expect(one.status).toBe(201);
  expect(other.json<Endpoint>()).toMatchObject({
    id: one.json<Endpoint>().id,
    secret: one.json<Endpoint>().secret,
  });
  const reused = await gateway.post(ENDPOINTS, { url: `${receiver.url}2` }, { "idempotency-key": "once" });
  expect(reused.json()).toMatchObject({ code: "idempotency_key_reused" });
  const made = one.json<Endpoint>();
  const [sent, repeated] = await Promise.all([
    gateway.post(`${made.links.self}/test`, undefined, { "idempotency-key": "t" }),
    gateway.post(`${made.links.self}/test`, undefined, { "idempotency-key": "t" }),
  ]);
  expect(sent.status).toBe(202);
  expect(repeated.json()).toEqual(sent.json());
  const { deliveryId } = sent.json<{ deliveryId: string }>();
  await until(
    () => delivery(made, deliveryId),
    ({ status }) => status === "delivered",
  );
  expect(payload(receiver.hits[0] as Hit)).toMatchObject({
    type: "webhook.test",
    data: { endpointId: made.id },
  });
  expect(receiver.hits).toHaveLength(1);
});

test("an endpoint that is deleted is told nothing, and is there for nobody", async () => {
  const { receiver, made, board } = await listening();
  await using _ = receiver;
  await change(board, 1);
  await hitsOf(receiver, 1);
  expect((await gateway.request("DELETE", made.links.self)).json()).toEqual({ deleted: true });
  for (const path of ["", "/deliveries", `/deliveries/msg_x`]) {
    const answer = await gateway.get(`${made.links.self}${path}`);
    expect(answer.json(), path).toMatchObject({ code: "endpoint_not_found" });
  }
  for (const action of ["test", "enable", "rotate-secret"]) {
    const answer = await gateway.post(`${made.links.self}/${action}`);
    expect(answer.json(), action).toMatchObject({ code: "endpoint_not_found" });
  }
  await change(board, 2);
  await until(
    async () => (await gateway.post(`/rows${board}`)).json<{ announcements: number }>(),
    ({ announcements }) => announcements === 0,
  );
  expect(receiver.hits).toHaveLength(1);
});

test("there are 100 endpoints at most, which lists show page by page", async () => {
  await using crowd = await startGateway(CONFIG);
  expect((await crowd.get("/limits")).json<{ limits: object[] }>().limits).toContainEqual(
    expect.objectContaining({ name: "webhookEndpoints", most: 100, code: "too_many_endpoints" }),
  );
  const made: string[] = [];
  for (let n = 0; n < 100; n += 1) {
    const answer = await crowd.post(ENDPOINTS, { url: `https://hooks.example.com/${n}?token=a-secret` });
    expect(answer.status, answer.text).toBe(201);
    made.push(answer.json<Endpoint>().id);
  }
  const refused = await crowd.post(ENDPOINTS, { url: "https://hooks.example.com/" });
  expect([refused.status, refused.json()]).toEqual([
    409,
    expect.objectContaining({ code: "too_many_endpoints" }),
  ]);
  const listed: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: EndpointPage = (
      await crowd.get(`${ENDPOINTS}?limit=30${cursor && `&cursor=${cursor}`}`)
    ).json<EndpointPage>();
    listed.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  expect(listed).toEqual(made);
  const { text } = await crowd.get("/audit?limit=100");
  expect(text).toContain("hooks.example.com");
  expect(text).not.toContain("a-secret");
  expect((await crowd.request("DELETE", `${ENDPOINTS}/${made[0]}`)).status).toBe(200);
  expect((await crowd.post(ENDPOINTS, { url: "https://hooks.example.com/" })).status).toBe(201);
});

test("a dead endpoint delays no other, and no instance", async () => {
  await using dead = await startReceiver(() => "hang");
  await using alive = await startReceiver();
  const agent = `/agents/workshop/${unused()}`;
  const one = await endpoint(dead.url, { agents: [agent] });
  await endpoint(alive.url, { agents: [agent] });
  for (let n = 0; n < 10; n += 1) {
    const self = `${agent}/instances/run-${n}`;
    await gateway.post(`${agent}/workflows/silent`, { params: { answer: n }, id: `run-${n}` });
    await untilStatus(() => gateway.get(self), "complete");
  }
  await hitsOf(alive, 30);
  const log = await until(
    () => deliveries(one),
    (all) => all.length === 30,
  );
  expect(log.filter(({ status }) => status === "delivered")).toEqual([]);
});
