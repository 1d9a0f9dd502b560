import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { callBack, ERP_SECRET, LAB_SECRET, makeLink, startWithSenders, waiting } from "../support/links.ts";
import { untilStatus } from "../support/until.ts";

const AGENT = "/agents/workshop/callbacks";
const LAB = "/agents/workshop/lab";
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startWithSenders();
});
afterAll(() => gateway.harness.close());

/** What an answer says, but for the id of the request. */
function toldIn(answer: Answer) {
  const { requestId: _, ...problem } = answer.json<{ requestId: string }>();
  return { status: answer.status, problem };
}

describe("a signed callback", () => {
  test("decides in the name of its sender", async () => {
    const { self, approvalId, approval } = await waiting(gateway, AGENT);
    const body = {
      agent: AGENT,
      approvalId,
      decision: "approve",
      reason: "paid",
      metadata: { signature: "erp 7" },
    };
    const answer = await callBack(gateway, body);
    expect(answer.status).toBe(200);
    const decided = {
      id: approvalId,
      status: "approved",
      decidedBy: "erp",
      decidedVia: "callback",
      reason: "paid",
    };
    expect(answer.json()).toMatchObject(decided);
    expect((await gateway.get(approval)).json()).toMatchObject(decided);
    const ended = await untilStatus(() => gateway.get(self), "complete");
    expect(ended.json()).toMatchObject({ output: { signatures: ["erp 7"] } });
  });

  test("decides in a sub-agent, and by the token of a link in the name of whoever that is for", async () => {
    const agent = `${AGENT}/sub/bench/one`;
    await gateway.request("PUT", agent);
    const first = await waiting(gateway, agent);
    const rejected = await callBack(gateway, { agent, approvalId: first.approvalId, decision: "reject" });
    expect(rejected.json()).toMatchObject({ status: "rejected", decidedBy: "erp" });
    const second = await waiting(gateway, agent);
    const { token } = await makeLink(gateway, second.approval, { for: "Grace", decisions: ["approve"] });
    expect((await callBack(gateway, { token, decision: "reject" })).status).toBe(404);
    const id = "msg_by_token";
    const approved = await callBack(gateway, { token, decision: "approve" }, { id });
    expect(approved.json()).toMatchObject({ status: "approved", decidedBy: "Grace", decidedVia: "callback" });
    expect((await callBack(gateway, { token, decision: "approve" }, { id })).json()).toEqual(approved.json());
    expect((await callBack(gateway, { token, decision: "approve" })).json()).toMatchObject({
      code: "approval_not_found",
    });
  });

  test("that comes again is answered as the first time; under its id nothing else is", async () => {
    const { approvalId } = await waiting(gateway, AGENT);
    const body = { agent: AGENT, approvalId, decision: "approve" };
    const id = "msg_again";
    const answers = await Promise.all(Array.from({ length: 5 }, () => callBack(gateway, body, { id })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const later = await callBack(gateway, body, { id, at: new Date(Date.now() - 60_000) });
    expect(later.text).toBe(answers[0]?.text);
    for (const other of [{ ...body, decision: "reject" }, `${JSON.stringify(body)} `]) {
      const refused = await callBack(gateway, other, { id });
      expect(refused.status).toBe(422);
      expect(refused.json()).toMatchObject({ code: "idempotency_key_reused" });
    }
    const late = await callBack(gateway, body);
    expect(late.status).toBe(409);
    expect(late.json()).toMatchObject({ code: "approval_closed", decision: { decidedBy: "erp" } });
  });

  test("that is not signed, signed by another, changed, or of another time is refused, and not told why", async () => {
    const { approval, approvalId } = await waiting(gateway, AGENT);
    const body = { agent: AGENT, approvalId, decision: "approve" };
    const stranger = `whsec_${Buffer.alloc(32, "x").toString("base64")}`;
    const old = new Date(Date.now() - 301_000);
    const early = new Date(Date.now() + 310_000);
    const unsent = { "webhook-id": "", "webhook-timestamp": "", "webhook-signature": "" };
    const answers = await Promise.all([
      callBack(gateway, body, { secret: stranger }),
      callBack(gateway, body, { at: old }),
      callBack(gateway, body, { at: early }),
      callBack(gateway, body, { headers: unsent }),
      callBack(gateway, body, { headers: { "webhook-signature": "v1,AAAA" } }),
      callBack(gateway, body, { headers: { "webhook-id": "msg_other" } }),
      callBack(gateway, body, { headers: { "webhook-id": "m".repeat(300) } }),
      gateway.post("/webhooks/approvals", body),
      callBack(gateway, "{", { secret: stranger }),
    ]);
    const told = answers.map(toldIn);
    expect(told[0]).toMatchObject({ status: 401, problem: { code: "unauthorized" } });
    for (const one of told) expect(one).toEqual(told[0]);
    expect((await gateway.get(approval)).json()).toMatchObject({ status: "pending" });
  });

  test("of what is not there, or not for this sender, is not told which", async () => {
    const elsewhere = await waiting(gateway, AGENT);
    const own = await waiting(gateway, LAB);
    const unknown = "apr_00000000-0000-4000-8000-000000000000";
    const { token } = await makeLink(gateway, elsewhere.approval);
    const as = { secret: LAB_SECRET };
    const answers = await Promise.all(
      [
        { agent: AGENT, approvalId: elsewhere.approvalId },
        { agent: LAB, approvalId: elsewhere.approvalId },
        { agent: LAB, approvalId: unknown },
        { agent: "/agents/workshop/lab-2", approvalId: own.approvalId },
        { agent: `${LAB}/sub/bench/none`, approvalId: own.approvalId },
        { agent: "/agents/nothing/lab", approvalId: own.approvalId },
        { agent: "/agents/workshop/**", approvalId: own.approvalId },
        { agent: "lab", approvalId: own.approvalId },
        { token },
        { token: "a.b.c" },
      ].map((which) => callBack(gateway, { ...which, decision: "approve" }, as)),
    );
    const told = answers.map(toldIn);
    expect(told[0]).toMatchObject({ status: 404, problem: { code: "approval_not_found" } });
    for (const one of told) expect(one).toEqual(told[0]);
    const mine = await callBack(gateway, { agent: LAB, approvalId: own.approvalId, decision: "approve" }, as);
    expect(mine.json()).toMatchObject({ status: "approved", decidedBy: "lab" });
  });

  test("with a body that is none is refused as everywhere else", async () => {
    const { approvalId } = await waiting(gateway, AGENT);
    const good = { agent: AGENT, approvalId, decision: "approve" };
    for (const [body, status, code] of [
      ["{", 400, "malformed_json"],
      ["", 400, "malformed_json"],
      [{}, 400, "invalid_request"],
      [{ ...good, decision: "maybe" }, 400, "invalid_request"],
      [{ ...good, token: "t" }, 400, "invalid_request"],
      [{ ...good, decidedBy: "eve" }, 400, "invalid_request"],
      [{ ...good, metadata: { signature: 5 } }, 400, "invalid_request"],
      [{ ...good, reason: "r".repeat(2_001) }, 400, "invalid_request"],
      ["x".repeat(1_048_576), 413, "payload_too_large"],
    ] as const) {
      const answer = await callBack(gateway, body);
      expect(answer.json(), JSON.stringify(body).slice(0, 100)).toMatchObject({ status, code });
    }
    const untyped = await callBack(gateway, good, { headers: { "content-type": "text/plain" } });
    expect(untyped.json()).toMatchObject({ code: "unsupported_media_type" });
    expect((await callBack(gateway, good)).status).toBe(200);
  });
});

test("a gateway that names no sender, or lacks its secret, says so", async () => {
  const body = { agent: "/agents/catalog/acme", approvalId: "x", decision: "approve" };
  const key = { SWITCHYARD_API_KEY: "sy_test_4f1c2b7d9e0a6358" };
  await using unready = await startGateway("test/fixtures/workshop/wrangler.jsonc", {
    ...key,
    LAB_WEBHOOK_SECRET: LAB_SECRET,
  });
  const missing = await callBack(unready, body, { secret: ERP_SECRET });
  expect(missing.status).toBe(503);
  expect(missing.json()).toMatchObject({
    code: "gateway_not_configured",
    detail: expect.stringContaining("the log says which"),
  });
  await using none = await startGateway("test/fixtures/crowded/wrangler.jsonc");
  expect((await callBack(none, body)).json()).toMatchObject({
    code: "gateway_not_configured",
    detail: expect.stringContaining("callbacks.senders"),
  });
});
