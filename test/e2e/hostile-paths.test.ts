import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { NAUGHTY } from "../support/naughty.ts";
import { eachOf, type RawAnswer, rawRequest, sendRaw } from "../support/raw-requests.ts";
import { sends } from "../support/received.ts";

/** One object, at its one address. */
const HOME = "/agents/workshop/acme";

/** Each byte of a text as an escape: also of what needs none. */
const escaped = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0").toUpperCase()}`).join("");
/** A text as bytes of a request line may carry it. */
const utf8 = (text: string): string => Buffer.from(text).toString("latin1");

/** What is put into names, between parts and around them. */
const PIECES: readonly string[] = [
  [".", "..", "...", "%2e", "%2E%2E", "%252e", "%252E%252E", ".%2e", "%2e.", "%u002e"],
  ["/", "//", "%2F", "%2f", "%252F", "%255c", "\\", "%5C", "%c0%af", "%c1%9c", "%e0%80%af", "%f0%80%80%af"],
  [
    "%00",
    "%0d%0a",
    "%0D%0Ax:%20y",
    "%09",
    "%20",
    "%7F",
    "%80",
    "%FF",
    "%FE%FF",
    "%",
    "%%",
    "%2",
    "%G0",
    "%u0061",
  ],
  [
    ";",
    ";v=1",
    ":",
    "::",
    "@",
    "+",
    "!",
    "$",
    "&",
    "'",
    "(",
    ")",
    "*",
    ",",
    "=",
    "~",
    "`",
    "^",
    "|",
    "{",
    "}",
    "[",
    "]",
  ],
  ["<script>", "${x}", "{{x}}", "$(id)", "'--", '"', "%22", "%27", "%3Cscript%3E"],
  [
    "constructor",
    "__proto__",
    "prototype",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "null",
    "undefined",
    "NaN",
    "true",
    "0",
    "-1",
  ],
  [
    "sub",
    "SUB",
    "sub/sub",
    "sub/bench",
    "sub/bench/sub/bench",
    "cf-agents",
    "cf-agents:v2:acme:00",
    "cf-agents%3Av2%3Aacme%3A00",
    "__x",
  ],
  [
    "%E2%80%AE",
    "%E2%80%8B",
    "%EF%BB%BF",
    "%CC%81",
    "%F0%9F%92%A9",
    "%E2%84%AA",
    "%EF%BC%8E%EF%BC%8E",
    "%C4%B0",
    "%ED%A0%80",
  ],
  [
    "a".repeat(129),
    "a".repeat(1_000),
    "%41".repeat(500),
    "../".repeat(300),
    "%2e%2e%2f".repeat(300),
    "/".repeat(1_000),
  ],
].flat();

/** Ways to write one part of an address otherwise. */
const RESPELLED: readonly ((part: string) => string)[] = [
  (part) => escaped(part),
  (part) => escaped(part).toLowerCase(),
  (part) => `${escaped(part.slice(0, 1))}${part.slice(1)}`,
  (part) => `${part.slice(0, -1)}${escaped(part.slice(-1))}`,
  (part) => escaped(escaped(part)),
  (part) => `${part}%00`,
  (part) => `${part}%20`,
  (part) => `%20${part}`,
  (part) => `${part}%E2%80%8B`,
  (part) => `${part};`,
  (part) => `${part}/`,
  (part) => `/${part}`,
];

/** Ways that make another name of it, or that the platform's URL parser undoes. */
const NEARLY: readonly ((part: string) => string)[] = [
  (part) => part.toUpperCase(),
  (part) => `${part.slice(0, 1).toUpperCase()}${part.slice(1)}`,
  (part) => `./${part}`,
  (part) => `%2E/${part}`,
  (part) => `x/../${part}`,
];

const HOMES = [
  HOME,
  `${HOME}/instances`,
  `${HOME}/sub/bench/left`,
  `${HOME}/instances/one`,
  `${HOME}/state`,
  "/agents",
];

/** Every hostile path, each once. None of them is the address of an object but as it stands. */
function hostilePaths(): string[] {
  const around = PIECES.flatMap((piece) => [
    `/agents/workshop/${piece}`,
    `/agents/workshop/${piece}/instances`,
    `/agents/workshop/acme${piece}`,
    `/agents/workshop/${piece}acme`,
    `/agents/workshop/ac${piece}me/instances`,
    `/agents/${piece}/acme`,
    `/agents/workshop${piece}/acme`,
    `/${piece}/workshop/acme`,
    `/agents${piece}workshop/acme`,
    `${HOME}/${piece}`,
    `${HOME}/instances/${piece}`,
    `${HOME}/instances/one${piece}`,
    `${HOME}/instances/${piece}/events`,
    `${HOME}/sub/bench/${piece}`,
    `${HOME}/sub/${piece}/left`,
    `${HOME}/sub/bench/left${piece}`,
    `${HOME}/approvals/${piece}`,
    `${HOME}/methods/${piece}`,
    `${HOME}/workflows/${piece}`,
    `/docs/${piece}`,
    `/${piece}`,
  ]);
  const respelled = HOMES.flatMap((home) => {
    const parts = home.split("/").slice(1);
    return parts.flatMap((part, at) =>
      [...RESPELLED, ...NEARLY].map(
        (respell) => `/${[...parts.slice(0, at), respell(part), ...parts.slice(at + 1)].join("/")}`,
      ),
    );
  });
  const naughty = NAUGHTY.filter((text) => text.isWellFormed()).flatMap((text) => [
    `/agents/workshop/${escaped(text)}`,
    `${HOME}/instances/${escaped(text)}`,
    `${HOME}/sub/bench/${encodeURIComponent(text)}`,
  ]);
  const long = [1_000, 2_000, 4_000, 8_000, 12_000, 16_000].flatMap((length) => [
    `/agents/workshop/${"x".repeat(length)}`,
    `${HOME}/instances/${"%41".repeat(length / 3)}`,
    `/${"a/".repeat(length / 2)}`,
    `${HOME}${"/sub/bench/a".repeat(length / 12)}`,
    `${HOME}?${"q=1&".repeat(length / 4)}`,
    `/agents/workshop/${utf8("é").repeat(length / 2)}`,
  ]);
  return [...new Set([...around, ...respelled, ...naughty, ...long])];
}

/** The path that the platform's own URL parser makes of a target: it undoes dots and backslashes before a Worker hears of it. */
function seenBy(target: string): string | undefined {
  const url = `http://gateway${target}`;
  return URL.canParse(url) ? new URL(url).pathname : undefined;
}

let gateway: TestGateway;
let addresses: Set<string>;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  await gateway.post(`${HOME}/methods/open`, { motto: "at home" });
  await gateway.post(`${HOME}/workflows/silent`, { params: { answer: 1 }, id: "one" });
  await gateway.post(`${HOME}/sub/bench/left/workflows/silent`, { params: { answer: 1 }, id: "two" });
  addresses = new Set([
    ...HOMES,
    `${HOME}/events`,
    `${HOME}/sub`,
    "/agents",
    "/docs",
    "/healthz",
    "/readyz",
    "/limits",
    "/audit",
  ]);
});
afterAll(() => gateway.harness.close());

const ask = (target: string, method = "GET"): Promise<RawAnswer> =>
  sendRaw(
    gateway.url,
    rawRequest(method, target, { authorization: `Bearer ${gateway.key}`, accept: "application/json" }),
  );

describe("a path that is not the address of an object", () => {
  test(
    "is answered by 400, 404, 405 or 414, and never by an object; asking stores nothing",
    { timeout: 120_000 },
    async () => {
      sends("__proto__", "__x", "/tmp/blns.", "file:///etc/passwd");
      const paths = hostilePaths();
      expect(paths.length).toBeGreaterThan(3_000);

      const worker = gateway.harness.getWorker();
      const before = await worker.listDurableObjectIds("WORKSHOP");
      const answers = await eachOf(paths, (path) => ask(path));
      const odd = answers.flatMap(({ status, body }, at) => {
        const path = paths[at] ?? "";
        const seen = seenBy(path);
        if (seen !== undefined && addresses.has(seen) && status === 200) return [];
        return [400, 404, 405, 414].includes(status)
          ? []
          : [`${status} ${path.slice(0, 200)} ${body.slice(0, 200)}`];
      });
      expect(odd).toEqual([]);

      // Names that are in order may wake an object, which then stores nothing. No other is woken.
      const woken = (await worker.listDurableObjectIds("WORKSHOP")).filter((id) => !before.includes(id));
      for (const id of woken) {
        const storage = await worker.getDurableObjectStorage("WORKSHOP", { id });
        const tables = await storage.exec(
          "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_\\_miniflare%' ESCAPE '\\'",
        );
        expect(tables, id).toEqual([]);
      }
      expect(
        (await gateway.get(`${HOME}/sub`))
          .json<{ items: { name: string }[] }>()
          .items.map(({ name }) => name),
      ).toEqual(["left"]);
      expect(
        (await gateway.get("/agents/workshop/acme/instances")).json<{ items: unknown[] }>().items,
      ).toHaveLength(1);
    },
  );

  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("changes nothing by %s either", async (method) => {
    const paths = HOMES.flatMap((home) =>
      RESPELLED.map(
        (respell) =>
          `${home.slice(0, home.lastIndexOf("/"))}/${respell(home.slice(home.lastIndexOf("/") + 1))}`,
      ),
    );
    const answers = await eachOf(paths, (path) => ask(path, method));
    expect(
      answers.flatMap(({ status }, at) => (status >= 400 && status < 500 ? [] : [`${status} ${paths[at]}`])),
    ).toEqual([]);
    expect((await gateway.get(`${HOME}/state`)).json()).toMatchObject({ state: { motto: "at home" } });
  });
});

describe("an object has one address", () => {
  test("whose parts are written as encodeURIComponent writes them", async () => {
    const name = "ada+x@example.com";
    const made = await gateway.post(`/agents/workshop/${encodeURIComponent(name)}/methods/open`, {
      motto: "m",
    });
    expect(made.status, made.text).toBe(200);
    const { path } = (await gateway.get("/agents/workshop/ada%2Bx%40example.com")).json<{ path: string }>();
    expect(path).toBe("/agents/workshop/ada%2Bx%40example.com");
    for (const other of [
      "ada+x@example.com",
      "ada%2bx%40example.com",
      "ada%2Bx@example.com",
      "ada%2Bx%40example%2Ecom",
    ]) {
      const answer = await ask(`/agents/workshop/${other}`);
      expect([other, answer.status]).toEqual([other, 404]);
      expect(answer.body).toContain("encodeURIComponent");
    }
  });

  test("and dots and backslashes that the platform's URL parser undoes lead where it says, not past the checks", async () => {
    for (const [target, status] of [
      [`/agents/workshop/x/../acme`, 200],
      [`/agents/workshop/x/%2e%2e/acme`, 200],
      [`/agents\\workshop\\acme`, 200],
      [`/../../agents/workshop/acme`, 200],
      [`/agents/workshop/acme/..`, 404],
      [`/agents/workshop/acme/../..`, 404],
    ] as const) {
      expect([target, (await ask(target)).status]).toEqual([target, status]);
      const unkeyed = await sendRaw(gateway.url, rawRequest("GET", target, {}));
      expect([401, 404]).toContain(unkeyed.status);
    }
  });
});

describe("the SDK's own ways in", () => {
  test("are not served: an upgrade of an agent's address opens no socket", async () => {
    for (const path of [
      HOME,
      `${HOME}/sub/bench/left`,
      `${HOME}/events`,
      `/agents/Workshop/acme`,
      "/agents/WORKSHOP/acme",
    ]) {
      const answer = await sendRaw(
        gateway.url,
        rawRequest("GET", path, {
          authorization: `Bearer ${gateway.key}`,
          connection: "Upgrade",
          upgrade: "websocket",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          "sec-websocket-version": "13",
          accept: "application/json",
        }),
      );
      expect(answer.status, path).not.toBe(101);
    }
  });

  test("get no header through that the SDK would believe", async () => {
    const headers = {
      authorization: `Bearer ${gateway.key}`,
      accept: "application/json",
      "x-cf-agents-subagent-url": "http://agent/sub/bench/forged",
      "x-cf-agents-props": "{}",
      "x-agents-lifecycle-props": JSON.stringify({ forged: true }),
      "x-partykit-room": "forged",
    };
    for (const path of [HOME, `${HOME}/instances`, `${HOME}/events`, `${HOME}/sub/bench/left`]) {
      const plain = await gateway.get(path, { accept: "application/json", "x-request-id": "one" });
      const forged = await gateway.get(path, { ...headers, "x-request-id": "one" });
      expect([path, forged.status, forged.text]).toEqual([path, plain.status, plain.text]);
    }
    expect((await gateway.get(`${HOME}/sub/bench/forged`)).status).toBe(404);
  });

  test("name no class that is not registered, though it is bound", async () => {
    for (const path of [
      "/agents/gateway-directory/directory",
      "/agents/switchyard-directory/directory",
      "/agents/GatewayDirectory/directory",
      "/agents/SWITCHYARD_DIRECTORY/directory",
      "/agents/bench/left",
      "/agents/drawer/x",
    ]) {
      expect([path, (await gateway.get(path)).status]).toEqual([path, 404]);
    }
  });
});
