import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { until, untilStatus } from "../support/until.ts";

const AGENT = "/agents/workshop/committee";
const PATH = [{ agent: "workshop", name: "committee" }];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

interface Gate {
  readonly id: string;
  readonly status: string;
  readonly votes: readonly { readonly principal: string }[];
  readonly history: readonly { readonly type: string; readonly principal?: string | null }[];
}
type Decision = "approve" | "reject";

/** Asks in the name of anybody. */
const as = (name: string, scopes: readonly string[] = []) => {
  const ask = (method: "start" | "decide", input: object): Promise<Answer> =>
    gateway.post("/as-anybody", { path: PATH, name, scopes, method, input });
  return {
    start: (id: string, params: object) => ask("start", { workflow: "committee", params, id, metadata: {} }),
    decide: (approvalId: string, decision: Decision, signature = name) =>
      ask("decide", { target: { approvalId }, decision, metadata: { signature } }),
  };
};
const ada = as("ada");
const bob = as("bob");

/** An instance of ada, at its gate. */
async function atGate(id: string, params: object): Promise<{ gate: string; self: string }> {
  expect((await ada.start(id, params)).status).toBe(200);
  const self = `${AGENT}/instances/${id}`;
  const waiting = await untilStatus(() => gateway.get(self), "waiting");
  const { waitingFor } = waiting.json<{ waitingFor: { approvalId: string } }>();
  return { gate: waitingFor.approvalId, self };
}
const read = async (gate: string): Promise<Gate> =>
  (await gateway.get(`${AGENT}/approvals/${gate}`)).json<Gate>();
const types = async (self: string): Promise<string[]> => {
  const page = await gateway.get(`${self}/events?limit=100`, { accept: "application/json" });
  return page.json<{ items: { type: string }[] }>().items.map(({ type }) => type);
};

describe("a gate that says who may decide", () => {
  test("takes a decision of nobody else, and tells them so", async () => {
    const approvers = { principals: ["bob", "carol"], scopes: ["finance"] };
    const { gate, self } = await atGate("named", { approvers });
    expect(await read(gate)).toMatchObject({ approvers, selfApproval: true, required: 1, status: "pending" });
    for (const [who, detail] of [
      [as("eve", ["finance"]), /approvers/],
      [as("bob", ["other"]), /must hold finance/],
    ] as const) {
      for (const decision of ["approve", "reject"] as const) {
        const refused = await who.decide(gate, decision);
        expect(refused.status).toBe(403);
        expect(refused.json()).toMatchObject({
          code: "decision_not_allowed",
          detail: expect.stringMatching(detail) as string,
        });
      }
    }
    // The key may do everything, but is not called bob.
    const byKey = await gateway.post(`${self}/approve`, {});
    expect(byKey.status).toBe(403);
    expect(byKey.json()).toMatchObject({ code: "decision_not_allowed" });
    expect(await read(gate)).toMatchObject({ status: "pending" });

    expect((await as("bob", ["finance", "x"]).decide(gate, "approve")).json()).toMatchObject({
      status: "approved",
      decidedBy: "bob",
      decidedVia: "rest",
    });
    expect((await untilStatus(() => gateway.get(self), "complete")).json()).toMatchObject({
      startedBy: "ada",
      output: { signature: "bob" },
    });
    expect((await types(self)).filter((type) => type === "approval.decided")).toHaveLength(1);
  });

  test("may keep out whoever started the instance, also by way of the agent's own code", async () => {
    const { gate, self } = await atGate("self", { selfApproval: false });
    const own = await ada.decide(gate, "approve");
    expect(own.status).toBe(403);
    expect(own.json()).toMatchObject({ code: "decision_not_allowed" });
    expect((await bob.decide(gate, "approve")).status).toBe(200);
    await untilStatus(() => gateway.get(self), "complete");

    const started = await gateway.post(`${AGENT}/workflows/committee`, {
      params: { selfApproval: false },
      id: "by-key",
    });
    expect(started.json()).toMatchObject({ startedBy: "api-key" });
    await untilStatus(() => gateway.get(`${AGENT}/instances/by-key`), "waiting");
    expect((await gateway.post(`${AGENT}/instances/by-key/approve`, {})).status).toBe(403);
    // Not by way of a method of the agent either: what a caller has it do is done in the caller's name.
    const author = await gateway.post(`${AGENT}/methods/author`, { call: "approve", id: "by-key" });
    expect(author.status).toBe(403);
    expect(author.json()).toMatchObject({ code: "decision_not_allowed" });
  });

  test.each([
    [{ required: 0 }, "required must be a whole number"],
    [{ required: 21 }, "required must be a whole number"],
    [{ approvers: { principals: [] } }, "names nobody"],
    [{ required: 2, approvers: { principals: ["ada"] } }, "names only 1"],
  ])("that could not be opened fails its workflow: %j", async (params, message) => {
    const id = `wrong-${JSON.stringify(params).replaceAll(/\W+/g, "-")}0`;
    await ada.start(id, params);
    const ended = await untilStatus(() => gateway.get(`${AGENT}/instances/${id}`), "errored");
    expect(ended.json()).toMatchObject({
      error: { name: "DefinitionError", message: expect.stringContaining(message) as string },
    });
  });
});

describe("a gate that takes several approvals", () => {
  test("waits for all of them, and shows who has voted", async () => {
    const { gate, self } = await atGate("three", { required: 3 });
    for (const name of ["ada", "bob", "ada"]) {
      const voted = await as(name).decide(gate, "approve");
      expect(voted.status).toBe(200);
      expect(voted.json()).toMatchObject({ status: "pending" });
    }
    expect((await read(gate)).votes.map(({ principal }) => principal)).toEqual(["ada", "bob"]);
    expect((await gateway.get(self)).json()).toMatchObject({ status: "waiting" });
    expect((await types(self)).filter((type) => type === "approval.voted")).toHaveLength(2);

    expect((await as("carol").decide(gate, "approve")).json()).toMatchObject({
      status: "approved",
      decidedBy: "carol",
    });
    // What the last one sent is what the workflow gets.
    expect((await untilStatus(() => gateway.get(self), "complete")).json()).toMatchObject({
      output: { signature: "carol" },
    });
    const { history } = await read(gate);
    expect(history.map(({ type, principal }) => [type, principal])).toEqual([
      ["requested", undefined],
      ["voted", "ada"],
      ["voted", "bob"],
      ["voted", "carol"],
      ["closed", "carol"],
    ]);
    expect(history[1]).toMatchObject({ metadata: { signature: "ada" }, door: "rest" });
    expect(await read(gate)).toMatchObject({
      metadataSchema: { type: "object", required: ["signature"] },
    });
  });

  test("is closed by one rejection, also of somebody who has approved", async () => {
    const { gate, self } = await atGate("rejected", { required: 2 });
    await bob.decide(gate, "approve");
    expect((await bob.decide(gate, "reject")).json()).toMatchObject({ status: "rejected" });
    const late = await as("carol").decide(gate, "approve");
    expect(late.status).toBe(409);
    expect(late.json()).toMatchObject({
      code: "approval_closed",
      decision: { status: "rejected", decidedBy: "bob" },
    });
    await untilStatus(() => gateway.get(self), "errored");
  });

  test("counts exactly as many as it takes, however many vote at once", async () => {
    const { gate, self } = await atGate("crowd", { required: 4 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => as(`person-${n}`).decide(gate, "approve")),
    );
    const outcomes = answers.map((answer) => {
      const { status, code } = answer.json<{ status?: string; code?: string }>();
      return code ?? status;
    });
    expect(outcomes.filter((outcome) => outcome === "pending")).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === "approved")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "approval_closed")).toHaveLength(16);
    const { votes } = await read(gate);
    expect(new Set(votes.map(({ principal }) => principal)).size).toBe(4);
    const last = votes.at(-1)?.principal;
    expect((await untilStatus(() => gateway.get(self), "complete")).json()).toMatchObject({
      output: { signature: last },
    });
    const told = (await types(self)).filter((type) => type.startsWith("approval."));
    expect(told).toEqual([
      "approval.requested",
      ...Array<string>(3).fill("approval.voted"),
      "approval.decided",
    ]);
  });

  test("forgets the votes of an attempt with it: a restart asks everybody anew", async () => {
    const { gate, self } = await atGate("again", { required: 2 });
    await ada.decide(gate, "approve");
    expect((await gateway.post(`${self}/restart`, {})).status).toBe(202);
    const again = await until(
      () => gateway.get(self),
      (answer) => {
        const { waitingFor } = answer.json<{ waitingFor?: { approvalId: string } }>();
        return waitingFor !== undefined && waitingFor.approvalId !== gate;
      },
    );
    const next = again.json<{ waitingFor: { approvalId: string } }>().waitingFor.approvalId;
    expect(await read(next)).toMatchObject({ attempt: 2, votes: [] });
    expect((await bob.decide(next, "approve")).json()).toMatchObject({ status: "pending" });
    const late = await bob.decide(gate, "approve");
    expect(late.json()).toMatchObject({ code: "approval_closed", decision: { status: "cancelled" } });
    expect((await ada.decide(next, "approve")).json()).toMatchObject({ status: "approved" });
    await untilStatus(() => gateway.get(self), "complete");
  });
});

describe("the audit log of an agent", () => {
  const LOGGED = "/agents/workshop/logged";

  test("says who did what, in order, without what was sent, and holds together", async () => {
    const secret = "nobody-reads-this-in-the-log";
    await gateway.post(`${LOGGED}/workflows/gated`, { params: {}, id: "g", metadata: { owner: secret } });
    const self = `${LOGGED}/instances/g`;
    await untilStatus(() => gateway.get(self), "waiting");
    // Refused, and so no deed.
    await gateway.post(`${self}/approve`, { metadata: { signature: 7 } });
    await gateway.post(`${self}/resume`, undefined, { "x-request-id": "resumes-nothing" });
    const key = { "idempotency-key": "once", "x-request-id": "the-decision" };
    const body = { metadata: { signature: secret }, reason: "looks right" };
    for (let n = 0; n < 2; n += 1)
      expect((await gateway.post(`${self}/approve`, body, key)).status).toBe(200);
    await untilStatus(() => gateway.get(self), "complete");
    await gateway.request("PATCH", `${LOGGED}/state`, { motto: secret });
    await gateway.request("PUT", `${LOGGED}/sub/bench/b`);
    await gateway.request("DELETE", `${LOGGED}/sub/bench/b`);
    await gateway.post(`${LOGGED}/methods/author`, { call: "run", id: "by-author" });
    await gateway.post(`${LOGGED}/methods/author`, { call: "terminate", id: "by-author" });
    await gateway.post(`${LOGGED}/methods/author`, { call: "delete", id: "by-author" });
    await gateway.request("DELETE", `${LOGGED}/instances?status=complete`);

    const page = await gateway.get(`${LOGGED}/audit?limit=100`);
    expect(page.text).not.toContain(secret);
    const { items } = page.json<{ items: { action: string; requestId: string; detail: object }[] }>();
    const oldestFirst = items.toReversed();
    expect(oldestFirst.map(({ action }) => action)).toEqual([
      "instance.start",
      "approval.approve",
      "state.merge",
      "agent.create",
      "agent.delete",
      "method.call",
      "instance.start",
      "method.call",
      "instance.terminate",
      "method.call",
      "instance.delete",
      "instances.delete",
    ]);
    expect(oldestFirst[1]).toMatchObject({
      principal: "api-key",
      door: "rest",
      requestId: "the-decision",
      detail: { instanceId: "g", status: "approved", reason: "looks right" },
    });
    const checked = await gateway.get(`${LOGGED}/audit/verification`);
    expect(checked.json()).toMatchObject({ valid: true, checked: 12, brokenAt: null });

    const first = await gateway.get(`${LOGGED}/audit?limit=5`);
    const { nextCursor } = first.json<{ nextCursor: string }>();
    const second = await gateway.get(`${LOGGED}/audit?limit=100&cursor=${nextCursor}`);
    expect(second.json<{ items: unknown[] }>().items).toEqual(items.slice(5));
    // A cursor is of its own log.
    expect((await gateway.get(`${AGENT}/audit?cursor=${nextCursor}`)).status).toBe(400);
  });

  test("of an agent that is not there is not found, and asking for it makes none", async () => {
    for (const nowhere of ["/agents/workshop/nowhere", `${LOGGED}/sub/bench/nowhere`]) {
      for (const path of ["audit", "audit/verification"]) {
        const answer = await gateway.get(`${nowhere}/${path}`);
        expect(answer.status).toBe(404);
        expect(answer.json()).toMatchObject({ code: "agent_not_found" });
      }
    }
  });
});

describe("a list of approvals", () => {
  test("is chosen by workflow, instance, status and time, over all agents below", async () => {
    const agent = "/agents/workshop/listed";
    const below = `${agent}/sub/bench/b`;
    const gates: { id: string; at: string; of: string }[] = [];
    for (const [path, workflow, id] of [
      [agent, "gated", "one"],
      [agent, "committee", "two"],
      [below, "gated", "three"],
      [below, "committee", "four"],
    ] as const) {
      await gateway.post(`${path}/workflows/${workflow}`, { params: {}, id });
      const waiting = await untilStatus(() => gateway.get(`${path}/instances/${id}`), "waiting");
      const { waitingFor } = waiting.json<{ waitingFor: { approvalId: string } }>();
      const gate = (await gateway.get(`${path}/approvals/${waitingFor.approvalId}`)).json<{
        id: string;
        requestedAt: string;
      }>();
      gates.push({ id: gate.id, at: gate.requestedAt, of: id });
    }
    const listed = async (query: string): Promise<string[]> => {
      const found: string[] = [];
      let cursor = "";
      do {
        const answer = await gateway.get(`${agent}/approvals?scope=subtree&limit=1${query}${cursor}`);
        expect(answer.status, answer.text).toBe(200);
        const page = answer.json<{ items: { instanceId: string }[]; nextCursor: string | null }>();
        found.push(...page.items.map(({ instanceId }) => instanceId));
        cursor = page.nextCursor === null ? "" : `&cursor=${page.nextCursor}`;
      } while (cursor !== "");
      return found;
    };
    expect(await listed("")).toEqual(["two", "one", "four", "three"]);
    expect(await listed("&workflow=committee")).toEqual(["two", "four"]);
    expect(await listed("&instanceId=three")).toEqual(["three"]);
    expect(await listed("&status=approved")).toEqual([]);
    const [, two, three] = gates;
    const from = encodeURIComponent(two?.at ?? "");
    const to = encodeURIComponent(three?.at ?? "");
    expect(await listed(`&requestedFrom=${from}&requestedTo=${to}`)).toEqual(["two"]);
    expect(await listed(`&requestedFrom=${to}&workflow=gated`)).toEqual(["three"]);

    const page = await gateway.get(`${agent}/approvals?scope=subtree&limit=1&workflow=committee`);
    const { nextCursor } = page.json<{ nextCursor: string }>();
    const other = await gateway.get(`${agent}/approvals?scope=subtree&limit=1&cursor=${nextCursor}`);
    expect(other.json()).toMatchObject({ code: "invalid_cursor" });
    expect((await gateway.get(`${agent}/approvals?requestedFrom=yesterday`)).status).toBe(400);
  });
});
