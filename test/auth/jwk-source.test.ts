import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { inlineJwks, remoteJwks } from "../../src/gateway/auth/jwk-source.ts";

const URL_OF_KEYS = "https://issuer.example/jwks";
const MINUTE = 60_000;
const jwk = (kid: string) => ({ kid, kty: "EC", crv: "P-256", x: "x", y: "y" });

let warned: unknown[] = [];
beforeEach(() => {
  warned = [];
  vi.spyOn(console, "warn").mockImplementation((...parts: unknown[]) => {
    warned.push(parts);
  });
});
afterEach(() => vi.restoreAllMocks());

/** A source over an issuer that answers as it is told to, and a clock that stands. */
function openSource(first: () => Promise<Response> | Response) {
  let answer = first;
  let now = 1_000_000_000;
  const asked: RequestInit[] = [];
  const source = remoteJwks(URL_OF_KEYS, {
    fetch: async (url, init) => {
      expect(url).toBe(URL_OF_KEYS);
      asked.push(init);
      return answer();
    },
    now: () => now,
  });
  return {
    asked,
    kidOf: async (kid: string) => (await source.find(kid))?.kid,
    answerWith: (next: () => Promise<Response> | Response) => {
      answer = next;
    },
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}
const publishing =
  (...kids: readonly string[]) =>
  () =>
    Response.json({ keys: kids.map(jwk) });
const failing = () => new Response("no", { status: 503 });

describe("the keys at an address", () => {
  test("are fetched once, when one is first asked for", async () => {
    const { kidOf, asked } = openSource(publishing("a", "b"));
    expect(asked).toHaveLength(0);
    expect([await kidOf("a"), await kidOf("b"), await kidOf("a")]).toEqual(["a", "b", "a"]);
    expect(asked).toHaveLength(1);
  });

  test("are fetched without following anybody elsewhere, and not for ever", async () => {
    const { kidOf, asked } = openSource(publishing("a"));
    await kidOf("a");
    expect(asked[0]).toMatchObject({ redirect: "manual", signal: expect.any(AbortSignal) });
  });

  test("are fetched once for all who ask at once", async () => {
    const { kidOf, asked } = openSource(publishing("a"));
    expect(await Promise.all(Array.from({ length: 20 }, () => kidOf("a")))).toEqual(Array(20).fill("a"));
    expect(asked).toHaveLength(1);
  });

  test("are fetched anew for one that is not known, but not again and again", async () => {
    const { kidOf, asked, answerWith, pass } = openSource(publishing("a"));
    await kidOf("a");
    answerWith(publishing("a", "b"));
    for (let n = 0; n < 50; n += 1) expect(await kidOf(`made-up-${n}`)).toBeUndefined();
    expect(await kidOf("b")).toBeUndefined();
    expect(asked).toHaveLength(1);
    pass(30_000);
    expect(await kidOf("b")).toBe("b");
    for (let n = 0; n < 50; n += 1) await kidOf(`made-up-${n}`);
    expect(asked).toHaveLength(2);
  });

  test("are fetched anew after a while, so that one that was taken back is good no longer", async () => {
    const { kidOf, asked, answerWith, pass } = openSource(publishing("a", "b"));
    await kidOf("a");
    answerWith(publishing("b"));
    pass(10 * MINUTE - 1);
    expect(await kidOf("a")).toBe("a");
    pass(1);
    expect(await kidOf("a")).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  test("are good for a day if the issuer cannot be reached", async () => {
    const { kidOf, answerWith, pass } = openSource(publishing("a"));
    await kidOf("a");
    answerWith(failing);
    pass(10 * MINUTE);
    expect(await kidOf("a")).toBe("a");
    expect(warned).toHaveLength(1);
    pass(23 * 60 * MINUTE);
    expect(await kidOf("a")).toBe("a");
    pass(60 * MINUTE);
    await expect(kidOf("a")).rejects.toMatchObject({ code: "credentials_unchecked" });
    answerWith(publishing("a"));
    pass(30_000);
    expect(await kidOf("a")).toBe("a");
  });

  test.each<[string, () => Promise<Response> | Response]>([
    ["an error", failing],
    ["nothing", () => new Response(null, { status: 204 })],
    [
      "a way elsewhere",
      () => new Response(null, { status: 302, headers: { location: "https://evil.example" } }),
    ],
    ["what is no JSON", () => new Response("<html>")],
    ["what is no set", () => Response.json({ keys: "a" })],
    ["too many keys", () => Response.json({ keys: Array.from({ length: 101 }, () => jwk("a")) })],
    ["too much", () => Response.json({ keys: [jwk("a")], filler: "a".repeat(300_000) })],
    ["a line that is cut", () => Promise.reject(new TypeError("cut"))],
  ])("cannot be read from %s", async (_, answer) => {
    const { kidOf, asked } = openSource(answer);
    await expect(kidOf("a")).rejects.toMatchObject({ code: "credentials_unchecked" });
    await expect(kidOf("a")).rejects.toMatchObject({ code: "credentials_unchecked" });
    expect(asked).toHaveLength(1);
    expect(warned).toHaveLength(1);
  });

  test("that cannot be read are left out", async () => {
    const { kidOf } = openSource(() => Response.json({ keys: [null, {}, { kid: 1 }, jwk("a")] }));
    expect(await kidOf("a")).toBe("a");
  });
});

describe("keys that are given", () => {
  test("are found by their id", async () => {
    const source = inlineJwks({ keys: [jwk("a")] });
    expect(await source.find("a")).toMatchObject({ kid: "a" });
    expect(await source.find("b")).toBeUndefined();
    expect(await source.find("constructor")).toBeUndefined();
  });

  test.each([undefined, null, {}, [], { keys: {} }])("are a set: not %j", (set) => {
    expect(() => inlineJwks(set)).toThrow(TypeError);
  });
});
