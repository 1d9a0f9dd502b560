import { describe, expect, test } from "vitest";
import { type Principal, principalOf } from "../../src/gateway/auth/principal.ts";
import { bindOperations } from "../../src/gateway/operations/table.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { mountTrpc, toldAsTrpc } from "../../src/gateway/trpc/mount.ts";
import { placeProcedures, type PlacedProcedure } from "../../src/gateway/trpc/router.ts";
import { roots } from "../operations/sample.ts";
import { loneDoor, type Setting } from "../support/lone-door.ts";

const registry = createRegistry(roots);
const operations = bindOperations(registry);
const procedures = placeProcedures(operations).map((placed) => [placed.path.join("."), placed] as const);
/** What anybody may ask. */
const PUBLIC: readonly string[] = ["gateway.getHealth", "gateway.getReadiness"];

/** The door of tRPC, for somebody. */
const gatewayFor = (principal: Principal | undefined, setting: Setting = {}) =>
  loneDoor(principal, setting, (app, provide) => {
    app.use("/trpc/*", toldAsTrpc);
    app.use(provide);
    mountTrpc(app, operations, registry);
  });

/** Somebody who holds a grant. */
const holding = (scopes: readonly string[], ...agents: string[]) => principalOf("ada", { scopes, agents });

function procedureAt(wanted: string): PlacedProcedure {
  const [, placed] = procedures.find(([path]) => path === wanted) ?? [];
  if (placed === undefined) throw new Error(`no procedure ${wanted}`);
  return placed;
}

/** Calls a procedure with an input of names alone. @returns the code of its problem; undefined if it has none. */
async function codeOf(
  { app }: ReturnType<typeof gatewayFor>,
  { path, type, operation }: PlacedProcedure,
  more: object = {},
) {
  const input = JSON.stringify({
    ...(operation.subject === undefined ? {} : { name: operation.subject.chain.map(() => "x") }),
    ...(operation.schemas.params === undefined ? {} : { instanceId: "x", approvalId: "x", tokenId: "x" }),
    ...more,
  });
  const address = `/trpc/${path.join(".")}`;
  const response = await (type === "mutation"
    ? app.request(address, { method: "POST", body: input, headers: { "content-type": "application/json" } })
    : app.request(`${address}?input=${encodeURIComponent(input)}`));
  const [, code] = /"code":"([a-z_]+)"/.exec(await response.text()) ?? [];
  return code;
}

describe.each(procedures)("%s", (path, placed) => {
  const isPublic = PUBLIC.includes(path);

  test("is for nobody who has no key, unless it is for everybody", async () => {
    const gateway = gatewayFor(undefined);
    expect(await codeOf(gateway, placed)).toBe(isPublic ? undefined : "unauthorized");
    expect(gateway.reached).toEqual([]);
  });

  test("is for nobody whose key lacks its scope", async () => {
    const scopes: unknown[] = [];
    const may: Principal["may"] = (scope) => {
      scopes.push(scope);
      return false;
    };
    const gateway = gatewayFor({ ...holding([]), may });
    expect(await codeOf(gateway, placed)).toBe(isPublic ? undefined : "forbidden");
    expect(scopes).toEqual(isPublic ? [] : [placed.operation.operation.scope]);
    expect(gateway.reached).toEqual([]);
  });

  test("says what is missing of a gateway that has no key", async () => {
    expect(await codeOf(gatewayFor(undefined, { configured: false }), placed)).toBe(
      isPublic ? undefined : "gateway_not_configured",
    );
  });
});

describe("an agent that is out of reach", () => {
  const placed = procedureAt("orderDesk.get");

  test("is one that is not there, whatever else is wrong with the input", async () => {
    const gateway = gatewayFor(holding(["agents:read"], "/agents/order-desk/y/**"));
    for (const more of [{}, { colour: "red" }, { name: "../x" }, { name: 5 }, { name: ["x", "y"] }])
      expect(await codeOf(gateway, placed, more)).toBe("agent_not_found");
    expect(gateway.reached).toEqual([]);
  });

  test("is named wrongly for who reaches any name", async () => {
    const gateway = gatewayFor(holding(["agents:read"], "/agents/order-desk/*"));
    expect(await codeOf(gateway, placed, { name: "../x" })).toBe("invalid_request");
    expect(await codeOf(gateway, placed, { name: "x" })).toBeUndefined();
  });
});

test("what is done to all agents below needs all of them", async () => {
  const grant = ["instances:read", "instances:control"];
  const one = gatewayFor(holding(grant, "/agents/order-desk/x"));
  expect(await codeOf(one, procedureAt("orderDesk.createStreamToken"))).toBe("forbidden");
  const subtree = { scope: "subtree" };
  for (const list of ["listInstances", "listApprovals", "listEvents", "streamEvents"])
    expect(await codeOf(one, procedureAt(`orderDesk.${list}`), subtree)).toBe("forbidden");
  const ended = { ...subtree, status: ["complete"] };
  expect(await codeOf(one, procedureAt("orderDesk.deleteInstances"), ended)).toBe("forbidden");
  expect(one.reached).toEqual([]);
  const other = gatewayFor(holding(grant, "/agents/order-desk/y/**"));
  expect(await codeOf(other, procedureAt("orderDesk.listInstances"), subtree)).toBe("agent_not_found");
});

test("what is of the whole gateway needs every agent", async () => {
  const gateway = gatewayFor(holding(["audit:read", "webhooks:manage"], "/agents/order-desk/**"));
  for (const path of ["listAudit", "verifyAudit", "listWebhookEndpoints", "createWebhookEndpoint"])
    expect(await codeOf(gateway, procedureAt(`gateway.${path}`))).toBe("forbidden");
});

test("who acts is told with the door, the address and the trace", async () => {
  const gateway = gatewayFor(holding(["agents:read"], "/agents/order-desk/*/**"));
  const headers = {
    "cf-connecting-ip": "192.0.2.1",
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  };
  const input = encodeURIComponent(JSON.stringify({ name: ["x", "y"] }));
  const answer = await gateway.app.request(`/trpc/orderDesk.sub.shipment.get?input=${input}`, { headers });
  expect(answer.status).toBe(200);
  const traceparent = answer.headers.get("traceparent");
  expect(traceparent).toMatch(/^00-a{32}-/);
  expect(gateway.reached).toEqual([
    {
      path: "/agents/order-desk/x/sub/shipment/y",
      actor: {
        name: "ada",
        scopes: ["agents:read"],
        door: "trpc",
        address: "192.0.2.1",
        requestId: answer.headers.get("x-request-id"),
        traceparent,
      },
    },
  ]);
});

const ask = ({ app }: ReturnType<typeof gatewayFor>, calls: string, input: string) =>
  app.request(`/trpc/${calls}?${calls.includes(",") ? "batch=1&" : ""}input=${encodeURIComponent(input)}`);
const codesIn = async (answer: Response) =>
  Array.from((await answer.text()).matchAll(/"code":"([a-z_]+)"/g), ([, code]) => code);

const everything = () => principalOf("ada", { scopes: "all", agents: ["/**"] });

describe("a request", () => {
  test("is counted by its caller, call by call, and refused once they are too many", async () => {
    const gateway = gatewayFor(everything(), { most: 3 });
    const both = JSON.stringify({ 0: { name: "x" }, 1: { name: "x" } });
    const first = await ask(gateway, "orderDesk.get,orderDesk.get", both);
    expect([first.status, first.headers.get("ratelimit-policy")]).toEqual([200, '"requests";q=5;w=10']);
    const second = await ask(gateway, "orderDesk.get,orderDesk.get", both);
    expect([second.status, await codesIn(second)]).toEqual([207, ["too_many_requests"]]);
    const third = await ask(gateway, "orderDesk.get", JSON.stringify({ name: "x" }));
    expect([third.status, third.headers.get("retry-after"), third.headers.get("ratelimit")]).toEqual([
      429,
      "10",
      '"requests";r=0;t=10',
    ]);
    expect(new Set(gateway.counted)).toEqual(new Set(["principal:ada"]));
  });

  test("whose answers are sent one by one is counted all the same", async () => {
    const gateway = gatewayFor(everything(), { most: 1 });
    const both = encodeURIComponent(JSON.stringify({ 0: { name: "x" }, 1: { name: "x" } }));
    const answer = await gateway.app.request(`/trpc/orderDesk.get,orderDesk.get?batch=1&input=${both}`, {
      headers: { "trpc-accept": "application/jsonl" },
    });
    const text = await answer.text();
    expect([
      answer.status,
      text.match(/"path":"[^"]+"/g)?.toSorted(),
      text.match(/"code":"[a-z_]+"/g),
    ]).toEqual([
      200,
      ['"path":"/agents/order-desk/x"', '"path":"orderDesk.get"'],
      ['"code":"too_many_requests"'],
    ]);
    expect(gateway.counted).toHaveLength(2);
  });

  test("of nobody who is known is counted by its address, once for a batch and also if it follows", async () => {
    const gateway = gatewayFor(undefined, { most: 2 });
    expect((await ask(gateway, "orderDesk.get,orderDesk.get", "{}")).status).toBe(401);
    const stream = await ask(gateway, "orderDesk.streamEvents", JSON.stringify({ name: "x" }));
    expect(await codesIn(stream)).toEqual(["unauthorized"]);
    const third = await ask(gateway, "orderDesk.get", "{}");
    expect([third.status, third.headers.get("www-authenticate")]).toEqual([429, null]);
    expect(gateway.counted).toEqual(Array(3).fill("address:unknown"));
  });

  test.each([
    ["a key twice", '{"name":"x","name":"y"}', "malformed_json"],
    ["the key __proto__", '{"name":"x","__proto__":{}}', "invalid_request"],
    ["a number that is none", '{"name":"x","n":1e999}', "invalid_request"],
    ["too many levels", `{"name":${"[".repeat(70)}${"]".repeat(70)}}`, "invalid_request"],
    ["no JSON", "{", "malformed_json"],
  ])("that has %s is refused, in a query as in a body", async (_, input, code) => {
    const gateway = gatewayFor(everything());
    expect(await codesIn(await ask(gateway, "orderDesk.get", input))).toEqual([code]);
    const post = (type: string) =>
      gateway.app.request("/trpc/orderDesk.ship.start", {
        method: "POST",
        body: input,
        headers: { "content-type": type },
      });
    expect(await codesIn(await post("application/json"))).toEqual([code]);
    expect(await codesIn(await post("text/plain"))).toEqual(["unsupported_media_type"]);
    expect(gateway.reached).toEqual([]);
    // Nobody is told of it who is not known.
    const stranger = gatewayFor(undefined);
    expect(await codesIn(await ask(stranger, "orderDesk.get", input))).toEqual(["unauthorized"]);
  });

  test("is logged by the procedures that there are", async () => {
    const gateway = gatewayFor(everything());
    const both = "gateway.getHealth,orderDesk.get";
    for (const calls of [both, "orderDesk.get", "orderDesk.get,my-own.words", "my-own.words"])
      await ask(gateway, calls, "{}");
    expect(gateway.routes).toEqual([
      { door: "trpc", template: `/trpc/${both}`, agent: null },
      { door: "trpc", template: "/trpc/orderDesk.get", agent: "order-desk" },
      { door: "trpc", template: "/trpc/orderDesk.get", agent: "order-desk" },
      { door: "trpc", template: null, agent: null },
    ]);
  });

  test.each([
    "/trpc/orderDesk%2Eget",
    "/trpc/orderDesk.get,",
    "/trpc//orderDesk.get",
    "/%74rpc/orderDesk.get",
    "/trpc/orderDesk.get%2CorderDesk.get",
  ])("has one address, and not %s", async (address) => {
    const { app, reached } = gatewayFor(everything());
    const answer = await app.request(`${address}?input={"name":"x"}`);
    expect([answer.status, await codesIn(answer)]).toEqual([404, ["not_found"]]);
    expect(reached).toEqual([]);
  });
});
