import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until, untilStatus } from "../support/until.ts";

interface Waiting {
  status: string;
  waitingFor?: { approvalId: string; stepName: string };
  links: { self: string };
}

const AGENT = "/agents/workshop/gates";
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const start = async (params: object): Promise<string> =>
  (await gateway.post(`${AGENT}/workflows/gated`, { params })).json<Waiting>().links.self;

const waitingAt = async (self: string, stepName: string): Promise<string> => {
  const answer = await until(
    () => gateway.get(self),
    (one) => one.json<Waiting>().waitingFor?.stepName === stepName,
  );
  return answer.json<Waiting>().waitingFor?.approvalId ?? "";
};

test("two approvals of gate one never open gate two", async () => {
  const self = await start({ gates: ["one", "two"] });
  const first = await waitingAt(self, "one");
  const approve = () =>
    gateway.post(`${AGENT}/approvals/${first}/approve`, { metadata: { signature: "ada" } });
  const answers = await Promise.all([approve(), approve(), approve()]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);

  const second = await waitingAt(self, "two");
  const late = await approve();
  expect(late.status).toBe(409);
  expect(late.json()).toMatchObject({
    code: "approval_closed",
    decision: { approvalId: first, status: "approved", decidedBy: "api-key" },
  });
  // Every message that gate one could have sent is out: gate two still waits.
  expect((await gateway.get(`${AGENT}/approvals/${second}`)).json()).toMatchObject({ status: "pending" });
  expect((await gateway.get(self)).json()).toMatchObject({
    status: "waiting",
    waitingFor: { stepName: "two" },
  });

  await gateway.post(`${AGENT}/approvals/${second}/approve`, {});
  expect((await untilStatus(() => gateway.get(self), "complete")).json()).toMatchObject({
    output: { signatures: ["ada", null] },
  });
});

test("approve and reject at once: one wins, the other is told which", async () => {
  const self = await start({ gates: ["race"] });
  const id = await waitingAt(self, "race");
  const [approved, rejected] = await Promise.all([
    gateway.post(`${AGENT}/approvals/${id}/approve`, {}),
    gateway.post(`${AGENT}/approvals/${id}/reject`, { reason: "no" }),
  ]);
  const [won, lost] = approved.status === 200 ? [approved, rejected] : [rejected, approved];
  expect([won.status, lost.status]).toEqual([200, 409]);
  const { status } = won.json<{ status: string }>();
  expect(lost.json()).toMatchObject({ decision: { status } });
  await untilStatus(() => gateway.get(self), status === "approved" ? "complete" : "errored");
});

test("the same step name twice is two gates", async () => {
  const self = await start({ gates: ["again", "again"] });
  const first = await waitingAt(self, "again");
  await gateway.post(`${AGENT}/approvals/${first}/approve`, {});
  const second = await until(
    () => waitingAt(self, "again"),
    (id) => id !== first,
  );
  expect((await gateway.get(`${AGENT}/approvals/${second}`)).json()).toMatchObject({
    occurrence: 2,
    status: "pending",
  });
  await gateway.post(`${AGENT}/approvals/${second}/approve`, {});
  await untilStatus(() => gateway.get(self), "complete");
});

test("a gate that nobody decides expires, and the instance ends errored", async () => {
  const self = await start({ gates: ["slow"], timeoutMs: 300 });
  const ended = await untilStatus(() => gateway.get(self), "errored");
  expect(ended.json()).toMatchObject({ error: { name: "WorkflowTimeoutError" } });
  const approvals = (await gateway.get(`${AGENT}/approvals?status=expired`)).json<{
    items: { id: string; instanceId: string; decidedBy: null }[];
  }>();
  const [expired] = approvals.items.filter(({ instanceId }) => self.endsWith(instanceId));
  expect(expired).toMatchObject({ stepName: "slow", decidedBy: null });
  const late = await gateway.post(`${AGENT}/approvals/${expired?.id}/approve`, {});
  expect(late.status).toBe(409);
  expect(late.json()).toMatchObject({ decision: { status: "expired" } });
});

test("what an approver sends is checked against the workflow's contract", async () => {
  const self = await start({ gates: ["signed"] });
  const id = await waitingAt(self, "signed");
  const wrong = await gateway.post(`${AGENT}/approvals/${id}/approve`, { metadata: { signature: 7 } });
  expect(wrong.status).toBe(400);
  expect(wrong.json()).toMatchObject({
    code: "invalid_request",
    errors: [{ in: "body", pointer: "/metadata/signature" }],
  });
  expect((await gateway.get(`${AGENT}/approvals/${id}`)).json()).toMatchObject({ status: "pending" });
});

test("the short form decides the only open gate, and nothing when there is none", async () => {
  const self = await start({ gates: ["only"] });
  await waitingAt(self, "only");
  expect((await gateway.post(`${self}/approve`, {})).status).toBe(200);
  await untilStatus(() => gateway.get(self), "complete");
  const none = await gateway.post(`${self}/approve`, {});
  expect(none.status).toBe(409);
  expect(none.json()).toMatchObject({ code: "approval_ambiguous" });
});

test("an engine that pauses and resumes a waiting run fails nothing", async () => {
  const self = await start({ gates: ["patient"] });
  const approvalId = await waitingAt(self, "patient");
  const worker = gateway.harness.getWorker<{ GATED: Workflow }>();
  const storage = await worker.getDurableObjectStorage("WORKSHOP", { name: "gates" });
  const [row] = await storage.exec(
    "SELECT engine_id FROM switchyard_instances WHERE id = ?",
    self.split("/").at(-1) ?? "",
  );
  const instance = await (await worker.getEnv()).GATED.get(String(row?.["engine_id"]));
  await instance.pause();
  await until(
    () => instance.status(),
    ({ status }) => status === "paused",
  );
  await instance.resume();
  await until(
    () => instance.status(),
    ({ status }) => status === "running",
  );
  expect((await gateway.get(`${AGENT}/approvals/${approvalId}`)).json()).toMatchObject({ status: "pending" });
  await gateway.post(`${self}/approve`, { metadata: { signature: "grace" } });
  expect((await untilStatus(() => gateway.get(self), "complete")).json()).toMatchObject({
    output: { signatures: ["grace"] },
  });
});

interface Workflow {
  get(
    id: string,
  ): Promise<{ pause(): Promise<void>; resume(): Promise<void>; status(): Promise<{ status: string }> }>;
}
