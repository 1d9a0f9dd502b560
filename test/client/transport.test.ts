import { describe, expect, test } from "vitest";
import { addressOf, agentPath } from "../../src/gateway/client/address.ts";
import { ConnectionFailed, GatewayProblem, UnexpectedAnswer } from "../../src/gateway/client/errors.ts";
import { MACHINE, retryAfterOf } from "../../src/gateway/client/patience.ts";
import { cut, json, problem, type Reply, stand } from "./stand-ins.ts";

const START = { method: "POST", path: "/agents/desk/a/workflows/refund", body: { params: {} } } as const;
const READ = { method: "GET", path: "/agents/desk/a" } as const;
const brokenOff: Reply = () => {
  const body = new ReadableStream({
    pull(controller) {
      controller.error(new TypeError("terminated"));
    },
  });
  return new Response(body, { status: 202 });
};
const keysOf = (asked: readonly { headers: Headers }[]) =>
  asked.map(({ headers }) => headers.get("idempotency-key"));

describe("a request that changes something", () => {
  test("is sent with a key of its own, also when it is tried again", async () => {
    const { transport, asked, pauses } = stand([
      cut,
      brokenOff,
      problem("agent_unavailable", 503, true, { "retry-after": "1" }),
      problem("request_in_progress", 409, true),
      json({ id: "r-1" }, 202),
    ]);
    expect((await transport.send(START)).body).toEqual({ id: "r-1" });
    const keys = keysOf(asked);
    expect(keys[0]).toMatch(/^[\x21-\x7e]{16,}$/);
    expect(keys).toHaveLength(5);
    expect(new Set(keys).size).toBe(1);
    expect(asked.map(({ body }) => body)).toEqual(asked.map(() => ({ params: {} })));
    expect(pauses).toEqual([250, 500, 2_000, 2_000]);
  });

  test("has another key than the next, and the one that it is given", async () => {
    const { transport, asked } = stand([json({}), json({}), json({})]);
    await transport.send(START);
    await transport.send(START);
    await transport.send({ ...START, idempotencyKey: "mine" });
    const [first, second, third] = keysOf(asked);
    expect(first).not.toBe(second);
    expect(third).toBe("mine");
  });
});

test("a request that reads has no key, and is tried again too", async () => {
  const { transport, asked } = stand([cut, json({ path: "x" })]);
  expect((await transport.send(READ)).body).toEqual({ path: "x" });
  expect(keysOf(asked)).toEqual([null, null]);
});

describe("a request that fails", () => {
  test.each([
    ["does not match", problem("invalid_request", 400, false), GatewayProblem],
    ["meets a status that does not allow it", problem("status_conflict", 409, false), GatewayProblem],
    ["is of another request with its key", problem("idempotency_key_reused", 422, false), GatewayProblem],
    ["meets no gateway", () => new Response("<html>", { status: 404 }), UnexpectedAnswer],
    [
      "may come back in an hour",
      problem("agent_unavailable", 503, true, { "retry-after": "3600" }),
      GatewayProblem,
    ],
  ])("because it %s is not sent again", async (_, reply, kind) => {
    const { transport, asked } = stand([reply]);
    await expect(transport.send(START)).rejects.toBeInstanceOf(kind);
    expect(asked).toHaveLength(1);
  });

  test("gives the problem with its code", async () => {
    const { transport } = stand([problem("approval_closed", 409, false)]);
    const failure = await transport.send(START).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      name: "GatewayProblem",
      code: "approval_closed",
      status: 409,
      retryable: false,
      problem: { title: "approval_closed" },
    });
  });

  test("is given up after as many tries as are set", async () => {
    const { transport, asked } = stand([cut, cut, cut], { retries: 2 });
    await expect(transport.send(START)).rejects.toBeInstanceOf(ConnectionFailed);
    expect(asked).toHaveLength(3);
  });

  test("is not sent again once its caller has left", async () => {
    const leaving = new AbortController();
    const reason = new Error("enough");
    const { transport, asked } = stand([
      () => {
        leaving.abort(reason);
        throw reason;
      },
    ]);
    await expect(transport.send({ ...START, signal: leaving.signal })).rejects.toBe(reason);
    expect(asked).toHaveLength(1);
  });
});

test("headers of the caller's own are asked for before each attempt", async () => {
  let asked = 0;
  const headers = () => ({ authorization: `Bearer ${(asked += 1)}` });
  const standing = stand([cut, json({})], { headers });
  await standing.transport.send(READ);
  expect(standing.asked.map(({ headers: sent }) => sent.get("authorization"))).toEqual([
    "Bearer 1",
    "Bearer 2",
  ]);
});

test("a stream token goes to event streams, and nowhere else", async () => {
  const { transport, asked } = stand([json({}), () => new Response(null, { status: 204 })], {
    key: undefined,
    token: "t.o.k",
  });
  await transport.send(READ);
  await transport.open({ ...READ, query: { from: "now" } });
  expect(asked.map(({ url }) => url.search)).toEqual(["", "?from=now&token=t.o.k"]);
  expect(asked.map(({ headers }) => headers.get("authorization"))).toEqual([null, null]);
});

describe("an address", () => {
  test("is of a root agent, and of those below it", () => {
    expect(agentPath("", "catalog", "acme corp/ä")).toBe("/agents/catalog/acme%20corp%2F%C3%A4");
    expect(agentPath("/agents/catalog/acme", "dataset", "x+y@z")).toBe(
      "/agents/catalog/acme/sub/dataset/x%2By%40z",
    );
  });

  test.each(["", ".", ".."])("cannot be of the name %j, which would lead elsewhere", (name) => {
    expect(() => agentPath("", "catalog", name)).toThrow(TypeError);
  });

  test("has its query as the gateway reads it", () => {
    const query = {
      status: ["complete", "errored"],
      metadata: { owner: "ada & co", urgent: true },
      createdFrom: new Date(0),
      count: true,
      limit: 5,
      cursor: null,
      workflow: undefined,
    };
    expect(addressOf("https://x.example", "/y", query)).toBe(
      "https://x.example/y?status=complete&status=errored&metadata=%7B%22owner%22%3A%22ada%20%26%20co%22%2C%22urgent%22%3Atrue%7D&createdFrom=1970-01-01T00%3A00%3A00.000Z&count=true&limit=5",
    );
  });
});

test.each([
  ["7", 7_000],
  ["0", 0],
  ["Thu, 01 Jan 1970 00:01:00 GMT", 30_000],
  ["Thu, 01 Jan 1970 00:00:10 GMT", 0],
  ["soon", undefined],
])("Retry-After: %s", (text, expected) => {
  expect(retryAfterOf(new Headers({ "retry-after": text }), 30_000)).toBe(expected);
});

test("a pause ends with its signal, and lets go of it", async () => {
  const leaving = new AbortController();
  const paused = MACHINE.pause(60_000, leaving.signal);
  leaving.abort("enough");
  await expect(paused).rejects.toBe("enough");
  await expect(MACHINE.pause(60_000, leaving.signal)).rejects.toBe("enough");
  await MACHINE.pause(1, new AbortController().signal);
});
