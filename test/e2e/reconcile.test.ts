import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until, untilStatus } from "../support/until.ts";

/** What a dashboard can do to an instance without telling anybody. */
interface EngineInstance {
  pause(): Promise<void>;
  resume(): Promise<void>;
  terminate(): Promise<void>;
  delete(): Promise<void>;
  status(): Promise<{ status: string }>;
}
interface Binding {
  get(id: string): Promise<EngineInstance>;
}

const AGENT = "/agents/workshop/reconcile";
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const sql = async (query: string, ...bindings: string[]) => {
  const worker = gateway.harness.getWorker();
  const storage = await worker.getDurableObjectStorage("WORKSHOP", { name: "reconcile" });
  return storage.exec(query, ...bindings);
};

/** Lets so much time pass that the engine is asked on the next read. */
const grow = (id: string) =>
  sql("UPDATE switchyard_instances SET check_at = 60000, check_after = 60000 WHERE id = ?", id);

async function waiting(id: string): Promise<{ self: string; engine: EngineInstance }> {
  const started = await gateway.post(`${AGENT}/workflows/gated`, { params: {}, id });
  const { links } = started.json<{ links: { self: string } }>();
  await untilStatus(() => gateway.get(links.self), "waiting");
  return { self: links.self, engine: await engineOf("GATED", id) };
}

async function engineOf(binding: string, id: string): Promise<EngineInstance> {
  const [row] = await sql("SELECT engine_id FROM switchyard_instances WHERE id = ?", id);
  const env = await gateway.harness.getWorker<Record<string, Binding>>().getEnv();
  const workflow = env[binding];
  if (workflow === undefined) throw new Error(`no binding ${binding}`);
  return workflow.get(String(row?.["engine_id"]));
}

test("an instance that was terminated from elsewhere is terminated here, and its gate cancelled", async () => {
  const { self, engine } = await waiting("terminated-elsewhere");
  await engine.terminate();
  await grow("terminated-elsewhere");
  expect((await gateway.get(self)).json()).toMatchObject({ status: "terminated" });
  const approvals = (await gateway.get(`${AGENT}/approvals?status=cancelled`)).json<{
    items: { instanceId: string }[];
  }>();
  expect(approvals.items.map(({ instanceId }) => instanceId)).toContain("terminated-elsewhere");
});

test("an instance that the engine has lost ends errored, and says so", async () => {
  const { self, engine } = await waiting("lost");
  await engine.delete();
  await grow("lost");
  expect((await gateway.get(self)).json()).toMatchObject({
    status: "errored",
    error: { name: "InstanceLost" },
  });
});

test("a pause and a resume from elsewhere are seen", async () => {
  const { self, engine } = await waiting("paused-elsewhere");
  await engine.pause();
  await until(
    () => engine.status(),
    ({ status }) => status === "paused",
  );
  await grow("paused-elsewhere");
  expect((await gateway.get(self)).json()).toMatchObject({ status: "paused" });
  await engine.resume();
  await until(
    () => engine.status(),
    ({ status }) => status === "running",
  );
  await grow("paused-elsewhere");
  expect((await gateway.get(self)).json()).toMatchObject({
    status: "waiting",
    waitingFor: { stepName: "first" },
  });
});

test("an end that was never told is read from the engine, with its output, and its time never moves", async () => {
  const id = "untold";
  const started = await gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 6 }, id });
  const { self } = started.json<{ links: { self: string } }>().links;
  await untilStatus(() => gateway.get(self), "complete");
  // As if the agent had died before it took the report.
  await sql(
    "UPDATE switchyard_instances SET status = 'running', output = NULL, completed_at = NULL WHERE id = ?",
    id,
  );
  await grow(id);
  const read = await gateway.get(self);
  expect(read.json()).toMatchObject({ status: "complete", output: { answer: 12 } });
  await grow(id);
  expect((await gateway.get(self)).text).toBe(read.text);
});

test("a look at the engine that brings nothing new changes nothing", async () => {
  const { self } = await waiting("still-waiting");
  const before = (await gateway.get(self)).text;
  await grow("still-waiting");
  expect((await gateway.get(self)).text).toBe(before);
});

test("what is not read is asked for by the alarm", async () => {
  const { self, engine } = await waiting("nobody-reads");
  await engine.terminate();
  await grow("nobody-reads");
  // A start arms the alarm, which then looks after everything that is due; only the list is read, which asks no engine.
  await gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 1 } });
  const list = () => gateway.get(`${AGENT}/instances?status=terminated`);
  await until(list, (answer) => answer.text.includes("nobody-reads"));
  expect((await gateway.get(self)).json()).toMatchObject({ status: "terminated" });
});
