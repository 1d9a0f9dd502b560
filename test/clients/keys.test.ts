import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../fixtures/workshop/index.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { createKey } from "../support/keys.ts";
import { untilStatus } from "../support/until.ts";
import { clientOf, trpcOf } from "./clients.ts";

let gateway: TestGateway;
let all: ReturnType<typeof trpcOf<App>>;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  all = trpcOf<App>(gateway);
  for (const name of ["mine", "other"]) {
    await all.workshop.methods.open.mutate({ name, input: { motto: name } });
    await all.workshop.sub.bench.create.mutate({ name: [name, "b"] });
  }
});
afterAll(() => gateway.harness.close());

/** A tRPC client whose key reaches some agents. */
async function holding(name: string, scopes: readonly string[], ...agents: string[]) {
  const { key } = await createKey(gateway, { name, scopes, agents });
  return { key, trpc: trpcOf<App>({ url: gateway.url, key }) };
}

/** The code of the problem of a call. */
const codeOf = (call: Promise<unknown>): Promise<string | undefined> =>
  call.then(
    () => undefined,
    (failure: { data: { problem: { code: string } } }) => failure.data.problem.code,
  );

describe("a key that reaches one agent", () => {
  const READING = ["agents:read", "instances:read", "instances:start", "instances:control"];

  test("finds what it does not reach as it finds what is not there", async () => {
    const { trpc } = await holding("one", READING, "/agents/workshop/mine");
    expect((await trpc.workshop.get.query({ name: "mine" })).path).toBe("/agents/workshop/mine");
    for (const name of ["other", "nobody", "../x"])
      expect(await codeOf(trpc.workshop.get.query({ name }))).toBe("agent_not_found");
    expect(await codeOf(trpc.workshop.sub.bench.get.query({ name: ["mine", "b"] }))).toBe("agent_not_found");
    const start = trpc.workshop.silent.start.mutate({ name: "other", params: { answer: 1 } });
    expect(await codeOf(start)).toBe("agent_not_found");
    // @ts-expect-error whatever else is wrong
    const wrong = trpc.workshop.silent.start.mutate({ name: "other", params: {}, colour: "red" });
    expect(await codeOf(wrong)).toBe("agent_not_found");
    expect((await all.workshop.listInstances.query({ name: "other" })).items).toEqual([]);
  });

  test("is told that it does not reach all below", async () => {
    const { trpc } = await holding("narrow", READING, "/agents/workshop/mine");
    const name = "mine";
    const { listInstances, createStreamToken, deleteInstances } = trpc.workshop;
    expect(await codeOf(listInstances.query({ name, scope: "subtree" }))).toBe("forbidden");
    expect(await codeOf(createStreamToken.mutate({ name }))).toBe("forbidden");
    const status = ["complete"] as const;
    expect(await codeOf(deleteInstances.mutate({ name, scope: "subtree", status }))).toBe("forbidden");
    expect(await codeOf(listInstances.query({ name }))).toBeUndefined();
  });

  test("sees of the sub-agents, and of the classes, those that it reaches", async () => {
    const { trpc } = await holding(
      "below",
      READING,
      "/agents/workshop/mine",
      "/agents/workshop/mine/sub/bench/c",
    );
    expect((await trpc.workshop.listChildren.query({ name: "mine" })).items).toEqual([]);
    const { agents } = await trpc.gateway.listAgents.query();
    expect(agents.map((agent) => agent.name)).toEqual(["workshop", "bench"]);
  });

  test("manages nothing of the whole gateway", async () => {
    const { trpc } = await holding("manager", ["webhooks:manage", "audit:read"], "/agents/workshop/mine/**");
    expect(await codeOf(trpc.gateway.listWebhookEndpoints.query())).toBe("forbidden");
    expect(await codeOf(trpc.gateway.listAudit.query())).toBe("forbidden");
    expect((await trpc.workshop.listAudit.query({ name: "mine" })).items).not.toEqual([]);
  });
});

test("a key is listed, rotated and revoked over tRPC, and refused from then on", async () => {
  const { trpc } = await holding("short", ["agents:read"], "/**");
  const { items } = await all.gateway.listKeys.query();
  const { id: keyId } = items.find(({ name }) => name === "short") ?? { id: "" };
  expect(await all.gateway.getKey.query({ keyId })).toMatchObject({ name: "short", status: "active" });
  await trpc.gateway.getLimits.query();
  expect(await all.gateway.revokeKey.mutate({ keyId })).toMatchObject({ status: "revoked" });
  expect(await codeOf(trpc.gateway.getLimits.query())).toBe("unauthorized");
});

test("who decides by tRPC is named by the key, with the door", async () => {
  const name = "mine";
  const scopes = ["instances:read", "approvals:decide", "approvals:delegate", "audit:read"];
  const { trpc, key } = await holding("grace", scopes, "/agents/workshop/mine");
  const { id: instanceId, startedBy } = await all.workshop.gated.start.mutate({ name, params: {} });
  expect(startedBy).toBe("api-key");
  await untilStatus(() => gateway.get(`/agents/workshop/${name}/instances/${instanceId}`), "waiting");
  const { items } = await trpc.workshop.listApprovals.query({ name, instanceId, workflow: "gated" });
  const approvalId = items[0]?.id ?? "";
  const link = await trpc.workshop.createApprovalLink.mutate({
    name,
    approvalId,
    for: "Ada",
  });
  expect(await trpc.workshop.revokeApprovalLink.mutate({ name, approvalId, linkId: link.id })).toMatchObject({
    status: "revoked",
  });
  await trpc.workshop.rejectApproval.mutate({ name, approvalId, reason: "no" });
  // The client of REST reads the same.
  const { history, decidedBy, decidedVia } = await clientOf<App>({ url: gateway.url, key })
    .agent("workshop", name)
    .approvals.get(approvalId);
  expect([decidedBy, decidedVia, history.map(({ type }) => type)]).toEqual([
    "grace",
    "trpc",
    ["requested", "closed"],
  ]);
  const audit = await trpc.workshop.listAudit.query({ name, limit: 1 });
  expect(audit.items).toEqual([expect.objectContaining({ principal: "grace", door: "trpc" })]);
});
