import { describe, expect, test } from "vitest";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import { bindOperations } from "../../src/gateway/operations/table.ts";
import { createRegistry } from "../../src/gateway/registry/registry.ts";
import { readInput } from "../../routes/input.ts";
import { roots } from "../operations/sample.ts";

const operations = bindOperations(createRegistry(roots));

async function read(id: string, input: unknown) {
  const operation = operations.find((one) => one.id === id);
  if (operation === undefined) throw new Error(`no operation ${id}`);
  return readInput(operation, input);
}
async function places(id: string, input: unknown): Promise<string[]> {
  const failure: unknown = await read(id, input).catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(ProblemError);
  const { code, extras } = failure as ProblemError;
  expect(code).toBe("invalid_request");
  return (extras.errors ?? []).map(({ pointer }) => pointer);
}

describe("an input", () => {
  test("is the parts of a request, side by side", async () => {
    expect(
      await read("listOrderDeskInstances", {
        name: "berlin",
        status: ["complete"],
        metadata: { owner: "ada", n: 1 },
        count: true,
        limit: 5,
        createdFrom: "2026-01-01T00:00:00Z",
      }),
    ).toMatchObject({
      params: { orderDesk: "berlin" },
      query: {
        status: ["complete"],
        metadata: { owner: "ada", n: 1 },
        count: true,
        limit: 5,
        createdFrom: Date.UTC(2026, 0, 1),
        scope: "self",
      },
      body: undefined,
    });
    expect(
      await read("startRefundOrder", {
        name: ["berlin"],
        params: { orderId: "o-1", amount: 5 },
        delay: 3,
        idempotencyKey: "k",
      }),
    ).toMatchObject({
      params: { orderDesk: "berlin" },
      body: { params: { orderId: "o-1", amount: 5 }, delay: 3 },
      idempotencyKey: "k",
    });
    expect(
      await read("sendOrderDeskInstanceEvent", {
        name: "berlin",
        instanceId: "r-1",
        type: "customer-replied",
        payload: null,
        require: "waiting",
      }),
    ).toMatchObject({
      params: { orderDesk: "berlin", instanceId: "r-1" },
      query: { require: "waiting" },
      body: { type: "customer-replied", payload: null },
    });
  });

  test("of a sub-agent has the names from the root down", async () => {
    const id = "getShipmentOfOrderDeskShipment";
    expect((await read(id, { name: ["berlin", "s-1"] })).params).toEqual({
      orderDesk: "berlin",
      shipment: "s-1",
    });
    expect(await places(id, { name: "berlin" })).toEqual(["/name"]);
    expect(await places(id, { name: ["berlin"] })).toEqual(["/name"]);
    expect(await places(id, { name: ["berlin", "s/1"] })).toEqual(["/name/1"]);
    expect(await places("getOrderDesk", { name: "../x" })).toEqual(["/name"]);
    expect(await places("getOrderDesk", {})).toEqual(["/name"]);
  });

  test("has a body that is not its own under a name, where it cannot be mistaken for the rest", async () => {
    const called = await read("callOrderDeskQuote", { name: "berlin", input: { orderId: "o-1" } });
    expect(called.body).toEqual({ orderId: "o-1" });
    expect(await places("callOrderDeskQuote", { name: "berlin", orderId: "o-1" })).toEqual([
      "/input",
      "/orderId",
    ]);
    expect(await places("callOrderDeskQuote", { name: "berlin", input: { orderId: 1 } })).toEqual([
      "/input/orderId",
    ]);
    const state = { name: "berlin", state: { open: true }, ifMatch: "tag" };
    expect(await read("replaceOrderDeskState", state)).toMatchObject({
      body: { open: true },
      ifMatch: "tag",
    });
  });

  test("names every place that is wrong at once, unknown fields too", async () => {
    expect(
      await places("startRefundOrder", {
        params: { orderId: 1 },
        delay: -1,
        colour: "red",
        idempotencyKey: "ü",
      }),
    ).toEqual(["/name", "/idempotencyKey", "/params/orderId", "/params/amount", "/delay", "/colour"]);
    expect(await places("getOrderDesk", { name: "berlin", colour: "red" })).toEqual(["/colour"]);
    expect(await places("getHealth", { name: "berlin" })).toEqual(["/name"]);
  });

  test("of a read takes no key, and of events no token", async () => {
    expect(await places("getOrderDesk", { name: "berlin", idempotencyKey: "k" })).toEqual([
      "/idempotencyKey",
    ]);
    expect(await places("streamOrderDeskEvents", { name: "berlin", token: "t" })).toEqual(["/token"]);
    expect(await places("pauseOrderDeskInstance", { name: "x", instanceId: "y", ifMatch: "z" })).toEqual([
      "/ifMatch",
    ]);
  });

  test.each([["a list"], [[]], [null], [5]])("cannot be %j", async (input) => {
    expect(await places("getOrderDesk", input)).toEqual([""]);
  });

  test("may be left out where nothing is needed", async () => {
    expect(await read("getHealth", undefined)).toMatchObject({ params: undefined, query: undefined });
  });
});
