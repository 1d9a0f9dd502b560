import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createClient,
  GatewayProblem,
  InstanceErrored,
  InstanceTerminated,
  WaitTimedOut,
} from "../../src/client.ts";
import type { App } from "../fixtures/workshop/index.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { clientOf } from "./clients.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const workshop = (name: string) => clientOf<App>(gateway).agent("workshop", name);
const collect = async <Item>(list: AsyncIterable<Item>): Promise<Item[]> => {
  const items: Item[] = [];
  for await (const item of list) items.push(item);
  return items;
};
const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (failure: unknown) => failure,
  );

describe.each([
  ["a root agent", () => workshop("streams")],
  ["a sub-agent", () => workshop("streams").sub("bench", "b")],
])("the stream of an instance of %s", (_, agentOf) => {
  test("goes on through cuts and silence: each event comes once, and it ends with the instance", async () => {
    await using proxy = await startProxy(gateway);
    const path = agentOf().path;
    const gated = agentOf().workflow("gated");
    const job = await gated.start({ gates: ["one", "two", "three"] });
    const behindProxy = clientOf<App>({ url: proxy.url, key: "" }).agent("workshop", "streams");
    const followed = path.includes("/sub/") ? behindProxy.sub("bench", "b") : behindProxy;
    const harm = [() => proxy.cut(), () => proxy.silence(), () => proxy.cut()];

    const told: { id: string; type: string }[] = [];
    for await (const event of followed.workflow("gated").events({ instance: job.id, heartbeatMs: 200 })) {
      if (event.type !== "stream.caught-up" && event.type !== "stream.gap") told.push(event);
      if (event.type !== "approval.requested") continue;
      harm.shift()?.();
      await gated.approve(event.data.approval.id, { metadata: { signature: event.data.approval.stepName } });
    }

    const { items } = (
      await gateway.get(`${path}/instances/${job.id}/events`, { accept: "application/json" })
    ).json<{ items: { id: string; type: string }[] }>();
    expect(told.map(({ id, type }) => [id, type])).toEqual(items.map(({ id, type }) => [id, type]));
    expect(harm).toEqual([]);
    expect(proxy.passed.length).toBeGreaterThanOrEqual(4);
    expect(await gated.wait(job.id)).toEqual({ signatures: ["one", "two", "three"] });
    // Who comes back to what is over is not kept.
    expect(await collect(gated.events({ instance: job.id, after: items.at(-1)?.id }))).toEqual([]);
  });
});

test("a start whose answer is lost, twice, is started once", async () => {
  await using proxy = await startProxy(gateway);
  proxy.dropAnswers(2);
  const behindProxy = clientOf<App>({ url: proxy.url, key: "" }).agent("workshop", "once");
  const job = await behindProxy.workflow("silent").start({ answer: 21 });
  expect(proxy.passed.map(({ status }) => status)).toEqual([202, 202, 202]);
  const all = await collect(workshop("once").instances.list());
  expect(all.map(({ id }) => id)).toEqual([job.id]);
  expect(await workshop("once").workflow("silent").wait(job.id)).toEqual({ answer: 42 });
});

describe("waiting", () => {
  test("for what fails, is terminated, or takes too long throws what happened", async () => {
    const agent = workshop("waits");
    const silent = agent.workflow("silent");
    const failed = await silent.start({ answer: 1, failWith: "no such luck" });
    const failure = await thrown(silent.wait(failed.id));
    expect(failure).toBeInstanceOf(InstanceErrored);
    expect(failure).toMatchObject({ error: { name: "RangeError", message: "no such luck" } });

    const gated = agent.workflow("gated");
    const open = await gated.start({});
    const late = await thrown(gated.wait(open.id, { timeoutMs: 1 }));
    expect(late).toBeInstanceOf(WaitTimedOut);
    const waiting = thrown(gated.wait(open.id));
    await gated.terminate(open.id);
    expect(await waiting).toBeInstanceOf(InstanceTerminated);

    await expect(gated.get(failed.id)).rejects.toMatchObject({ name: "WorkflowMismatch" });
  });

  test("ends with its signal", async () => {
    const gated = workshop("waits").workflow("gated");
    const { id } = await gated.start({});
    const leaving = new AbortController();
    const waiting = thrown(gated.wait(id, { signal: leaving.signal }));
    const reason = new Error("enough");
    leaving.abort(reason);
    expect(await waiting).toBe(reason);
  });
});

test("lists are iterated over their pages, with filters, over agents below too", async () => {
  const agent = workshop("lists");
  const silent = agent.workflow("silent");
  await silent.startMany(
    [1, 2, 3, 4, 5].map((answer) => ({ params: { answer }, id: `s-${answer}`, metadata: { owner: "ada" } })),
  );
  await agent.sub("bench", "b").workflow("silent").start({ answer: 6 }, { id: "below" });
  const gated = await agent.workflow("gated").start({}, { id: "g" });
  await until(
    () => agent.workflow("gated").get(gated.id),
    ({ status }) => status === "waiting",
  );
  const idsOf = async (list: AsyncIterable<{ id: string }>) => (await collect(list)).map(({ id }) => id);
  expect(await idsOf(agent.instances.list({ limit: 2 }))).toEqual(["g", "s-5", "s-4", "s-3", "s-2", "s-1"]);
  expect(await idsOf(agent.instances.list({ status: ["waiting"] }))).toEqual(["g"]);
  expect(await idsOf(silent.list({ order: "oldest", metadata: { owner: "ada" }, limit: 3 }))).toEqual([
    "s-1",
    "s-2",
    "s-3",
    "s-4",
    "s-5",
  ]);
  expect(await idsOf(agent.instances.list({ scope: "subtree", limit: 3 }))).toContain("below");
  expect(await idsOf(agent.instances.list({ createdTo: new Date(0) }))).toEqual([]);
  for await (const page of agent.instances.list({ count: true, limit: 100 }).pages())
    expect(page.total).toBe(6);
  const [approval] = await collect(agent.approvals.list({ status: ["pending"] }));
  expect(approval).toMatchObject({ instanceId: "g", stepName: "first" });
  expect((await collect(agent.children())).map(({ name }) => name)).toEqual(["b"]);

  const deleted = await agent.instances.deleteMatching({ workflow: "gated", force: true });
  expect(deleted).toMatchObject({ deleted: 1, more: false });
});

describe("a refusal", () => {
  test("is a problem, with its code and the place that is wrong", async () => {
    // @ts-expect-error `answer` is a number
    const failure = await thrown(workshop("problems").workflow("silent").start({ answer: "x" }));
    expect(failure).toBeInstanceOf(GatewayProblem);
    expect(failure).toMatchObject({
      code: "invalid_request",
      status: 400,
      retryable: false,
      problem: { errors: [{ in: "body", pointer: "/params/answer" }] },
    });
  });

  test("is typed by its code, such as of what does not exist, or has been decided", async () => {
    await expect(workshop("nobody").describe()).rejects.toMatchObject({ code: "agent_not_found" });
    const gated = workshop("problems").workflow("gated");
    const { id } = await gated.start({});
    await until(
      () => gated.get(id),
      ({ status }) => status === "waiting",
    );
    const approval = await gated.rejectInstance(id, { reason: "no" });
    expect(approval).toMatchObject({ status: "rejected", decidedBy: "api-key" });
    const late = await thrown(gated.approve(approval.id));
    expect(late).toMatchObject({ code: "approval_closed", problem: { decision: { status: "rejected" } } });
    const stranger = clientOf<App>({ url: gateway.url, key: "not-the-key-of-anybody" });
    await expect(stranger.catalogue()).rejects.toMatchObject({ code: "unauthorized" });
  });
});

test("an agent is described, called, and its state changed only as it was read", async () => {
  const agent = workshop("state");
  expect(await agent.call("open", { motto: "measure twice" })).toEqual({ motto: "measure twice" });
  const { state, etag } = await agent.state.get();
  expect(state).toEqual({ motto: "measure twice" });
  expect((await agent.state.patch({ motto: "cut once" }, { ifMatch: etag })).state).toEqual({
    motto: "cut once",
  });
  await expect(agent.state.put({ motto: "x" }, { ifMatch: etag })).rejects.toMatchObject({
    code: "precondition_failed",
  });
  expect(await agent.describe()).toMatchObject({ agent: "workshop", name: "state" });
  const child = agent.sub("bench", "b");
  expect(await child.create()).toMatchObject({ path: child.path, created: true });
  expect((await collect(agent.children())).map(({ path }) => path)).toEqual([child.path]);
  expect(await child.delete()).toMatchObject({ path: child.path });

  const leaving = new AbortController();
  const types: string[] = [];
  const following = (async () => {
    for await (const { type } of agent.events({ types: ["state.updated"], signal: leaving.signal })) {
      types.push(type);
      if (type === "stream.caught-up") leaving.abort("enough");
    }
  })();
  expect(await thrown(following)).toBe("enough");
  expect(types).toEqual(["state.updated", "state.updated", "stream.caught-up"]);
});

test("an instance is paused, resumed, restarted, sent an event and deleted", async () => {
  const patient = workshop("control").workflow("patient");
  const { id } = await patient.start({ deliveries: 1 });
  const reached = (status: string) =>
    until(
      () => patient.get(id),
      (instance) => instance.status === status,
    );
  await reached("waiting");
  await patient.pause(id);
  await reached("paused");
  await patient.resume(id);
  await reached("waiting");
  expect(await patient.restart(id)).toMatchObject({ attempt: 2 });
  await reached("waiting");
  const sent = await patient.sendEvent(id, "parcel-arrived", { parcel: "p-1" }, { requireWaiting: true });
  expect(sent).toEqual({ delivery: "delivered" });
  expect(await patient.wait(id)).toEqual({ parcels: ["p-1"], worked: 0 });
  expect(await patient.delete(id)).toMatchObject({ deleted: 1 });
  await expect(patient.get(id)).rejects.toMatchObject({ code: "instance_not_found" });
});

test("a stream token reads the events of one instance, and nothing else", async () => {
  const agent = workshop("tokens");
  const { id } = await agent.workflow("silent").start({ answer: 1 });
  const { token, id: tokenId } = await agent.streamTokens.create({ instance: id, ttlSeconds: 60 });
  const holder = createClient<App>({ url: gateway.url, token })
    .agent("workshop", "tokens")
    .workflow("silent");
  const types = (await collect(holder.events({ instance: id }))).map(({ type }) => type);
  expect(types.at(-1)).toBe("instance.completed");
  await expect(holder.get(id)).rejects.toMatchObject({ code: "unauthorized" });
  await agent.streamTokens.revoke(tokenId);
  await expect(collect(holder.events({ instance: id }))).rejects.toMatchObject({ code: "unauthorized" });
});
