import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Answer } from "../support/gateway.ts";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { untilStatus } from "../support/until.ts";

/** A shop that has the gateway before the binding is renamed, with its counter; and one that gets both at once. */
const SHOP = "/agents/shop/main";
const COUNTER = `${SHOP}/sub/counter/till`;
const LATE_SHOP = "/agents/shop/late";

let storage: string;
let runtime: Runtime;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
  {
    await using legacy = await startRuntime("test/fixtures/adopted/legacy.jsonc", storage);
    const start = { call: "start", binding: "ORDER", params: { waits: ["manager"] } };
    for (const place of [{ shop: "main" }, { shop: "main", counter: "till" }, { shop: "late" }])
      await accepted(
        legacy.post("/", { ...start, ...place, id: `before-${Object.values(place).join("-")}` }),
      );
    await legacy.kill();
  }
  {
    await using gateway = await startRuntime("test/fixtures/adopted/gateway.jsonc", storage);
    for (const agent of [SHOP, COUNTER]) {
      await accepted(
        gateway.post(`${agent}/workflows/order`, { id: "begun-here", params: { waits: ["manager"] } }),
      );
      await untilStatus(() => gateway.get(`${agent}/instances/begun-here`), "waiting");
    }
    await gateway.kill();
  }
  runtime = await startRuntime("test/fixtures/adopted/renamed.jsonc", storage);
}, 120_000);
afterAll(async () => {
  await runtime.kill();
  await rm(storage, { recursive: true, force: true });
});

const accepted = async (request: Promise<Answer>): Promise<Answer> => {
  const answer = await request;
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer;
};
const migrate = (agent: string, from: string, headers?: Record<string, string>) =>
  runtime.post(`${agent}/workflows/order/migrate-binding`, { from }, headers);

/** The contract of the workflow trims a note: a run that finds it does so too. */
const approvedEnds = async (self: string): Promise<void> => {
  await accepted(runtime.post(`${self}/approve`, { metadata: { note: "  fine  " } }));
  const ended = await untilStatus(() => runtime.get(self), "complete");
  expect(ended.json()).toMatchObject({ workflow: "order", output: { done: ["fine"] } });
};

test.each([
  ["an agent", SHOP, "before-main"],
  ["a sub-agent", COUNTER, "before-main-till"],
])("on %s, what began under the former name of a binding goes on under the present one", async (...of) => {
  const [, agent, before] = of;
  expect((await migrate(agent, "ORDER")).json()).toEqual({ migrated: 2 });
  expect((await migrate(agent, "ORDER")).json()).toEqual({ migrated: 0 });
  await approvedEnds(`${agent}/instances/begun-here`);
  await approvedEnds(`${agent}/instances/${before}`);
});

test("what is still in the SDK's own table is adopted with it, and a repeated request is answered as the first time", async () => {
  const self = `${LATE_SHOP}/instances/before-late`;
  expect((await runtime.get(self)).status).toBe(404);
  const key = { "idempotency-key": "once" };
  expect((await migrate(LATE_SHOP, "ORDER", key)).json()).toEqual({ migrated: 1 });
  expect((await migrate(LATE_SHOP, "ORDER", key)).json()).toEqual({ migrated: 1 });
  await approvedEnds(self);
  const look = await runtime.post(`${LATE_SHOP}/methods/look`, {});
  expect(look.json()).toMatchObject({ tracked: 0 });
});

test("a binding that a workflow has now is no former one, and an agent that is not there has none", async () => {
  expect((await migrate(SHOP, "PURCHASE")).json()).toMatchObject({
    code: "invalid_request",
    errors: [{ in: "body", pointer: "/from" }],
  });
  expect((await migrate(SHOP, "no binding")).status).toBe(400);
  expect((await migrate("/agents/shop/nobody", "ORDER")).json()).toMatchObject({ code: "agent_not_found" });
});
