import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { describe, expect, test } from "vitest";
import type { GatewayEnv } from "../../routes/gateway-env.ts";
import { onError } from "../../routes/problem-response.ts";
import type { Authenticator, Principal } from "../../src/gateway/auth/principal.ts";
import { streamTokens } from "../../src/gateway/auth/stream-token.ts";
import type { Actor } from "../../src/gateway/contract/audit.ts";
import { formatAgentPath } from "../../src/gateway/contract/names.ts";
import { bindOperations } from "../../src/gateway/operations/table.ts";
import type { AgentPort, Port } from "../../src/gateway/port.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { mountTrpc } from "../../src/gateway/trpc/mount.ts";
import { placeProcedures, type PlacedProcedure } from "../../src/gateway/trpc/router.ts";
import { roots } from "../operations/sample.ts";

const registry = createRegistry(roots);
const operations = bindOperations(registry);
const procedures = placeProcedures(operations).map((placed) => [placed.path.join("."), placed] as const);
/** What anybody may ask. */
const PUBLIC: readonly string[] = ["gateway.getHealth"];

/** A gateway behind which is nothing: whoever gets so far is noted. */
function gatewayFor(principal: Principal | undefined, configured = true) {
  const reached: { path: string; actor: Actor }[] = [];
  const authenticator: Authenticator = {
    configured,
    streamTokens: streamTokens("a key that is long enough"),
    authenticate: async () => principal,
  };
  const port: Pick<Port, "at"> = {
    at(path, actor) {
      reached.push({ path: formatAgentPath(path), actor });
      return { describe: async () => ({ path: formatAgentPath(path) }) } as unknown as AgentPort;
    },
  };
  const app = new Hono<GatewayEnv>();
  app.onError(onError);
  app.use(requestId());
  app.use(async (c, next) => {
    c.set("authenticator", authenticator);
    c.set("port", port as Port);
    c.set("directory", () => ({}) as never);
    c.set("streams", { maxAgeMs: 1_000, perInstance: 1, perCaller: 1 });
    await next();
  });
  mountTrpc(app, operations, registry);
  return { app, reached };
}

/** Calls a procedure with an input of names alone. @returns the code of its problem; undefined if it has none. */
async function codeOf(
  { app }: ReturnType<typeof gatewayFor>,
  { path, type, operation }: PlacedProcedure,
  more: object = {},
) {
  const input = JSON.stringify({
    ...more,
    ...(operation.subject === undefined ? {} : { name: operation.subject.chain.map(() => "x") }),
    ...(operation.schemas.params === undefined ? {} : { instanceId: "x", approvalId: "x", tokenId: "x" }),
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
    const gateway = gatewayFor({ name: "ada", scopes: [], may });
    expect(await codeOf(gateway, placed)).toBe(isPublic ? undefined : "forbidden");
    expect(scopes).toEqual(isPublic ? [] : [placed.operation.operation.scope]);
    expect(gateway.reached).toEqual([]);
  });

  test("says what is missing of a gateway that has no key", async () => {
    expect(await codeOf(gatewayFor(undefined, false), placed)).toBe(
      isPublic ? undefined : "gateway_not_configured",
    );
  });
});

test("an agent that is out of reach is one that is not there", async () => {
  const gateway = gatewayFor({
    name: "ada",
    scopes: ["agents:read"],
    may: (_, target) => target === undefined,
  });
  const [, placed] = procedures.find(([path]) => path === "orderDesk.get") ?? [];
  expect(placed && (await codeOf(gateway, placed))).toBe("agent_not_found");
  // Also if the rest of the input is wrong.
  expect(placed && (await codeOf(gateway, placed, { colour: "red" }))).toBe("agent_not_found");
  expect(gateway.reached).toEqual([]);
});

test("who acts is told with the door", async () => {
  const gateway = gatewayFor({ name: "ada", scopes: ["agents:read"], may: () => true });
  const [, placed] = procedures.find(([path]) => path === "orderDesk.sub.shipment.get") ?? [];
  expect(placed && (await codeOf(gateway, placed))).toBeUndefined();
  expect(gateway.reached).toEqual([
    {
      path: "/agents/order-desk/x/sub/shipment/x",
      actor: {
        name: "ada",
        scopes: ["agents:read"],
        door: "trpc",
        address: null,
        requestId: expect.any(String),
      },
    },
  ]);
});
