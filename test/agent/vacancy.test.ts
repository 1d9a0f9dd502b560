import type { Agent } from "agents";
import { beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { isVacant, vacancyOf } from "../../src/gateway/agent/vacancy.ts";
import type { GatewayStub } from "../../src/gateway/agent/stub.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

let made: string[] = [];
beforeEach(() => {
  made = [];
});

/** As the SDK's class: tables as it is made, and handlers on each object. */
class Base {
  declare readonly ctx: DurableObjectState;
  declare readonly mcp: string;
  declare webSocketMessage: (message: string) => string;
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    const vacancy = vacancyOf(new.target as unknown as Parameters<typeof vacancyOf>[0], ctx, env);
    // oxlint-disable-next-line no-constructor-return -- what stands for an object is returned instead of it
    if (vacancy !== undefined) return vacancy as unknown as Base;
    Object.defineProperty(this, "ctx", { value: ctx });
    ctx.storage.sql.exec("CREATE TABLE cf_agents_state (id TEXT)");
    made.push("made");
    Object.defineProperty(this, "mcp", { value: "servers" });
    Object.defineProperty(this, "webSocketMessage", { value: (message: string) => `heard ${message}` });
  }
}
class Shop extends Base {
  readonly #secret = "secret";
  readonly opened = this.ctx.id.name;
  count = 0;

  async gatewayCall(_: unknown, method: string): Promise<{ ok: true; value: string }> {
    this.count += 1;
    return { ok: true, value: `${method} ${this.count} ${this.#secret}` };
  }
  fetch(): string {
    return `fetched ${this.count}`;
  }
  add(n: number): number {
    this.count += n;
    return this.count;
  }
  get doubled(): number {
    return this.count * 2;
  }
  __miniflareName(): string | undefined {
    return this.ctx.id.name;
  }
}
defineAgent({
  name: "shop",
  binding: "SHOP",
  agent: Shop as unknown as Parameters<typeof defineAgent>[0]["agent"],
  methods: {
    open: { input: z.object({}), output: z.object({}), creates: true },
    look: { input: z.object({}), output: z.object({}) },
  } as never,
});

function stateOf(name: string): DurableObjectState {
  return { id: { name }, storage: sqliteStorage().storage } as unknown as DurableObjectState;
}
const newShop = (ctx: DurableObjectState) =>
  new Shop(ctx, {} as Cloudflare.Env) as Shop & GatewayStub & Agent;
const actor = { name: "ada", door: "rest", scopes: "all", address: null, requestId: "r" } as const;
const notFound = { ok: false, code: "agent_not_found", extras: {} };

test("what brings nothing into being is answered, and nothing is made or stored", async () => {
  const ctx = stateOf("a");
  const shop = newShop(ctx);
  for (const method of ["describe", "getInstance", "decide", "listInstances"] as const)
    expect(await shop.gatewayCall([], method, {}, actor)).toEqual(notFound);
  expect(await shop.gatewayCall([], "callMethod", { method: "look" }, actor)).toEqual(notFound);
  expect(await shop.gatewayCall([{ agent: "nowhere", name: "n" }], "start", {}, actor)).toEqual(notFound);
  expect(shop.opened).toBe("a");
  expect(shop.constructor).toBe(Shop);
  expect(shop instanceof Shop).toBe(true);
  expect(Reflect.get(shop, "tailStream")).toBeUndefined();
  expect(await Promise.resolve(shop)).toBe(shop);
  expect(shop.__miniflareName()).toBe("a");
  expect(made).toEqual([]);
  expect(isVacant(ctx)).toBe(true);
});

test("what may bring it into being makes it once, and from then on all goes to it", async () => {
  const ctx = stateOf("b");
  const shop = newShop(ctx);
  // The platform looks for these as the object is made.
  const { fetch: platformFetch, webSocketMessage } = shop as unknown as {
    fetch: () => string;
    webSocketMessage: (message: string) => string;
  };
  const started = await Promise.all([
    shop.gatewayCall([], "start", {}, actor),
    shop.gatewayCall([], "callMethod", { method: "open" }, actor),
  ]);
  expect(started).toEqual([
    { ok: true, value: "start 1 secret" },
    { ok: true, value: "callMethod 2 secret" },
  ]);
  expect(await shop.gatewayCall([], "describe", {}, actor)).toEqual({ ok: true, value: "describe 3 secret" });
  expect(platformFetch()).toBe("fetched 3");
  expect(webSocketMessage("hello")).toBe("heard hello");
  expect(shop.doubled).toBe(6);
  shop.count = 10;
  expect(shop.add(1)).toBe(11);
  expect(made).toEqual(["made"]);
});

test.each<[string, (shop: Shop) => unknown, unknown]>([
  ["a method of the author", (shop) => shop.add(2), 2],
  ["a getter", (shop) => shop.doubled, 0],
  ["a request", (shop) => shop.fetch(), "fetched 0"],
  ["a field of the SDK's", (shop) => shop.mcp, "servers"],
  ["a message of a socket", (shop) => shop.webSocketMessage("hello"), "heard hello"],
])("%s makes it too", (_, use, expected) => {
  const ctx = stateOf("c");
  expect(use(newShop(ctx))).toBe(expected);
  expect(made).toEqual(["made"]);
  expect(isVacant(ctx)).toBe(false);
});

test("an author's constructor finds the fields of the SDK, and what it does counts", () => {
  class Wired extends Shop {
    readonly wired: string;
    constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
      super(ctx, env);
      this.wired = `${this.mcp} of ${this.opened}`;
      this.count += 5;
    }
  }
  const wired = new Wired(stateOf("e"), {} as Cloudflare.Env);
  expect(wired.wired).toBe("servers of e");
  expect(made).toEqual(["made"]);
  expect(wired.add(0)).toBeGreaterThan(0);
});

test("an object that has anything stored is made at once, and so is a sub-agent", () => {
  const ctx = stateOf("d");
  ctx.storage.sql.exec("CREATE TABLE rows (id TEXT)");
  newShop(ctx);
  expect(made).toEqual(["made"]);
  newShop(stateOf("cf-agents:v2:d:00"));
  expect(made).toEqual(["made", "made"]);
});
