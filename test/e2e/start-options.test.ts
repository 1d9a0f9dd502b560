import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until, untilStatus } from "../support/until.ts";

interface Instance {
  id: string;
  status: string;
  createdAt: string;
  links: { self: string };
}

const AGENT = "/agents/workshop/options";
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const once = (key: string) => ({ "idempotency-key": key });
const count = async (agent: string): Promise<number> =>
  (await gateway.get(`${agent}/instances?limit=100`)).json<{ items: unknown[] }>().items.length;

test.each([
  ["an agent", `${AGENT}-many`],
  ["a sub-agent", `${AGENT}-many/sub/bench/b`],
])(
  "20 concurrent starts with one idempotency key on %s give one instance and equal answers",
  async (_, agent) => {
    const start = (answer: number) =>
      gateway.post(`${agent}/workflows/silent`, { params: { answer } }, once("order-1"));
    const answers = await Promise.all(Array.from({ length: 20 }, () => start(3)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await count(agent)).toBe(1);

    const other = await start(4);
    expect([other.status, other.json<{ code: string }>().code]).toEqual([422, "idempotency_key_reused"]);
    expect(await count(agent)).toBe(1);
  },
);

test("a key is that of one operation: another one may use it too", async () => {
  const { links } = (
    await gateway.post(`${AGENT}/workflows/gated`, { params: {} }, once("shared"))
  ).json<Instance>();
  await untilStatus(() => gateway.get(links.self), "waiting");
  const approve = () =>
    gateway.post(`${links.self}/approve`, { metadata: { signature: "a" } }, once("shared"));
  const [first, second] = [await approve(), await approve()];
  expect([first.status, second.text]).toEqual([200, first.text]);
  expect(
    (await gateway.post(`${links.self}/approve`, { metadata: { signature: "b" } }, once("shared"))).status,
  ).toBe(422);
  await untilStatus(() => gateway.get(links.self), "complete");
  const terminated = await gateway.post(`${links.self}/terminate`, {}, once("shared"));
  expect(terminated.status).toBe(409);
});

test("a refusal is not kept: the key may be used again for a request that is in order", async () => {
  const start = () =>
    gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 1 }, id: "taken" }, once("k1"));
  await gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 1 }, id: "taken" });
  expect((await start()).status).toBe(409);
  await gateway.request("DELETE", `${AGENT}/instances/taken?force=true`);
  expect((await start()).status).toBe(202);
});

test.each(["", "x".repeat(256), "a b"])("the key %j is a 400", async (key) => {
  const answer = await gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 1 } }, once(key));
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({ errors: [{ in: "header" }] });
});

test("a batch starts each item that it can, and answers for each", async () => {
  const agent = "/agents/workshop/batch";
  await gateway.post(`${agent}/workflows/silent`, { params: { answer: 0 }, id: "here-already" });
  const items = [
    { params: { answer: 1 }, id: "a" },
    { params: { answer: 2 }, id: "here-already" },
    { params: { answer: 3 }, metadata: { third: true } },
    { params: { answer: 4 }, id: "a" },
  ];
  const answer = await gateway.post(`${agent}/workflows/silent/batch`, { items }, once("b"));
  expect(answer.status).toBe(200);
  const results = answer.json<{ items: { started: boolean; code?: string; instance?: Instance }[] }>().items;
  expect(results.map(({ started, code }) => [started, code])).toEqual([
    [true, undefined],
    [false, "instance_exists"],
    [true, undefined],
    [false, "instance_exists"],
  ]);
  for (const { instance } of results) {
    if (instance !== undefined) await untilStatus(() => gateway.get(instance.links.self), "complete");
  }
  expect((await gateway.post(`${agent}/workflows/silent/batch`, { items }, once("b"))).text).toBe(
    answer.text,
  );
  expect(await count(agent)).toBe(3);

  const tooMany = Array.from({ length: 101 }, () => ({ params: { answer: 1 } }));
  expect((await gateway.post(`${agent}/workflows/silent/batch`, { items: tooMany })).status).toBe(400);
  const oneWrong = [{ params: { answer: 1 } }, { params: { answer: "1" } }];
  const refused = await gateway.post(`${agent}/workflows/silent/batch`, { items: oneWrong });
  expect(refused.json()).toMatchObject({ errors: [{ pointer: "/items/1/params/answer" }] });
  expect(await count(agent)).toBe(3);
});

test("Prefer: wait holds the answer until the instance has ended, or the time has passed", async () => {
  const ended = await gateway.post(
    `${AGENT}/workflows/silent`,
    { params: { answer: 5 } },
    { prefer: "wait=30" },
  );
  expect(ended.status).toBe(200);
  expect(ended.headers.get("preference-applied")).toBe("wait=30");
  expect(ended.json()).toMatchObject({ status: "complete", output: { answer: 10 } });

  const { links, status } = (
    await gateway.post(`${AGENT}/workflows/gated`, { params: {} }, { prefer: "wait=1" })
  ).json<Instance>();
  expect(status).toBe("waiting");
  const held = gateway.get(links.self, { prefer: "wait=30" });
  await gateway.post(`${links.self}/approve`, {});
  expect((await held).json()).toMatchObject({ status: "complete" });
});

test("a delayed start is queued until its time", async () => {
  const started = await gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 1 }, delay: 2 });
  const { links, createdAt } = started.json<Instance>();
  const ended = await until(
    () => gateway.get(links.self),
    (answer) => answer.json<Instance>().status === "complete",
  );
  const { startedAt } = ended.json<{ startedAt: string }>();
  expect(Date.parse(startedAt) - Date.parse(createdAt)).toBeGreaterThanOrEqual(2_000);
});

test("state is replaced, merged and reset, and a stale tag is a 412 that changes nothing", async () => {
  const agent = "/agents/workshop/state";
  await gateway.post(`${agent}/methods/open`, { motto: "one" });
  const read = await gateway.get(`${agent}/state`);
  const etag = read.headers.get("etag") ?? "";
  expect(read.json()).toEqual({ state: { motto: "one" }, etag });

  const put = await gateway.request("PUT", `${agent}/state`, { motto: "two" }, { "if-match": etag });
  expect(put.json()).toMatchObject({ state: { motto: "two" } });
  const stale = await gateway.request("PATCH", `${agent}/state`, { motto: "three" }, { "if-match": etag });
  expect([stale.status, stale.json<{ code: string }>().code]).toEqual([412, "precondition_failed"]);
  expect((await gateway.request("PATCH", `${agent}/state`, { motto: "four" })).json()).toMatchObject({
    state: { motto: "four" },
  });
  const k = once("put");
  await gateway.request("PUT", `${agent}/state`, { motto: "five" }, k);
  await gateway.request("PUT", `${agent}/state`, { motto: "four" });
  const again = await gateway.request("PUT", `${agent}/state`, { motto: "five" }, k);
  expect(again.json()).toMatchObject({ state: { motto: "five" } });
  expect((await gateway.get(`${agent}/state`)).json()).toMatchObject({ state: { motto: "four" } });
  // This agent has no first state that would fit.
  expect((await gateway.request("DELETE", `${agent}/state`)).status).toBe(400);
  const wrong = await gateway.request("PUT", `${agent}/state`, { motto: 5 });
  expect(wrong.json()).toMatchObject({ code: "invalid_request", errors: [{ pointer: "/motto" }] });
  expect((await gateway.request("PATCH", `${agent}/state`, { motto: null })).status).toBe(400);
  expect((await gateway.get(`${agent}/state`)).json()).toMatchObject({ state: { motto: "four" } });
});

test("a method is called once under a key, however many ask, and as often as asked without one", async () => {
  const agent = "/agents/workshop/ticking";
  const tick = (headers?: Record<string, string>) => gateway.post(`${agent}/methods/tick`, {}, headers);
  const answers = await Promise.all(Array.from({ length: 20 }, () => tick(once("t-1"))));
  const given = answers.filter(({ status }) => status === 200);
  expect(given.length).toBeGreaterThan(0);
  for (const { text } of given) expect(JSON.parse(text)).toEqual({ ticks: 1 });
  for (const answer of answers.filter(({ status }) => status !== 200)) {
    expect([answer.status, answer.json<{ code: string }>().code]).toEqual([409, "request_in_progress"]);
  }
  expect((await tick(once("t-1"))).json()).toEqual({ ticks: 1 });
  expect((await tick()).json()).toEqual({ ticks: 2 });
  expect((await tick(once("t-2"))).json()).toEqual({ ticks: 3 });
});
