import { describe, expect, test } from "vitest";
import { EVERYTHING } from "../../src/gateway/contract/grant.ts";
import { Catalogue } from "../../src/gateway/contract/agent.ts";
import type { DirectoryPort } from "../../src/gateway/directory-port.ts";
import type { AgentPort, Port } from "../../src/gateway/port.ts";
import type { Asked, OperationSchemas, Reach } from "../../src/gateway/operations/operation.ts";
import { type BoundOperation, bindOperations } from "../../src/gateway/operations/table.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { roots } from "./sample.ts";

const registry = createRegistry(roots);
const operations = bindOperations(registry);

function operationOf(id: string): BoundOperation {
  const found = operations.find((operation) => operation.id === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  return found;
}

/** Reads the parts of a request as a door would, and answers it; what was asked of the agent is written down. */
async function ask(id: string, parts: { params?: unknown; query?: unknown; body?: unknown } = {}) {
  const { schemas, answer } = operationOf(id);
  const calls: [method: string, input: unknown][] = [];
  const agent = new Proxy({} as AgentPort, {
    get: (_, method) => async (input: unknown) => {
      calls.push([String(method), input]);
      return `answer of ${String(method)}`;
    },
  });
  const asked = {
    params: schemas.params?.parse(parts.params),
    query: schemas.query?.parse(parts.query ?? {}),
    body: schemas.body?.parse(parts.body),
    caller: "ada",
  } as Asked<OperationSchemas>;
  const reach: Reach = {
    registry,
    port: {} as Port,
    path: [{ agent: "order-desk", name: "acme" }],
    agent,
    directory: {} as DirectoryPort,
    limits: [],
    actor: { name: "ada", door: "rest", scopes: "all", address: null, requestId: "r-1" },
    holder: EVERYTHING,
    holderUntil: undefined,
    reaches: () => true,
    reachesClass: () => true,
    issueStreamToken: async (grant) => `signed ${grant.id}`,
    issueLinkToken: async (grant) => `signed ${grant.id}`,
    readLinkToken: async () => undefined,
    mayDecideAt: () => true,
    origin: "https://desk.example.com",
    senderNames: [],
    mintKey: async (keyId = "0123456789abcdef") => ({ id: keyId, key: "the key", digest: "its digest" }),
  };
  return { answer: await answer(asked, reach), calls };
}

describe("an operation asks its agent once, with what the request says", () => {
  const approvalId = "apr_00000000-0000-4000-8000-000000000000";
  test.each([
    ["getOrderDesk", {}, "describe", undefined],
    ["getOrderDeskState", {}, "getState", undefined],
    [
      "startRefundOrder",
      { body: { params: { orderId: "o-1", amount: 5 } } },
      "start",
      {
        workflow: "refund-order",
        params: { orderId: "o-1", amount: 5 },
        id: undefined,
        metadata: {},
        delay: 0,
      },
    ],
    [
      "startRefundOrder",
      { body: { params: { orderId: "o-1", amount: 5 }, id: "mine", metadata: { urgent: true } } },
      "start",
      {
        workflow: "refund-order",
        params: { orderId: "o-1", amount: 5 },
        id: "mine",
        metadata: { urgent: true },
        delay: 0,
      },
    ],
    ["getOrderDeskInstance", { params: { instanceId: "r-1" } }, "getInstance", { id: "r-1" }],
    [
      "listOrderDeskInstances",
      {},
      "listInstances",
      {
        status: [],
        workflow: undefined,
        metadata: undefined,
        created: {},
        updated: {},
        completed: {},
        subtree: false,
        order: "newest",
        count: false,
        limit: 50,
        cursor: undefined,
      },
    ],
    [
      "listOrderDeskInstances",
      {
        query: {
          status: "queued",
          workflow: "refund-order",
          metadata: '{"owner":"ada","n":1}',
          createdFrom: "1970-01-01T00:00:01Z",
          completedTo: "1970-01-01T01:00:02+01:00",
          scope: "subtree",
          order: "oldest",
          count: "true",
          limit: "7",
          cursor: "c",
        },
      },
      "listInstances",
      {
        status: ["queued"],
        workflow: "refund-order",
        metadata: { owner: "ada", n: 1 },
        created: { from: 1_000 },
        updated: {},
        completed: { to: 2_000 },
        subtree: true,
        order: "oldest",
        count: true,
        limit: 7,
        cursor: "c",
      },
    ],
    [
      "listOrderDeskApprovals",
      { query: { status: ["pending", "expired"] } },
      "listApprovals",
      {
        status: ["pending", "expired"],
        workflow: undefined,
        instanceId: undefined,
        requested: { from: undefined, to: undefined },
        subtree: false,
        limit: 50,
        cursor: undefined,
      },
    ],
    [
      "listOrderDeskApprovals",
      {
        query: {
          workflow: "refund-order",
          instanceId: "r-1",
          requestedFrom: "2026-04-01T12:00:00Z",
          requestedTo: "2026-04-01T14:00:00+01:00",
          scope: "subtree",
          limit: "2",
          cursor: "c",
        },
      },
      "listApprovals",
      {
        status: [],
        workflow: "refund-order",
        instanceId: "r-1",
        requested: { from: Date.UTC(2026, 3, 1, 12), to: Date.UTC(2026, 3, 1, 13) },
        subtree: true,
        limit: 2,
        cursor: "c",
      },
    ],
    ["listOrderDeskAudit", { query: { limit: "2" } }, "listAudit", { limit: 2, cursor: undefined }],
    ["verifyOrderDeskAudit", { query: { cursor: "c" } }, "verifyAudit", { cursor: "c" }],
    ["getOrderDeskApproval", { params: { approvalId } }, "getApproval", { id: approvalId }],
    [
      "approveOrderDeskApproval",
      { params: { approvalId }, body: { reason: "fine", metadata: { note: "n" } } },
      "decide",
      {
        target: { approvalId },
        decision: "approve",
        reason: "fine",
        metadata: { note: "n" },
      },
    ],
    [
      "rejectOrderDeskApproval",
      { params: { approvalId }, body: {} },
      "decide",
      {
        target: { approvalId },
        decision: "reject",
        reason: undefined,
        metadata: undefined,
      },
    ],
    [
      "approveOrderDeskInstance",
      { params: { instanceId: "r-1" }, body: { metadata: { note: "n" } } },
      "decide",
      {
        target: { instanceId: "r-1" },
        decision: "approve",
        reason: undefined,
        metadata: { note: "n" },
      },
    ],
    [
      "rejectOrderDeskInstance",
      { params: { instanceId: "r-1" }, body: { reason: "no" } },
      "decide",
      {
        target: { instanceId: "r-1" },
        decision: "reject",
        reason: "no",
        metadata: undefined,
      },
    ],
    [
      "callOrderDeskQuote",
      { body: { orderId: "o-1" } },
      "callMethod",
      { method: "quote", input: { orderId: "o-1" } },
    ],
    [
      "streamOrderDeskInstanceEvents",
      { params: { instanceId: "r-1" }, query: { after: "c", limit: "3" } },
      "readEvents",
      {
        instanceId: "r-1",
        types: [],
        workflow: undefined,
        subtree: false,
        steps: false,
        tokenId: undefined,
        quota: undefined,
        after: "c",
        fromNow: false,
        limit: 3,
      },
    ],
    [
      "streamOrderDeskInstanceEvents",
      { params: { instanceId: "r-1" }, query: { include: "steps", type: "instance.queued" } },
      "readEvents",
      {
        instanceId: "r-1",
        types: ["instance.queued"],
        workflow: undefined,
        subtree: false,
        steps: true,
        tokenId: undefined,
        quota: undefined,
        after: undefined,
        fromNow: false,
        limit: 50,
      },
    ],
    [
      "streamOrderDeskEvents",
      { query: { type: "instance.queued", workflow: "ship", scope: "subtree", from: "now" } },
      "readEvents",
      {
        instanceId: undefined,
        types: ["instance.queued"],
        workflow: "ship",
        subtree: true,
        steps: false,
        tokenId: undefined,
        quota: undefined,
        after: undefined,
        fromNow: true,
        limit: 50,
      },
    ],
  ])("%s %j", async (id, parts, method, input) => {
    const { calls } = await ask(id, parts);
    expect(calls).toEqual([[method, input]]);
  });

  test("and gives the agent's answer on", async () => {
    expect((await ask("getOrderDesk")).answer).toBe("answer of describe");
    expect((await ask("getOrderDeskState")).answer).toBe("answer of getState");
    expect((await ask("callOrderDeskQuote", { body: { orderId: "o-1" } })).answer).toBe(
      "answer of callMethod",
    );
  });
});

const refuses = (id: string, body: unknown): boolean =>
  operationOf(id).schemas.body?.safeParse(body).success === false;

describe("a body is refused before any agent is asked", () => {
  const params = { orderId: "o-1", amount: 5 };

  test.each([
    ["without params", {}],
    ["with a field beside params", { params, surprise: 1 }],
    ["with a field in params that the workflow does not know", { params: { ...params, surprise: 1 } }],
    ["with params of another type", { params: { ...params, amount: "5" } }],
    ["with params that break a rule", { params: { ...params, amount: -5 } }],
    ["with an id that is no name", { params, id: "a/b" }],
    ["with an id that is reserved", { params, id: "sub" }],
    ["with metadata that are no labels", { params, metadata: { a: { b: 1 } } }],
    ["that is a list", [params]],
    ["that is null", null],
  ])("a start %s", (_, body) => expect(refuses("startRefundOrder", body)).toBe(true));

  test.each([
    ["that says who decides", { decidedBy: "mallory" }],
    ["with a reason of 2,001 characters", { reason: "x".repeat(2001) }],
    ["with a reason that is no text", { reason: 1 }],
    ["that is text", "approve"],
  ])("a decision %s", (_, body) => {
    expect(refuses("approveOrderDeskApproval", body)).toBe(true);
    expect(refuses("rejectOrderDeskInstance", body)).toBe(true);
  });

  test("a call with what its method does not take", () => {
    expect(refuses("callOrderDeskQuote", { orderId: 1 })).toBe(true);
    expect(refuses("callOrderDeskQuote", { orderId: "o-1", surprise: 1 })).toBe(true);
  });
});

test.each(["apr_1", "", "apr_", "../instances", "apr_zz000000-0000-4000-8000-000000000000"])(
  "the id of an approval is not %j",
  (approvalId) => {
    expect(operationOf("getOrderDeskApproval").schemas.params?.safeParse({ approvalId }).success).toBe(false);
  },
);

test.each(["asleep", ["queued", "asleep"], "", ["queued,running"]])(
  "the filter `status` refuses %j",
  (status) => {
    expect(operationOf("listOrderDeskInstances").schemas.query?.safeParse({ status }).success).toBe(false);
  },
);

describe("the catalogue", () => {
  test("shows every class by every way, and each workflow with its contract as JSON Schemas", async () => {
    const { answer, calls } = await ask("listAgents");
    const { agents } = Catalogue.parse(answer);
    expect(calls).toEqual([]);
    expect(agents.map(({ path }) => path)).toEqual([
      "/agents/order-desk/{orderDesk}",
      "/agents/order-desk/{orderDesk}/sub/shipment/{shipment}",
      "/agents/returns/{returns}",
      "/agents/returns/{returns}/sub/shipment/{shipment}",
      "/agents/plain/{plain}",
    ]);
    expect(agents[0]).toMatchObject({
      name: "order-desk",
      description: "Orders of one shop",
      children: ["shipment"],
      methods: [
        { name: "quote", input: { required: ["orderId"] } },
        { name: "openOrder", output: { type: "string" } },
      ],
      workflows: [
        {
          name: "refund-order",
          description: "Pay an order back",
          params: { required: ["orderId", "amount"], additionalProperties: false },
          progress: { properties: { percent: { type: "number" } } },
          output: { required: ["refundId"] },
          approval: { required: ["note"] },
          events: { "customer-replied": { required: ["message"] } },
        },
        { name: "ship" },
      ],
    });
  });

  test("is JSON: nothing of it is lost on the way", async () => {
    const { answer } = await ask("listAgents");
    expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
  });
});

test("the health of the Worker is told without asking any agent", async () => {
  expect(await ask("getHealth")).toEqual({ answer: { status: "ok" }, calls: [] });
});
