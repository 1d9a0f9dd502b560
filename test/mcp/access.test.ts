import { describe, expect, test } from "vitest";
import { type Principal, principalOf } from "../../src/gateway/auth/principal.ts";
import { Scope } from "../../src/gateway/contract/scope.ts";
import { mountMcp } from "../../src/gateway/mcp/mount.ts";
import { createTools, type Tool } from "../../src/gateway/mcp/tools.ts";
import { bindOperations } from "../../src/gateway/operations/table.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { roots } from "../operations/sample.ts";
import { loneDoor, type Setting } from "../support/lone-door.ts";

const registry = createRegistry(roots);
const operations = bindOperations(registry);
const tools = createTools(operations).map((tool) => [tool.name, tool] as const);
/** What anybody may call who is known at all. */
const PUBLIC: readonly string[] = ["getHealth", "getReadiness"];
/** A connection that may do whatever its key may. */
const FULL = `/mcp?allow=${Scope.options.join(",")}`;

/** The door of MCP, for somebody. */
const gatewayFor = (principal: Principal | undefined, setting: Setting = {}) =>
  loneDoor(principal, setting, (app, provide) => {
    app.use(provide);
    mountMcp(app, operations, registry, {
      info: { title: "Test", version: "1.0.0" },
      origins: ["https://app.example"],
    });
  });
type Gateway = ReturnType<typeof gatewayFor>;

/** Somebody who holds a grant. */
const holding = (scopes: readonly string[], ...agents: string[]) => principalOf("ada", { scopes, agents });
const everything = () => principalOf("ada", { scopes: "all", agents: ["/**"] });

function toolAt(wanted: string): Tool {
  const [, tool] = tools.find(([name]) => name === wanted) ?? [];
  if (tool === undefined) throw new Error(`no tool ${wanted}`);
  return tool;
}

const JSON_TYPE = { "content-type": "application/json" };
const ACCEPT = { accept: "application/json, text/event-stream" };

const post = ({ app }: Gateway, body: string, address = FULL, headers: Record<string, string> = {}) =>
  app.request(address, { method: "POST", body, headers: { ...JSON_TYPE, ...ACCEPT, ...headers } });

/** Sends one message as clients of 2025 do. @returns the JSON-RPC answer, or the problem. */
async function send(gateway: Gateway, method: string, params: object, address?: string): Promise<unknown> {
  const answer = await post(gateway, JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }), address);
  return answer.json();
}

/** Calls a tool with names alone. @returns the code of its problem; undefined if it has none. */
async function codeOf(gateway: Gateway, { name, operation }: Tool, more: object = {}, address?: string) {
  const input = {
    ...(operation.subject === undefined ? {} : { name: operation.subject.chain.map(() => "x") }),
    ...(operation.schemas.params === undefined ? {} : { instanceId: "x", approvalId: "x", tokenId: "x" }),
    ...more,
  };
  const answer = await send(gateway, "tools/call", { name, arguments: input }, address);
  const { code, result } = answer as { code?: string; result?: { structuredContent?: { code?: string } } };
  return code ?? result?.structuredContent?.code;
}

async function listed(gateway: Gateway, address?: string): Promise<string[]> {
  const { result } = (await send(gateway, "tools/list", {}, address)) as {
    result: { tools: readonly { readonly name: string }[] };
  };
  return result.tools.map(({ name }) => name);
}

describe.each(tools)("%s", (name, tool) => {
  const isPublic = PUBLIC.includes(name);

  test("is for nobody who has no key", async () => {
    const gateway = gatewayFor(undefined);
    expect(await codeOf(gateway, tool)).toBe("unauthorized");
    expect(gateway.reached).toEqual([]);
  });

  test("is for nobody whose key lacks its scope, and is not shown to them", async () => {
    const scopes: unknown[] = [];
    const may: Principal["may"] = (scope) => {
      scopes.push(scope);
      return false;
    };
    const gateway = gatewayFor({ ...holding([]), may });
    expect(await codeOf(gateway, tool)).toBe(isPublic ? undefined : "forbidden");
    expect(scopes).toEqual(isPublic ? [] : [tool.operation.operation.scope]);
    expect(gateway.reached).toEqual([]);
    expect((await listed(gateway)).includes(name)).toBe(isPublic);
  });

  test("is refused where the connection only reads, if it changes anything", async () => {
    const gateway = gatewayFor(everything());
    const code = await codeOf(gateway, tool, { colour: "red" }, "/mcp");
    expect(code).toBe(tool.reads ? "invalid_request" : "forbidden");
    expect(gateway.reached).toEqual([]);
    expect((await listed(gateway, "/mcp")).includes(name)).toBe(tool.reads);
  });

  test("is shown, and gets as far as its input, where the connection lists its scope", async () => {
    const gateway = gatewayFor(everything());
    const address = isPublic ? "/mcp" : `/mcp?allow=${tool.operation.operation.scope}`;
    expect(await codeOf(gateway, tool, { colour: "red" }, address)).toBe("invalid_request");
    expect(await listed(gateway, address)).toContain(name);
  });

  test("says what is missing of a gateway that has no key", async () => {
    expect(await codeOf(gatewayFor(undefined, { configured: false }), tool)).toBe("gateway_not_configured");
  });
});

describe("an agent that is out of reach", () => {
  const tool = toolAt("getOrderDesk");

  test("is one that is not there, whatever else is wrong with the input", async () => {
    const gateway = gatewayFor(holding(["agents:read"], "/agents/order-desk/y/**"));
    for (const more of [{}, { colour: "red" }, { name: "../x" }, { name: 5 }, { name: ["x", "y"] }])
      expect(await codeOf(gateway, tool, more)).toBe("agent_not_found");
    expect(gateway.reached).toEqual([]);
  });

  test("is named wrongly for who reaches any name", async () => {
    const gateway = gatewayFor(holding(["agents:read"], "/agents/order-desk/*"));
    expect(await codeOf(gateway, tool, { name: "../x" })).toBe("invalid_request");
    expect(await codeOf(gateway, tool, { name: "x" })).toBeUndefined();
  });

  test("is of a class whose tools are not shown", async () => {
    const gateway = gatewayFor(holding(["agents:read", "audit:read"], "/agents/order-desk/y"));
    expect((await listed(gateway)).toSorted()).toEqual(
      [
        ...PUBLIC,
        "getLimits",
        "listAgents",
        "getOrderDesk",
        "getOrderDeskState",
        "listOrderDeskAudit",
        "listOrderDeskChildren",
        "verifyOrderDeskAudit",
      ].toSorted(),
    );
  });
});

test("what is done to all agents below needs all of them", async () => {
  const grant = ["instances:read", "instances:control"];
  const one = gatewayFor(holding(grant, "/agents/order-desk/x"));
  expect(await codeOf(one, toolAt("createOrderDeskStreamToken"))).toBe("forbidden");
  const subtree = { scope: "subtree" };
  for (const list of ["listOrderDeskInstances", "listOrderDeskApprovals", "listOrderDeskEvents"])
    expect(await codeOf(one, toolAt(list), subtree)).toBe("forbidden");
  const ended = { ...subtree, status: ["complete"] };
  expect(await codeOf(one, toolAt("deleteOrderDeskInstances"), ended)).toBe("forbidden");
  expect(one.reached).toEqual([]);
  const other = gatewayFor(holding(grant, "/agents/order-desk/y/**"));
  expect(await codeOf(other, toolAt("listOrderDeskInstances"), subtree)).toBe("agent_not_found");
});

test("what is of the whole gateway needs every agent", async () => {
  const gateway = gatewayFor(holding(["audit:read", "webhooks:manage"], "/agents/order-desk/**"));
  const whole = ["listAudit", "verifyAudit", "listWebhookEndpoints", "createWebhookEndpoint"];
  for (const name of whole) expect(await codeOf(gateway, toolAt(name))).toBe("forbidden");
  expect(await listed(gateway)).not.toEqual(expect.arrayContaining([expect.stringMatching(/Webhook/)]));
});

test("who acts is told with the door, the address and the trace", async () => {
  const gateway = gatewayFor(holding(["agents:read"], "/agents/order-desk/*/**"));
  const call = { name: "getShipmentOfOrderDeskShipment", arguments: { name: ["x", "y"] } };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: call });
  const answer = await post(gateway, body, "/mcp", {
    "cf-connecting-ip": "192.0.2.1",
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  });
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  const traceparent = answer.headers.get("traceparent");
  expect(traceparent).toMatch(/^00-a{32}-/);
  await answer.text();
  expect(gateway.reached).toEqual([
    {
      path: "/agents/order-desk/x/sub/shipment/y",
      actor: {
        name: "ada",
        scopes: ["agents:read"],
        door: "mcp",
        address: "192.0.2.1",
        requestId: answer.headers.get("x-request-id"),
        traceparent,
      },
    },
  ]);
});

/** The status of an answer that is a problem, and its code. */
const told = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { code: string }).code,
  answer.headers.get("content-type"),
];
const refused = (status: number, code: string) => [status, code, "application/problem+json"];

describe("a request", () => {
  const CALL = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "getOrderDesk", arguments: { name: "x" } },
  });

  test("is counted by its caller, and refused once they are too many", async () => {
    const gateway = gatewayFor(everything(), { most: 1 });
    const first = await post(gateway, CALL);
    expect([first.status, first.headers.get("ratelimit-policy")]).toEqual([200, '"requests";q=5;w=10']);
    const second = await post(gateway, CALL);
    expect([second.headers.get("retry-after"), second.headers.get("ratelimit")]).toEqual([
      "10",
      '"requests";r=0;t=10',
    ]);
    expect(await told(second)).toEqual(refused(429, "too_many_requests"));
    expect(gateway.counted).toEqual(["principal:ada", "principal:ada"]);
  });

  test("of nobody who is known is counted by its address, and told how to show who asks", async () => {
    const gateway = gatewayFor(undefined, { most: 1 });
    const first = await post(gateway, CALL);
    expect(first.headers.get("www-authenticate")).toMatch(/^Bearer /);
    expect(await told(first)).toEqual(refused(401, "unauthorized"));
    expect(await told(await post(gateway, CALL))).toEqual(refused(429, "too_many_requests"));
    expect(gateway.counted).toEqual(["address:unknown", "address:unknown"]);
  });

  test.each([
    ["several messages", `[${CALL},${CALL}]`, 400, "invalid_request"],
    ["no message", "5", 400, "invalid_request"],
    ["a key twice", CALL.replace("{", '{"id":2,'), 400, "malformed_json"],
    ["the key __proto__", CALL.replace("{", '{"__proto__":{},'), 400, "invalid_request"],
    ["no JSON", "{", 400, "malformed_json"],
    ["too much", JSON.stringify({ text: "x".repeat(1_048_576) }), 413, "payload_too_large"],
  ])("that has %s is refused, once it is known who sent it", async (_, body, status, code) => {
    const gateway = gatewayFor(everything());
    expect(await told(await post(gateway, body))).toEqual(refused(status, code));
    expect(gateway.reached).toEqual([]);
    expect(await told(await post(gatewayFor(undefined), body))).toEqual(refused(401, "unauthorized"));
  });

  test("that is of another type is refused", async () => {
    const answer = await post(gatewayFor(everything()), CALL, FULL, { "content-type": "text/plain" });
    expect(await told(answer)).toEqual(refused(415, "unsupported_media_type"));
  });

  test.each([
    "/mcp?allow=everything",
    "/mcp?allow=agents:read,all",
    "/mcp?alow=agents:call",
    "/mcp?allow=agents:call&allow=keys:manage",
  ])("to an address that says something unknown is refused: %s", async (address) => {
    expect(await told(await post(gatewayFor(everything()), CALL, address))).toEqual(
      refused(400, "invalid_request"),
    );
  });

  test("of a page that is not listed is refused, before anybody asks who sends it", async () => {
    const gateway = gatewayFor(everything());
    for (const origin of ["https://evil.example", "http://localhost", "null"])
      expect(await told(await post(gateway, CALL, FULL, { origin }))).toEqual(refused(403, "forbidden"));
    expect([gateway.reached, gateway.counted]).toEqual([[], []]);
    expect((await post(gateway, CALL, FULL, { origin: "https://app.example" })).status).toBe(200);
  });

  test.each(["GET", "DELETE", "PUT"])(
    "of the method %s is refused: nothing is kept to go on with",
    async (method) => {
      const answer = await gatewayFor(everything()).app.request("/mcp", { method, headers: ACCEPT });
      expect(answer.headers.get("allow")).toBe("POST");
      expect(await told(answer)).toEqual(refused(405, "method_not_allowed"));
    },
  );

  test("is logged by the tool that it calls, if there is one, and with its problem", async () => {
    const gateway = gatewayFor(everything());
    await send(gateway, "tools/list", {});
    await codeOf(gateway, toolAt("getOrderDesk"));
    await codeOf(gateway, toolAt("getLimits"), { colour: "red" });
    await send(gateway, "tools/call", { name: "my-own-words", arguments: {} });
    expect(gateway.routes).toEqual([
      { door: "mcp", template: "/mcp", agent: null },
      { door: "mcp", template: "/mcp#getOrderDesk", agent: "order-desk" },
      { door: "mcp", template: "/mcp#getLimits", agent: null },
      { door: "mcp", template: "/mcp", agent: null },
    ]);
    expect(gateway.problems).toEqual([undefined, undefined, "invalid_request", undefined]);
  });

  test("of a tool that is not there has the error of the protocol", async () => {
    const answer = await send(gatewayFor(everything()), "tools/call", { name: "nothing", arguments: {} });
    expect(answer).toMatchObject({ error: { code: -32602, message: "There is no tool nothing." } });
  });

  test("of something that nobody thought of is not explained", async () => {
    const gateway = gatewayFor(everything());
    // Behind this door nothing has events.
    const result = await send(gateway, "tools/call", {
      name: "listOrderDeskEvents",
      arguments: { name: "x" },
    });
    expect(result).toMatchObject({
      result: { isError: true, structuredContent: { code: "internal_error", status: 500 } },
    });
    expect(JSON.stringify(result)).not.toMatch(/readEvents|function|stack/);
  });

  test("to listen is refused: nothing is told but in answers", async () => {
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
    };
    const params = { notifications: { toolsListChanged: true }, _meta: meta };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params });
    const answer = await post(gatewayFor(everything()), body, FULL, {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "subscriptions/listen",
    });
    expect(await answer.json()).toMatchObject({ error: { code: -32603 } });
  });
});
