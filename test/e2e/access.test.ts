import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { ask } from "../support/received.ts";

const CONFIG = "test/fixtures/workshop/wrangler.jsonc";
const PROTECTED = [
  "/agents",
  "/agents/workshop/one",
  "/agents/workshop/one/instances",
  "/agents/workshop/one/events",
];
const PUBLIC = ["/healthz", "/openapi.json", "/openapi.yaml", "/openapi/workshop.json", "/docs"];

const statusOf = async (gateway: TestGateway, path: string, headers: Record<string, string>) => {
  const response = await ask(new URL(path, gateway.url), { headers });
  return {
    status: response.status,
    challenge: response.headers.get("www-authenticate"),
    text: await response.text(),
  };
};

describe("with a key", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway(CONFIG);
  });
  afterAll(() => gateway.harness.close());

  test.each(PUBLIC)("%s is open", async (path) => {
    expect((await statusOf(gateway, path, {})).status).toBe(200);
  });

  test.each(PROTECTED)("%s is 401 without it, and with another", async (path) => {
    for (const authorization of [
      "",
      "Bearer",
      "Bearer wrong",
      `Basic ${gateway.key}`,
      `Bearer ${gateway.key}x`,
    ]) {
      const answer = await statusOf(gateway, path, authorization === "" ? {} : { authorization });
      expect([authorization, answer.status]).toEqual([authorization, 401]);
      expect(answer.challenge).toBe('Bearer realm="switchyard"');
      expect(JSON.parse(answer.text)).toMatchObject({ code: "unauthorized" });
      expect(answer.text).not.toContain(gateway.key);
    }
  });

  test("who has none is told so before anything of the request is looked at", async () => {
    const response = await ask(new URL("/agents/workshop/one/workflows/silent", gateway.url), {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: "no json",
    });
    expect(response.status).toBe(401);
  });
});

describe.each([
  ["no key", { SWITCHYARD_API_KEY: "" }],
  ["a key that can be guessed", { SWITCHYARD_API_KEY: "secret" }],
])("a gateway with %s", (_, secrets) => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway(CONFIG, secrets);
  });
  afterAll(() => gateway.harness.close());

  test.each(PROTECTED)("%s is 503, and says what to set", async (path) => {
    const answer = await statusOf(gateway, path, { authorization: "Bearer secret" });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({
      code: "gateway_not_configured",
      retryable: false,
      detail: expect.stringContaining("SWITCHYARD_API_KEY"),
    });
  });

  test.each(PUBLIC)("%s is open", async (path) => {
    expect((await statusOf(gateway, path, {})).status).toBe(200);
  });
});
