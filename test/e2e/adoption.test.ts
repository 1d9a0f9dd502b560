import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "../support/gateway.ts";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { until, untilStatus } from "../support/until.ts";

const LEGACY = "test/fixtures/adopted/legacy.jsonc";
const GATEWAY = "test/fixtures/adopted/gateway.jsonc";

const SHOP = "/agents/shop/main";
const COUNTER = `${SHOP}/sub/counter/till`;
/** A shop of which nothing but its counter was ever used. */
const BRANCH = "/agents/shop/branch/sub/counter/till";

/** What the project had under way when the gateway came, at the shop and at its counter alike. */
const STARTED: Readonly<Record<string, object>> = {
  "at-gate": { waits: ["manager"] },
  "at-first": { waits: ["first", "second"] },
  "past-first": { waits: ["first", "second"] },
  "at-auditor": { waits: ["auditor"] },
  "at-parcel": { waits: ["parcel", "manager"] },
  "to-reject": { waits: ["manager"] },
  "to-pause": { waits: ["manager"] },
  "to-terminate": { waits: ["manager"] },
  "to-restart": { waits: ["manager"] },
  "to-delete": { waits: ["manager"] },
  done: { waits: [] },
  failed: { waits: [], failWith: "out of stock" },
};

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
  await using legacy = await startRuntime(LEGACY, storage);
  const obey = async (command: object): Promise<Answer> => {
    const answer = await legacy.post("/", command);
    expect(answer.status, answer.text).toBe(200);
    return answer;
  };
  for (const place of [{ shop: "main" }, { shop: "main", counter: "till" }]) {
    const prefix = "counter" in place ? "till-" : "";
    for (const [id, params] of Object.entries(STARTED))
      await obey({ ...place, call: "start", binding: "ORDER", id: prefix + id, params });
    await until(
      () => obey({ ...place, call: "list" }),
      ({ text }) => text.includes('"errored"') && text.includes('"complete"'),
    );
    await obey({ ...place, call: "approve", id: `${prefix}past-first` });
  }
  const elsewhere = { shop: "branch", counter: "till" };
  await obey({
    ...elsewhere,
    call: "start",
    binding: "ORDER",
    id: "branch-at-gate",
    params: { waits: ["manager"] },
  });
  await obey({ shop: "main", call: "start", binding: "RETURN", id: "returned", params: { ends: "told" } });
  await legacy.kill();
}, 120_000);
afterAll(() => rm(storage, { recursive: true, force: true }));

interface Shown {
  readonly id: string;
  readonly status: string;
}
const listed = async (runtime: Runtime, agent: string): Promise<Shown[]> =>
  (await runtime.get(`${agent}/instances?limit=100`)).json<{ items: Shown[] }>().items;
const accepted = async (request: Promise<Answer>): Promise<Answer> => {
  const answer = await request;
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer;
};
const look = async (runtime: Runtime, agent: string) =>
  (await accepted(runtime.post(`${agent}/methods/look`, {}))).json<{
    tracked: number;
    callbacks: string[];
  }>();

describe("a project that changes its base classes", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await startRuntime(GATEWAY, storage);
  });
  afterAll(() => runtime.kill());

  describe.each([
    ["an agent", SHOP, ""],
    ["a sub-agent", COUNTER, "till-"],
  ])("finds what it had started on %s", (_kind, agent, prefix) => {
    const self = (id: string): string => `${agent}/instances/${prefix}${id}`;
    const get = (id: string) => runtime.get(self(id));

    test("listed, and no longer in the SDK's own table", async () => {
      const ids = (await listed(runtime, agent)).map(({ id }) => id);
      expect(ids.filter((id) => id !== "returned").toSorted()).toEqual(
        Object.keys(STARTED)
          .map((id) => prefix + id)
          .toSorted(),
      );
      expect((await look(runtime, agent)).tracked).toBe(0);
    });

    test("read true: what ended has its output or its error, and when it ended", async () => {
      const done = await get("done");
      expect(done.json()).toMatchObject({
        status: "complete",
        output: { done: [] },
        metadata: { owner: "ada", items: '["a","b"]' },
        attempt: 1,
      });
      const { completedAt } = done.json<{ completedAt: string }>();
      expect(Math.abs(Date.parse(completedAt) - Date.now())).toBeLessThan(600_000);
      expect((await get("failed")).json()).toMatchObject({
        status: "errored",
        error: { name: "RangeError", message: "out of stock" },
      });
      const events = await runtime.get(`${self("done")}/events`, { accept: "application/json" });
      expect(events.json()).toMatchObject({
        items: [{ type: "instance.queued" }, { type: "instance.completed", data: { output: { done: [] } } }],
        ended: true,
      });
    });

    test("read true: what waits says for what, before any of it runs again", async () => {
      expect((await get("at-gate")).json()).toMatchObject({
        status: "waiting",
        waitingFor: { type: "approval", stepName: "manager", deadline: null },
      });
      expect((await get("past-first")).json()).toMatchObject({ waitingFor: { stepName: "second" } });
      expect((await get("at-auditor")).json()).toMatchObject({
        waitingFor: { type: "approval", stepName: "auditor" },
      });
      expect((await get("at-parcel")).json()).toMatchObject({
        waitingFor: { type: "event", eventType: "parcel-arrived", stepName: "parcel" },
      });
    });

    test("decided exactly once, whoever asks at the same time", async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_item, n) =>
          runtime.post(`${self("at-gate")}/approve`, { metadata: { note: `  by ${n}  ` } }),
        ),
      );
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array<number>(7).fill(409)]);
      const winner = answers.findIndex(({ status }) => status === 200);
      const ended = await untilStatus(() => get("at-gate"), "complete");
      expect(ended.json()).toMatchObject({ output: { done: [`by ${winner}`] } });
      const events = await runtime.get(`${self("at-gate")}/events`, { accept: "application/json" });
      const types = events.json<{ items: { type: string }[] }>().items.map(({ type }) => type);
      expect(types.filter((type) => type.startsWith("approval."))).toEqual([
        "approval.requested",
        "approval.decided",
      ]);
    });

    test("decided gate by gate: the next one stays shut", async () => {
      await accepted(runtime.post(`${self("at-first")}/approve`, { metadata: { note: "1" } }));
      const next = await until(
        () => get("at-first"),
        ({ text }) => text.includes('"stepName":"second"'),
      );
      expect(next.json()).toMatchObject({ status: "waiting", waitingFor: { stepName: "second" } });
      await accepted(runtime.post(`${self("at-first")}/approve`, { metadata: { note: "2" } }));
      const ended = await untilStatus(() => get("at-first"), "complete");
      expect(ended.json()).toMatchObject({ output: { done: ["1", "2"] } });
    });

    test("past a gate that was decided before, which is not asked again", async () => {
      await accepted(runtime.post(`${self("past-first")}/approve`, { metadata: { note: "after" } }));
      const ended = await untilStatus(() => get("past-first"), "complete");
      expect(ended.json()).toMatchObject({ output: { done: ["before", "after"] } });
      const all = (await runtime.get(`${agent}/approvals?limit=100`)).json<{
        items: { instanceId: string; stepName: string }[];
      }>().items;
      const asked = all.filter(({ instanceId }) => instanceId === `${prefix}past-first`);
      expect(asked.map(({ stepName }) => stepName)).toEqual(["second"]);
    });

    test("at a gate with an event type of the author's", async () => {
      await accepted(runtime.post(`${self("at-auditor")}/approve`, { metadata: { note: "closed" } }));
      expect((await untilStatus(() => get("at-auditor"), "complete")).json()).toMatchObject({
        output: { done: ["closed"] },
      });
    });

    test("rejected", async () => {
      await accepted(runtime.post(`${self("to-reject")}/reject`, { reason: "too dear" }));
      expect((await untilStatus(() => get("to-reject"), "errored")).json()).toMatchObject({
        error: { name: "WorkflowRejectedError", message: "Workflow rejected: too dear" },
      });
    });

    test("sent the event that it waits for", async () => {
      const event = { type: "parcel-arrived", payload: { parcel: "p-1" } };
      const sent = await runtime.post(`${self("at-parcel")}/events?require=waiting`, event);
      expect(sent.json(), sent.text).toEqual({ delivery: "delivered" });
      const next = await until(
        () => get("at-parcel"),
        ({ text }) => text.includes('"manager"') && text.includes("apr_"),
      );
      expect(next.json()).toMatchObject({ status: "waiting", waitingFor: { type: "approval" } });
      await accepted(runtime.post(`${self("at-parcel")}/approve`, { metadata: { note: "ok" } }));
      expect((await untilStatus(() => get("at-parcel"), "complete")).json()).toMatchObject({
        output: { done: ["p-1", "ok"] },
      });
    });

    test("paused and resumed", async () => {
      await accepted(runtime.post(`${self("to-pause")}/pause`));
      await untilStatus(() => get("to-pause"), "paused");
      const early = await runtime.post(`${self("to-pause")}/approve`, { metadata: { note: "early" } });
      expect(early.json(), early.text).toMatchObject({ code: "instance_paused" });
      await accepted(runtime.post(`${self("to-pause")}/resume`));
      await untilStatus(() => get("to-pause"), "waiting");
      await accepted(runtime.post(`${self("to-pause")}/approve`, { metadata: { note: "late" } }));
      expect((await untilStatus(() => get("to-pause"), "complete")).json()).toMatchObject({
        output: { done: ["late"] },
      });
    });

    test("terminated", async () => {
      await get("to-terminate");
      await accepted(runtime.post(`${self("to-terminate")}/terminate`, {}));
      expect((await get("to-terminate")).json()).toMatchObject({ status: "terminated" });
      expect((await runtime.post(`${self("to-terminate")}/approve`, {})).status).toBe(409);
    });

    test("restarted: the new attempt is one like all others", async () => {
      await get("to-restart");
      await accepted(runtime.post(`${self("to-restart")}/restart`, {}));
      const again = await untilStatus(() => get("to-restart"), "waiting");
      expect(again.json()).toMatchObject({ attempt: 2, waitingFor: { type: "approval" } });
      expect(again.json()).not.toMatchObject({ waitingFor: { deadline: null } });
      await accepted(runtime.post(`${self("to-restart")}/approve`, { metadata: { note: "again" } }));
      expect((await untilStatus(() => get("to-restart"), "complete")).json()).toMatchObject({
        output: { done: ["again"] },
      });
      await accepted(runtime.post(`${self("failed")}/restart`, {}));
      expect((await untilStatus(() => get("failed"), "errored")).json()).toMatchObject({ attempt: 2 });
    });

    test("deleted, and its id is free", async () => {
      expect((await runtime.request("DELETE", self("to-delete"))).status).toBe(409);
      await accepted(runtime.request("DELETE", `${self("to-delete")}?force=true`));
      expect((await get("to-delete")).status).toBe(404);
      const again = { id: `${prefix}to-delete`, params: { waits: [] } };
      await accepted(runtime.post(`${agent}/workflows/order`, again));
      await untilStatus(() => get("to-delete"), "complete");
    });

    test("told to the author under their names", async () => {
      const { callbacks } = await look(runtime, agent);
      expect(callbacks).toContain(`complete ORDER ${prefix}at-first {"done":["1","2"]}`);
    });
  });

  test("also on a sub-agent of an agent that nobody wrote to", async () => {
    const self = `${BRANCH}/instances/branch-at-gate`;
    expect((await runtime.get(`${BRANCH}/events`, { accept: "application/json" })).status).toBe(200);
    expect((await runtime.get(self)).json()).toMatchObject({ status: "waiting" });
    expect((await runtime.get("/agents/shop/branch")).status).toBe(200);
    const below = await runtime.get("/agents/shop/branch/instances?scope=subtree");
    expect(below.text).toContain("branch-at-gate");
    expect((await runtime.get("/agents/shop/never-used")).status).toBe(404);
  });

  test("and what runs on in the SDK's own class", async () => {
    const self = `${SHOP}/instances/returned`;
    expect((await runtime.get(self)).json()).toMatchObject({
      workflow: "return",
      status: "waiting",
      waitingFor: { type: "approval", stepName: "clerk" },
    });
    await accepted(runtime.post(`${self}/approve`, { metadata: { note: "fine" } }));
    const ended = await untilStatus(() => runtime.get(self), "complete");
    expect(ended.json()).toMatchObject({ output: { note: "fine", params: ["ends"] } });
    expect((await look(runtime, SHOP)).callbacks).toContain(
      'complete RETURN returned {"note":"fine","params":["ends"]}',
    );
  });

  test("adopts nothing twice", { timeout: 120_000 }, async () => {
    const eventsOf = async (agent: string) =>
      (await runtime.get(`${agent}/events?limit=100`, { accept: "application/json" })).json<{
        items: { id: string }[];
      }>().items;
    // The look at what nobody read yet is over.
    await until(
      () => listed(runtime, SHOP),
      (items) => items.every(({ status }) => status !== "running" && status !== "queued"),
    );
    const before = [await listed(runtime, SHOP), await eventsOf(SHOP)];
    await runtime.kill();
    runtime = await startRuntime(GATEWAY, storage);
    expect([await listed(runtime, SHOP), await eventsOf(SHOP)]).toEqual(before);
    expect((await look(runtime, SHOP)).tracked).toBe(0);
  });
});
