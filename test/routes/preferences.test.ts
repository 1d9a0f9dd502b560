import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import type { GatewayEnv } from "../../routes/gateway-env.ts";
import { IdempotencyKey, onceOf, waitOf } from "../../routes/preferences.ts";

const asked = { caller: "ada", operation: "startRefund", request: { params: { orderId: "o-1" } } };

/** What a request with these headers prefers. */
async function preferencesOf(headers: Record<string, string>, about: typeof asked = asked) {
  let found: { wait: number | undefined; once: Awaited<ReturnType<typeof onceOf>> } | undefined;
  const app = new Hono<GatewayEnv>().get("/", async (c) => {
    found = { wait: waitOf(c), once: await onceOf(c.req.header("idempotency-key"), about) };
    return c.body(null, 204);
  });
  await app.request("/", { headers });
  if (found === undefined) throw new Error("the request did not arrive");
  return found;
}
const waitFor = async (prefer: string) => (await preferencesOf({ prefer })).wait;
const onceFor = async (key: string, about?: typeof asked) =>
  (await preferencesOf({ "idempotency-key": key }, about)).once;

describe("Prefer: wait", () => {
  test.each([
    ["wait=5", 5],
    ["wait=0", 0],
    ["wait=60", 60],
    ["WAIT=5", 5],
    ["Wait=5", 5],
    ["respond-async, wait=10", 10],
    ["respond-async,wait=10", 10],
    ["respond-async; wait=10", 10],
    ["wait=10, respond-async", 10],
    ["wait=10; foo=bar", 10],
    ["handling=lenient, wait=10, respond-async", 10],
    ["wait=007", 7],
  ])("is so many seconds: %j", async (prefer, seconds) => {
    expect(await waitFor(prefer)).toBe(seconds);
  });

  test.each(["wait=61", "wait=3600", "wait=999999"])("is a minute at most: %j", async (prefer) => {
    expect(await waitFor(prefer)).toBe(60);
  });

  test.each([
    "",
    "wait",
    "wait=",
    "wait=soon",
    "wait=-5",
    "wait=+5",
    "wait=5s",
    "wait=5.5",
    "wait=0x10",
    "wait=1e3",
    "wait=Infinity",
    "await=5",
    "no-wait=5",
    "wait5",
    "respond-async",
    "return=minimal",
  ])("is not asked for by %j", async (prefer) => {
    expect(await waitFor(prefer)).toBeUndefined();
  });

  test("of several is the first, as RFC 7240 has it", async () => {
    expect(await waitFor("wait=5, wait=10")).toBe(5);
  });

  test("is not asked for by a request that prefers nothing", async () => {
    expect((await preferencesOf({})).wait).toBeUndefined();
  });
});

describe("Idempotency-Key", () => {
  test("of a request without one is nothing", async () => {
    expect((await preferencesOf({})).once).toBeUndefined();
  });

  test("is the same for the same request, with quotes or without", async () => {
    const once = await onceFor("k-1");
    expect(once).toBeDefined();
    expect(await onceFor("k-1")).toEqual(once);
    expect(await onceFor('"k-1"')).toEqual(once);
  });

  test("is the same key with another fingerprint for another request", async () => {
    const [one, two] = [
      await onceFor("k-1"),
      await onceFor("k-1", { ...asked, request: { params: { orderId: "o-2" } } }),
    ];
    expect(one?.key).toBe(two?.key);
    expect(one?.fingerprint).not.toBe(two?.fingerprint);
  });

  test("is another for another key, another caller, another operation, and never by a trick of words", async () => {
    const keys = [
      await onceFor("k-1"),
      await onceFor("k-2"),
      await onceFor("k-1", { ...asked, caller: "bob" }),
      await onceFor("k-1", { ...asked, operation: "startShipment" }),
      await onceFor("x", { ...asked, caller: "a", operation: "b,c" }),
      await onceFor("x", { ...asked, caller: "a,b", operation: "c" }),
      await onceFor("c", { ...asked, caller: 'a","b', operation: "x" }),
      await onceFor("x", { ...asked, caller: "a", operation: 'b","c' }),
    ].map((once) => once?.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("may be 1 to 255 visible ASCII characters, in quotes or without", () => {
    const fine = [
      "k",
      '"k"',
      "a".repeat(255),
      `"${"a".repeat(255)}"`,
      "8e03978e-40d5-43dd-bc93-6894a57f9324",
      "~!",
    ];
    const wrong = ["", '""', "a".repeat(256), "two words", "tab\t", "ü", 'a"b', "line\n"];
    expect(fine.filter((key) => !IdempotencyKey.safeParse(key).success)).toEqual([]);
    expect(wrong.filter((key) => IdempotencyKey.safeParse(key).success)).toEqual([]);
  });
});
