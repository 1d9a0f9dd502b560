import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until, untilStatus } from "../support/until.ts";

const AGENTS = ["/agents/workshop/retention", "/agents/workshop/retention/sub/bench/b"];
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const start = async (agent: string, id: string, params: object): Promise<string> => {
  const answer = await gateway.post(`${agent}/workflows/fleeting`, { params, id });
  expect(answer.status, answer.text).toBe(202);
  return answer.json<{ links: { self: string } }>().links.self;
};

/** Lets one instance end well, one badly and one wait. @returns whose events are left when the first is swept. */
const keptBy = async (agent: string): Promise<string[]> => {
  const complete = await start(agent, "complete", {});
  const errored = await start(agent, "errored", { failWith: "it" });
  const waiting = await start(agent, "waiting", { gate: true });
  await untilStatus(() => gateway.get(errored), "errored");
  await until(
    () => gateway.get(complete),
    ({ status }) => status === 404,
  );
  const events = (await gateway.get(`${agent}/events`, { accept: "application/json" })).json<{
    items: { instanceId: string }[];
  }>();
  expect((await gateway.get(waiting)).json()).toMatchObject({ status: "waiting" });
  return [...new Set(events.items.map(({ instanceId }) => instanceId))].toSorted();
};

test("what has ended is kept as its workflow says, and then swept with its events", async () => {
  expect(await Promise.all(AGENTS.map(keptBy))).toEqual(AGENTS.map(() => ["errored", "waiting"]));
});

test("instances that were started under a former name of the binding go on under the present one", async () => {
  const agent = "/agents/workshop/renamed";
  const self = await start(agent, "old", { gate: true, failWith: "at the end" });
  await untilStatus(() => gateway.get(self), "waiting");
  const worker = gateway.harness.getWorker();
  const storage = await worker.getDurableObjectStorage("WORKSHOP", { name: "renamed" });
  await storage.exec("UPDATE switchyard_instances SET binding = 'PASSING' WHERE id = 'old'");
  await worker.evictDurableObject("WORKSHOP", { name: "renamed" });
  expect((await gateway.post(`${self}/approve`, {})).status).toBe(200);
  await untilStatus(() => gateway.get(self), "errored");
});
