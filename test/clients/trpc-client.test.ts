import { TRPCClientError } from "@trpc/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppRouter } from "../../src/gateway.ts";
import type { App } from "../fixtures/workshop/index.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { startProxy } from "../support/proxy.ts";
import { ask } from "../support/received.ts";
import { until } from "../support/until.ts";
import { trpcOf } from "./clients.ts";

let gateway: TestGateway;
let trpc: ReturnType<typeof trpcOf<App>>;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  trpc = trpcOf<App>(gateway);
});
afterAll(() => gateway.harness.close());

/** What a refused call says. */
async function refused(call: Promise<unknown>) {
  const failure: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(failure).toBeInstanceOf(TRPCClientError);
  const { data, message } = failure as TRPCClientError<AppRouter<App>>;
  return { message, ...data };
}

interface Told {
  readonly id: string;
  readonly data: { readonly type: string };
}

test("a job is started, listed, followed through cuts, approved, and its output read", async () => {
  await using proxy = await startProxy(gateway);
  const name = ["stream", "b"] as const;
  const { bench } = trpc.workshop.sub;
  const { id: instanceId, links } = await bench.gated.start.mutate({
    name,
    params: { gates: ["one", "two"] },
    id: "job",
    metadata: { owner: "ada" },
  });
  const { token } = await bench.createInstanceStreamToken.mutate({ name, instanceId });
  const told: Told[] = [];
  const ended = Promise.withResolvers<void>();
  const harm = [() => proxy.cut(), () => proxy.cut()];
  trpcOf<App>({ url: proxy.url, key: "" }, token).workshop.sub.bench.streamInstanceEvents.subscribe(
    { name, instanceId },
    {
      onData(frame) {
        told.push(frame);
        if (frame.data.type !== "approval.requested") return;
        harm.shift()?.();
        const { id: approvalId, stepName } = frame.data.data.approval;
        bench.approveApproval
          .mutate({ name, approvalId, metadata: { signature: stepName } })
          .catch(ended.reject);
      },
      onError: ended.reject,
      onComplete: ended.resolve,
    },
  );
  await ended.promise;

  const page = await bench.listInstanceEvents.query({ name, instanceId });
  expect(page).toMatchObject({ ended: true, gap: false });
  const events = told.filter(({ data }) => !data.type.startsWith("stream."));
  expect(events.map(({ id, data }) => [id, data])).toEqual(page.items.map((event) => [event.id, event]));
  expect(proxy.passed.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);

  const instance = await bench.getInstance.query({ name, instanceId });
  expect(instance).toMatchObject({ status: "complete", output: { signatures: ["one", "two"] } });
  const list = await bench.listInstances.query({
    name,
    metadata: { owner: "ada" },
    status: ["complete"],
    count: true,
  });
  expect(list).toMatchObject({ total: 1, nextCursor: null });
  expect(list.items.map(({ links: { self } }) => self)).toEqual([links.self]);
});

test("a subscription goes on after the event that its input names, and is over with its instance", async () => {
  const name = "resume";
  const { id: instanceId } = await trpc.workshop.chatty.start.mutate({ name, params: { rounds: 1 } });
  await until(
    () => trpc.workshop.getInstance.query({ name, instanceId }),
    ({ status }) => status === "complete",
  );
  const { items } = await trpc.workshop.listInstanceEvents.query({ name, instanceId });
  const { token } = await trpc.workshop.createInstanceStreamToken.mutate({ name, instanceId });
  const follow = async (lastEventId: string | undefined) => {
    const told: Told[] = [];
    const holder = trpcOf<App>({ url: gateway.url, key: "none" }, token).workshop;
    await new Promise<void>((onComplete, onError) => {
      holder.streamInstanceEvents.subscribe(
        { name, instanceId, ...(lastEventId === undefined ? {} : { lastEventId }) },
        { onData: (frame) => void told.push(frame), onComplete, onError },
      );
    });
    return told.filter(({ data }) => !data.type.startsWith("stream.")).map(({ id }) => id);
  };
  const ids = items.map(({ id }) => id);
  expect(await follow(undefined)).toEqual(ids);
  expect(await follow(ids[2])).toEqual(ids.slice(3));
  expect(await follow(ids.at(-1))).toEqual([]);
});

describe("a stream token", () => {
  test("lets in no query, no change, and no subscription to something else", async () => {
    const name = "tokens";
    const { id: instanceId } = await trpc.workshop.silent.start.mutate({ name, params: { answer: 1 } });
    const { token } = await trpc.workshop.createInstanceStreamToken.mutate({ name, instanceId });
    const params = encodeURIComponent(JSON.stringify({ token }));
    const input = encodeURIComponent(JSON.stringify({ name, instanceId }));
    for (const query of [`token=${token}`, `connectionParams=${params}`]) {
      const answer = await gateway.get(`/trpc/workshop.getInstance?input=${input}&${query}`);
      expect([answer.status, answer.json<{ error: { data: object } }>().error.data]).toMatchObject([
        401,
        { code: "UNAUTHORIZED", problem: { code: "unauthorized" } },
      ]);
    }
    const holder = trpcOf<App>({ url: gateway.url, key: "none" }, token).workshop;
    const failure = await new Promise<{ data?: unknown }>((onError) => {
      holder.streamEvents.subscribe({ name }, { onError });
    });
    expect(failure.data).toMatchObject({ problem: { code: "agent_not_found" } });
  });
});

describe("a refused call", () => {
  test("carries the problem, with the places of the input that are wrong", async () => {
    // @ts-expect-error `answer` is a number, and there is no `colour`
    const wrong = trpc.workshop.silent.start.mutate({ name: "x", params: { answer: "1" }, colour: "red" });
    expect(await refused(wrong)).toMatchObject({
      code: "BAD_REQUEST",
      httpStatus: 400,
      path: "workshop.silent.start",
      problem: {
        code: "invalid_request",
        requestId: expect.stringMatching(/./),
        errors: [
          { in: "body", pointer: "/params/answer" },
          { in: "body", pointer: "/colour" },
        ],
      },
    });
    // @ts-expect-error a name is needed
    expect(await refused(trpc.workshop.get.query())).toMatchObject({
      problem: { errors: [{ pointer: "/name" }] },
    });
    const names = trpc.workshop.sub.bench.get.query({ name: ["only-one"] as never });
    expect(await refused(names)).toMatchObject({ problem: { errors: [{ pointer: "/name" }] } });
    const limit = trpc.workshop.listInstances.query({ name: "x", limit: 1_000 });
    expect(await refused(limit)).toMatchObject({ problem: { errors: [{ pointer: "/limit" }] } });
    const label = trpc.workshop.listInstances.query({ name: "x", metadata: { nobody: 1 } });
    expect(await refused(label)).toMatchObject({ problem: { errors: [{ pointer: "/metadata/nobody" }] } });
  });

  test("says what is not there, and what has been decided", async () => {
    expect(await refused(trpc.workshop.get.query({ name: "nobody" }))).toMatchObject({
      httpStatus: 404,
      problem: { code: "agent_not_found" },
    });
    const name = "decided";
    const { id: instanceId } = await trpc.workshop.gated.start.mutate({ name, params: {} });
    await until(
      () => trpc.workshop.getInstance.query({ name, instanceId }),
      ({ status }) => status === "waiting",
    );
    const { id: approvalId } = await trpc.workshop.rejectInstance.mutate({ name, instanceId, reason: "no" });
    expect(await refused(trpc.workshop.approveApproval.mutate({ name, approvalId }))).toMatchObject({
      code: "CONFLICT",
      problem: {
        code: "approval_closed",
        decision: { status: "rejected", decidedBy: "api-key", reason: "no" },
      },
    });
  });

  test("of the author's own mistake is not explained", async () => {
    const name = "fails";
    await trpc.workshop.methods.open.mutate({ name, input: { motto: "x" } });
    const answer = await refused(trpc.workshop.methods.fail.mutate({ name, input: {} }));
    expect(answer).toMatchObject({ code: "INTERNAL_SERVER_ERROR", problem: { code: "internal_error" } });
    expect(JSON.stringify(answer)).not.toContain("secret");
  });

  test("without a key, of something that is not there, or by the wrong verb, is told as tRPC tells it", async () => {
    const stranger = trpcOf<App>({ url: gateway.url, key: "not-the-key-of-anybody" });
    expect(await refused(stranger.workshop.get.query({ name: "x" }))).toMatchObject({
      httpStatus: 401,
      problem: { code: "unauthorized" },
    });
    expect(
      await refused(stranger.workshop.silent.start.mutate({ name: "x", params: { answer: 1 } })),
    ).toMatchObject({
      httpStatus: 401,
      problem: { code: "unauthorized" },
    });
    // @ts-expect-error no such procedure
    expect(await refused(trpc.workshop.silent.stop.mutate({}))).toMatchObject({
      code: "NOT_FOUND",
      problem: { code: "not_found" },
    });
    // @ts-expect-error a start is no query
    expect(await refused(trpc.workshop.silent.start.query({}))).toMatchObject({
      code: "METHOD_NOT_SUPPORTED",
      problem: { code: "method_not_allowed" },
    });
  });
});

/** The status of an answer, and the code of its problem. */
const told = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
  const response = await ask(new URL(path, gateway.url), {
    method,
    headers: { authorization: `Bearer ${gateway.key}`, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const { error } = JSON.parse(text) as { error: { data: { problem: { code: string } } } };
  return [response.status, error.data.problem.code];
};
describe("a request that tRPC never sees", () => {
  const json = { "content-type": "application/json" };
  const START = "/trpc/workshop.silent.start";

  test("is refused with a problem in tRPC's shape", async () => {
    expect(await told("POST", START, "{", json)).toEqual([400, "malformed_json"]);
    expect(await told("POST", START, "a=b", { "content-type": "application/x-www-form-urlencoded" })).toEqual(
      [415, "unsupported_media_type"],
    );
    expect(await told("POST", START, "x".repeat(1_048_577), json)).toEqual([413, "payload_too_large"]);
    expect(await told("PUT", START, "{}", json)).toEqual([405, "method_not_allowed"]);
    const deep = `${'{"a":'.repeat(80)}1${"}".repeat(80)}`;
    expect(await told("POST", START, deep, json)).toEqual([400, "invalid_request"]);
    const eleven = Array(11).fill("workshop.get").join(",");
    expect(await told("GET", `/trpc/${eleven}?batch=1&input={}`)).toEqual([400, "invalid_request"]);
    expect(await told("GET", "/trpc/%E0%A4%A?input={}")).toEqual([404, "not_found"]);
    expect(await told("GET", "/trpc/workshop.get,workshop.silent.start?batch=1&input={}")).toEqual([
      400,
      "invalid_request",
    ]);
  });
});

test("calls in a batch have each an outcome of their own", async () => {
  const context = { context: { batch: true } };
  const name = "batch";
  const [one, other, none] = await Promise.allSettled([
    trpc.workshop.silent.start.mutate({ name, params: { answer: 1 }, id: "a" }, context),
    trpc.workshop.silent.start.mutate({ name, params: { answer: 2 }, id: "b" }, context),
    trpc.workshop.silent.start.mutate({ name, params: { answer: 3 }, id: "a" }, context),
  ]);
  const outcomes = [one, other, none].map((settled) =>
    settled.status === "fulfilled"
      ? settled.value.id
      : (settled.reason as { data: { problem: { code: string } } }).data.problem.code,
  );
  expect(outcomes.toSorted()).toEqual(["a", "b", "instance_exists"]);
});

test("a change with the same key is done once, whichever door it comes by", async () => {
  const name = "once";
  const first = { name, params: { answer: 1 }, idempotencyKey: "k-1" };
  const started = await trpc.workshop.silent.start.mutate(first);
  expect(await trpc.workshop.silent.start.mutate(first)).toEqual(started);
  const byRest = await gateway.post(
    "/agents/workshop/once/workflows/silent",
    { params: { answer: 1 } },
    { "idempotency-key": "k-1" },
  );
  expect(byRest.json()).toEqual(started);
  const other = trpc.workshop.silent.start.mutate({ ...first, params: { answer: 2 } });
  expect(await refused(other)).toMatchObject({ problem: { code: "idempotency_key_reused" } });
  expect((await trpc.workshop.listInstances.query({ name })).items).toHaveLength(1);
});

test("state, methods, sub-agents and controls are as those of REST", async () => {
  const name = "rest";
  await trpc.workshop.methods.open.mutate({ name, input: { motto: "measure twice" } });
  const { state, etag } = await trpc.workshop.getState.query({ name });
  expect(state).toEqual({ motto: "measure twice" });
  await trpc.workshop.mergeState.mutate({ name, patch: { motto: "cut once" }, ifMatch: etag });
  const late = trpc.workshop.replaceState.mutate({ name, state: { motto: "x" }, ifMatch: etag });
  expect(await refused(late)).toMatchObject({
    code: "PRECONDITION_FAILED",
    problem: { code: "precondition_failed" },
  });
  const child = [name, "b"] as const;
  expect(await trpc.workshop.sub.bench.create.mutate({ name: child })).toMatchObject({ created: true });
  expect((await trpc.workshop.listChildren.query({ name, agent: "bench" })).items).toHaveLength(1);
  const { id: instanceId } = await trpc.workshop.sub.bench.patient.start.mutate({ name: child, params: {} });
  expect(await trpc.workshop.sub.bench.terminateInstance.mutate({ name: child, instanceId })).toMatchObject({
    status: "terminated",
  });
  const { items } = await trpc.workshop.listInstances.query({ name, scope: "subtree" });
  expect(items.map(({ id }) => id)).toEqual([instanceId]);
  expect(
    await trpc.workshop.deleteInstances.mutate({ name, scope: "subtree", status: ["terminated"] }),
  ).toMatchObject({
    deleted: 1,
  });
  expect(await trpc.gateway.getHealth.query()).toEqual({ status: "ok" });
  expect((await trpc.gateway.listAgents.query()).agents.map((agent) => agent.name)).toContain("workshop");
});
