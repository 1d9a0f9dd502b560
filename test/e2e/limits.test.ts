import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentOf, operationsOf } from "../openapi/served-document.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { makeLink, send as sendForm, waiting } from "../support/links.ts";
import { rawRequest, sendRaw } from "../support/raw-requests.ts";
import { ask } from "../support/received.ts";
import { untilStatus } from "../support/until.ts";

const AGENT = "/agents/workshop/limits";
const START = `${AGENT}/workflows/silent`;

interface Limit {
  name: string;
  most: number;
  unit: string;
  code: string | null;
  description: string;
}

let gateway: TestGateway;
let limits: Map<string, Limit>;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  const { limits: listed } = (await gateway.get("/limits")).json<{ limits: Limit[] }>();
  limits = new Map(listed.map((limit) => [limit.name, limit]));
  await gateway.post(`${AGENT}/methods/open`, { motto: "m" });
});
afterAll(() => gateway.harness.close());

function most(name: string): number {
  const limit = limits.get(name);
  if (limit === undefined) throw new Error(`${name} is not published`);
  return limit.most;
}

/** Status, and the code of the problem, of what is sent as it is. */
async function outcomeOf(path: string, init: RequestInit): Promise<string> {
  const response = await ask(new URL(path, gateway.url), {
    ...init,
    headers: {
      authorization: `Bearer ${gateway.key}`,
      "content-type": "application/json",
      ...(init.headers as Record<string, string>),
    },
  });
  const text = await response.text();
  const code = response.ok ? "" : ` ${(JSON.parse(text) as { code: string }).code}`;
  return `${response.status}${code}`;
}
const start = (body: unknown): Promise<string> =>
  outcomeOf(START, { method: "POST", body: JSON.stringify(body) });

const target = (bytes: number): string => `/healthz?${"q".repeat(bytes - "/healthz?".length)}`;
const withHeaders = (headers: Record<string, string>): Promise<string> => outcomeOf("/healthz", { headers });
const manyHeaders = (bytes: number) =>
  Object.fromEntries(Array.from({ length: Math.ceil(bytes / 1_000) }, (_, n) => [`x-${n}`, "x".repeat(995)]));
/** A body of so many bytes that is in order but for a field too many, which is looked at after its size. */
const bodyOf = (bytes: number): string => `{"x":"${"x".repeat(bytes - 8)}"}`;
const chunks = (bytes: number) =>
  new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(bodyOf(bytes)));
      controller.close();
    },
  });
const sendChunks = (bytes: number) =>
  outcomeOf(START, { method: "POST", body: chunks(bytes), duplex: "half" } as RequestInit);
const numbers = (count: number) =>
  `{"params":{"texts":[],"questions":[${Array.from({ length: count }, () => "1e20").join(",")}]}}`;
const echo = (body: string) => outcomeOf(`${AGENT}/workflows/echo`, { method: "POST", body });
const nested = (levels: number): string => `${"[".repeat(levels - 1)}{}${"]".repeat(levels - 1)}`;
const objects = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
const times = (length: number, key: (n: number) => string = (n) => `k${n}`) =>
  Object.fromEntries(Array.from({ length }, (_, n) => [key(n), n]));
const batch = (length: number) =>
  outcomeOf(`/agents/workshop/batches/workflows/silent/batch`, {
    method: "POST",
    body: JSON.stringify({ items: Array.from({ length }, () => ({ params: { answer: 1 }, delay: 86_400 })) }),
  });
const calls = async (length: number) => {
  const path = `/trpc/${Array.from({ length }, () => "gateway.getHealth").join(",")}?batch=1&input={}`;
  const { status, text } = await gateway.get(path);
  return [status, text.includes('"code":"invalid_request"')];
};
const withKey = (length: number) =>
  outcomeOf(START, {
    method: "POST",
    body: JSON.stringify({ params: { answer: 1 } }),
    headers: { "idempotency-key": "k".repeat(length) },
  });
const get = (path: string) => outcomeOf(path, { headers: { accept: "application/json" } });
const filter = (length: number) =>
  `${AGENT}/instances?metadata=${encodeURIComponent(`{"owner":"${"o".repeat(length - 12)}"}`)}`;
const token = (ttlSeconds: number) =>
  outcomeOf(`${AGENT}/stream-tokens`, { method: "POST", body: JSON.stringify({ ttlSeconds }) });
const body = (inner: string): string => `{"params":{"answer":1${inner}}}`;
const bodyWith = (inner: readonly number[]) =>
  Buffer.concat([Buffer.from('{"params":{"answer":1,"failWith":"'), Buffer.from(inner), Buffer.from('"}}')]);

test("every limit is published with what it counts, and the code of the problem that more of it gets", async () => {
  const codes = operationsOf(await documentOf(gateway)).flatMap(({ operation }) =>
    Object.values(operation.responses).flatMap(({ content = {} }) =>
      Object.keys(content["application/problem+json"]?.examples ?? {}),
    ),
  );
  expect(limits.size).toBeGreaterThan(20);
  const refusing = [...limits.values()].flatMap(({ code }) => code ?? []);
  // An agent that is deeper than any class is has no address.
  expect(refusing.filter((code) => code !== "not_found" && !codes.includes(code))).toEqual([]);
  for (const { name, most: value, description } of limits.values()) {
    expect(value, name).toBeGreaterThan(0);
    expect(description, name).not.toBe("");
  }
  expect((await gateway.get("/limits", { authorization: "" })).status).toBe(401);
});

describe("the length of an address", () => {
  test.each([
    ["at the limit", 0, 200, '"status":"ok"'],
    ["over it", 1, 414, '"code":"uri_too_long"'],
    ["far over it", 6_000, 414, '"code":"uri_too_long"'],
  ])("%s", async (_, more, status, shown) => {
    const answer = await sendRaw(gateway.url, rawRequest("GET", target(most("urlBytes") + more), {}));
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(shown);
  });
});

describe("the size of headers", () => {
  test("of one: at the limit, over it, far over it", async () => {
    const name = "x-large";
    const room = most("headerBytes") - name.length;
    expect(await withHeaders({ [name]: "x".repeat(room) })).toBe("200");
    expect(await withHeaders({ [name]: "x".repeat(room + 1) })).toBe("431 headers_too_large");
    expect(await withHeaders({ [name]: "x".repeat(4 * room) })).toBe("431 headers_too_large");
  });

  test("of all: below the limit, over it, far over it", async () => {
    expect(await withHeaders(manyHeaders(most("headersBytes") - 4_000))).toBe("200");
    expect(await withHeaders(manyHeaders(most("headersBytes") + 1_000))).toBe("431 headers_too_large");
    expect(await withHeaders(manyHeaders(2 * most("headersBytes")))).toBe("431 headers_too_large");
  });
});

describe("the size of a body", () => {
  test.each([
    ["at the limit", 0, "400 invalid_request"],
    ["over it", 1, "413 payload_too_large"],
    ["far over it", 5_000_000, "413 payload_too_large"],
  ])("%s", async (_, more, expected) => {
    expect(await outcomeOf(START, { method: "POST", body: bodyOf(most("bodyBytes") + more) })).toBe(expected);
  });

  test("that does not say how long it is", async () => {
    expect(await sendChunks(most("bodyBytes"))).toBe("400 invalid_request");
    expect(await sendChunks(most("bodyBytes") + 1)).toBe("413 payload_too_large");
  });

  test("that is small as it is sent, and large once it is written down", async () => {
    expect(numbers(200_000).length).toBeLessThan(most("bodyBytes"));
    expect(await echo(numbers(200_000))).toBe("413 payload_too_large");
    expect(await echo(numbers(10))).toBe("400 invalid_request");
  });
});

describe("how deep a body is nested", () => {
  test.each(["arrays", "objects"])("of %s: at the limit, over it, far over it", async (kind) => {
    const text = kind === "arrays" ? nested : objects;
    const send = async (levels: number) => {
      const answer = await gateway.request("POST", START, JSON.parse(text(levels)));
      return answer.json<{ detail: string }>().detail;
    };
    expect(await send(most("bodyLevels"))).not.toContain("levels deep");
    expect(await send(most("bodyLevels") + 1)).toContain("levels deep");
    expect(await outcomeOf(START, { method: "POST", body: text(100_000) })).toBe("400 invalid_request");
    expect(await outcomeOf(START, { method: "POST", body: "[".repeat(500_000) })).toBe("400 malformed_json");
  });
});

describe("what a start takes", () => {
  const params = { answer: 1 };
  test("an id: at the limit, over it, far over it", async () => {
    const room = most("nameCharacters");
    expect(await start({ params, id: "i".repeat(room) })).toBe("202");
    expect(await start({ params, id: "i".repeat(room + 1) })).toBe("400 invalid_request");
    expect(await start({ params, id: "i".repeat(100_000) })).toBe("400 invalid_request");
  });
  test("keys of metadata: how many, and how long", async () => {
    expect(await start({ params, metadata: times(most("metadataKeys")) })).toBe("202");
    expect(await start({ params, metadata: times(most("metadataKeys") + 1) })).toBe("400 invalid_request");
    expect(await start({ params, metadata: times(20_000) })).toBe("400 invalid_request");
    const room = most("metadataKeyCharacters");
    expect(await start({ params, metadata: { ["k".repeat(room)]: 1 } })).toBe("202");
    expect(await start({ params, metadata: { ["k".repeat(room + 1)]: 1 } })).toBe("400 invalid_request");
    expect(await start({ params, metadata: { ["k".repeat(100_000)]: 1 } })).toBe("400 invalid_request");
    expect(await start({ params, metadata: { "": 1 } })).toBe("400 invalid_request");
  });
  test("texts of metadata", async () => {
    const room = most("metadataValueCharacters");
    expect(await start({ params, metadata: { owner: "v".repeat(room) } })).toBe("202");
    expect(await start({ params, metadata: { owner: "v".repeat(room + 1) } })).toBe("400 invalid_request");
    expect(await start({ params, metadata: { owner: "v".repeat(500_000) } })).toBe("400 invalid_request");
  });
  test("a delay", async () => {
    const room = most("delaySeconds");
    expect(await start({ params, delay: room })).toBe("202");
    expect(await start({ params, delay: room + 1 })).toBe("400 invalid_request");
    expect(await start({ params, delay: 1e300 })).toBe("400 invalid_request");
  });
  test("a batch", async () => {
    expect(await batch(most("batchItems"))).toBe("200");
    expect(await batch(most("batchItems") + 1)).toBe("400 invalid_request");
    expect(await batch(20_000)).toBe("400 invalid_request");
    expect(await batch(0)).toBe("400 invalid_request");
  });
  test("a batch of tRPC", async () => {
    expect(await calls(most("trpcCalls"))).toEqual([200, false]);
    expect(await calls(most("trpcCalls") + 1)).toEqual([400, true]);
    expect(await calls(300)).toEqual([400, true]);
  });
  test("an idempotency key", async () => {
    expect(await withKey(most("idempotencyKeyCharacters"))).toBe("202");
    expect(await withKey(most("idempotencyKeyCharacters") + 1)).toBe("400 invalid_request");
    expect(await withKey(8_000)).toBe("400 invalid_request");
  });
});

test("a reason: at the limit, over it, far over it", async () => {
  const { links } = (await gateway.post(`${AGENT}/workflows/gated`, { params: {} })).json<{
    links: { self: string };
  }>();
  await untilStatus(() => gateway.get(links.self), "waiting");
  const decide = (length: number) =>
    outcomeOf(`${links.self}/reject`, {
      method: "POST",
      body: JSON.stringify({ reason: "r".repeat(length) }),
    });
  expect(await decide(500_000)).toBe("400 invalid_request");
  expect(await decide(most("reasonCharacters") + 1)).toBe("400 invalid_request");
  expect(await decide(most("reasonCharacters"))).toBe("200");
});

test("a page, a filter and a stream token: at the limit, over it, far over it", async () => {
  for (const list of ["instances", "approvals", "events", "sub"]) {
    expect(await get(`${AGENT}/${list}?limit=${most("pageItems")}`)).toBe("200");
    for (const limit of [most("pageItems") + 1, 1e15, "1e999", "-1", "0", "1.5", ""])
      expect([limit, await get(`${AGENT}/${list}?limit=${limit}`)]).toEqual([limit, "400 invalid_request"]);
  }
  expect(await get(filter(most("metadataValueCharacters") + 12))).toBe("200");
  expect(await get(filter(most("metadataFilterCharacters") + 1))).toBe("400 invalid_request");
  expect(await token(most("streamTokenSeconds"))).toBe("201");
  expect(await token(most("streamTokenSeconds") + 1)).toBe("400 invalid_request");
  expect(await token(1e15)).toBe("400 invalid_request");
});

test("all that a gateway publishes are in its document too", async () => {
  const { info } = await documentOf(gateway);
  for (const { name, most: limit, unit } of limits.values())
    expect(info.description).toContain(`| \`${name}\` | ${limit} ${unit} |`);
});

test("links of an approval, how long they are good for, and the form behind one: at the limit, over it, far over it", async () => {
  const { approval } = await waiting(gateway, AGENT, "gated", { timeoutMs: 31 * 86_400_000 });
  const link = (ttlSeconds: number) =>
    outcomeOf(`${approval}/links`, { method: "POST", body: JSON.stringify({ for: "ada", ttlSeconds }) });
  expect(await link(most("linkSeconds"))).toBe("201");
  expect(await link(most("linkSeconds") + 1)).toBe("400 invalid_request");
  expect(await link(1e15)).toBe("400 invalid_request");
  const { url } = await makeLink(gateway, approval);
  for (let n = 2; n < most("approvalLinks"); n += 1) expect(await link(60)).toBe("201");
  for (const _ of "many more") expect(await link(60)).toBe("409 too_many_links");

  const form = async (size: number) =>
    (await sendForm(url, { reason: "x".repeat(size - "shown=&reason=".length), shown: "" })).status;
  expect(await form(most("formBytes"))).toBe(400);
  expect(await form(most("formBytes") + 1)).toBe(413);
  expect(await form(5_000_000)).toBe(413);
});

describe("JSON that does not mean the same to everybody is refused", () => {
  test.each([
    ["a key twice", `{"params":{"answer":1,"answer":2}}`, "400 malformed_json"],
    ["a key twice, once escaped", `{"params":{"answer":1,"\\u0061nswer":2}}`, "400 malformed_json"],
    ["a key twice, deep inside", `{"params":{"answer":[{"a":[{"b":1,"c":2,"b":3}]}]}}`, "400 malformed_json"],
    ["a byte order mark", `\uFEFF${body("")}`, "400 malformed_json"],
    ["a number beyond those of JavaScript", body(`,"failWith":1e400`), "400 invalid_request"],
    ["one below them", body(`,"failWith":-1e999`), "400 invalid_request"],
    ["the key of the prototype", body(`,"__proto__":{"answer":2}`), "400 invalid_request"],
    ["the key of the prototype, escaped", body(`,"\\u005f_proto__":{"answer":2}`), "400 invalid_request"],
    ["a comment", body("/**/"), "400 malformed_json"],
    ["NaN", `{"params":{"answer":NaN}}`, "400 malformed_json"],
    ["two values", `${body("")}${body("")}`, "400 malformed_json"],
  ])("%s", async (_, text, expected) => {
    expect(await outcomeOf(START, { method: "POST", body: text })).toBe(expected);
  });

  test("as are bytes that are not UTF-8, also inside of a text", async () => {
    for (const inner of [
      [0xff],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
      [0xe2, 0x82],
    ])
      expect(await outcomeOf(START, { method: "POST", body: bodyWith(inner) })).toBe("400 malformed_json");
  });

  test("but a key may come in several objects, and keys that only JavaScript knows are keys", async () => {
    const sent = {
      text: { constructor: 1, prototype: { text: [{ text: 1 }, { text: 2 }] }, toString: "t", "": 0 },
    };
    const put = await gateway.request("PUT", `${AGENT}/state`, { motto: JSON.stringify(sent) });
    expect(put.status).toBe(200);
    expect(
      await outcomeOf(START, {
        method: "POST",
        body: JSON.stringify({ params: { answer: 1 }, metadata: { constructor: 1, toString: "x" } }),
      }),
    ).toBe("202");
  });

  test.each([
    ["application/json", "202"],
    ["application/json; charset=utf-8", "202"],
    ['Application/JSON;charset="UTF-8"', "202"],
    ["application/json; charset=utf-16", "415 unsupported_media_type"],
    ["text/plain", "415 unsupported_media_type"],
    ["text/json", "415 unsupported_media_type"],
    ["application/json-patch+json", "415 unsupported_media_type"],
    ["application/x-www-form-urlencoded", "415 unsupported_media_type"],
    ["multipart/form-data; boundary=x", "415 unsupported_media_type"],
    ["application/json, text/plain", "415 unsupported_media_type"],
  ])("of the type %s: %s", async (type, expected) => {
    expect(
      await outcomeOf(START, { method: "POST", body: body(""), headers: { "content-type": type } }),
    ).toBe(expected);
  });

  test("a body that is compressed is none", async () => {
    const headers = { "content-encoding": "gzip" };
    expect(await outcomeOf(START, { method: "POST", body: body(""), headers })).toBe(
      "415 unsupported_media_type",
    );
  });
});
