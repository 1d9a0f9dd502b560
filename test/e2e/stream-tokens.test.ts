import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { ask } from "../support/received.ts";
import { openStream } from "../support/stream.ts";
import { untilStatus } from "../support/until.ts";

interface Token {
  id: string;
  token: string;
  url: string;
  expiresAt: string;
}

const ROOT = "/agents/workshop/tokens";
const AGENTS = { "an agent": ROOT, "a sub-agent": `${ROOT}/sub/bench/b` };
const NO_KEY = { authorization: "" };

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  for (const agent of Object.values(AGENTS)) {
    for (const id of ["one", "two"]) {
      await gateway.post(`${agent}/workflows/gated`, { params: { timeoutMs: 3_600_000 }, id });
      await untilStatus(() => gateway.get(`${agent}/instances/${id}`), "waiting");
    }
  }
});
afterAll(() => gateway.harness.close());

const issue = async (address: string, body: object = {}): Promise<Token> => {
  const answer = await gateway.post(`${address}/stream-tokens`, body);
  expect(answer.status, answer.text).toBe(201);
  return answer.json<Token>();
};
const bare = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
  const response = await ask(new URL(path, gateway.url), { headers });
  await response.body?.cancel();
  return response.status;
};

describe.each(Object.entries(AGENTS))("of %s, a token", (_, agent) => {
  test("of an instance opens its stream, without a key, and no other", async () => {
    const { token, url } = await issue(`${agent}/instances/one`);
    expect(url).toBe(`${agent}/instances/one/events?token=${token}`);
    await using stream = await openStream(gateway, url, NO_KEY);
    expect(stream.status).toBe(200);
    expect((await stream.until("approval.requested")).data.instanceId).toBe("one");
    expect(await bare(url, { accept: "application/json" })).toBe(200);

    for (const other of [
      `${agent}/instances/two/events`,
      `${agent}/events`,
      "/agents/workshop/other/instances/one/events",
      `${agent}/instances/none/events`,
    ]) {
      expect([other, await bare(`${other}?token=${token}`)]).toEqual([other, 404]);
    }
  });

  test("of the agent opens its own stream, and those of its instances", async () => {
    const { token, url } = await issue(agent);
    expect(url).toBe(`${agent}/events?token=${token}`);
    expect(await bare(url)).toBe(200);
    expect(await bare(`${agent}/instances/two/events?token=${token}`)).toBe(200);
    expect(await bare(`/agents/workshop/other/events?token=${token}`)).toBe(404);
  });

  test("that is revoked closes what was opened with it, opens nothing more, and others go on", async () => {
    const [first, second] = [await issue(`${agent}/instances/one`), await issue(agent)];
    await using revoked = await openStream(gateway, first.url, NO_KEY);
    await using other = await openStream(gateway, second.url, NO_KEY);
    await revoked.until("stream.caught-up");
    await other.until("stream.caught-up");
    const revoke = await gateway.request("DELETE", `${agent}/stream-tokens/${first.id}`);
    expect([revoke.status, revoke.json()]).toEqual([200, { revoked: true }]);
    await revoked.closed;
    expect(revoked.received.at(-1)?.event).toBe("stream.closing");
    expect(await bare(first.url)).toBe(401);

    await gateway.post(`${agent}/workflows/gated`, { params: {}, id: `later-${first.id.slice(4, 12)}` });
    await other.until("instance.queued");
    expect(other.received.some(({ event }) => event === "stream.closing")).toBe(false);
  });

  test("that expires ends its streams, which can go on with another", async () => {
    const { url } = await issue(`${agent}/instances/one`, { ttlSeconds: 4 });
    await using stream = await openStream(gateway, url, NO_KEY);
    await stream.closed;
    const last = stream.received.at(-1);
    expect(last?.event).toBe("stream.closing");
    expect(await bare(url)).toBe(401);
    const again = await issue(`${agent}/instances/one`);
    await using resumed = await openStream(gateway, again.url, {
      ...NO_KEY,
      "last-event-id": last?.id ?? "",
    });
    await resumed.until("stream.caught-up");
    expect(resumed.received.map(({ event }) => event)).toEqual(["stream.caught-up"]);
  });
});

test("a token is refused on every route that is not an event stream, also beside a key", async () => {
  const { token } = await issue(ROOT);
  const { paths } = (await gateway.get("/openapi.json")).json<{
    paths: Record<string, Record<string, { security: object[] }>>;
  }>();
  let asked = 0;
  for (const [path, methods] of Object.entries(paths)) {
    const address = path.replace("{workshop}", "tokens").replaceAll(/\{\w+\}/g, "one");
    for (const [method, { security }] of Object.entries(methods)) {
      const isStream = path.endsWith("/events") && method === "get";
      expect(JSON.stringify(security).includes("streamToken"), `${method} ${path}`).toBe(isStream);
      if (security.length === 0 || isStream) continue;
      const answer = await gateway.request(method.toUpperCase(), `${address}?token=${token}`);
      expect([address, answer.status]).toEqual([address, 401]);
      asked += 1;
    }
  }
  expect(asked).toBeGreaterThan(50);
});

test.each([
  ["an unknown instance", `${ROOT}/instances/none`, {}, 404],
  ["an unknown agent", "/agents/workshop/nobody", {}, 404],
  ["more than a quarter of an hour", ROOT, { ttlSeconds: 901 }, 400],
  ["no time at all", ROOT, { ttlSeconds: 0 }, 400],
  ["no body", ROOT, undefined, 400],
])("none is made for %s", async (_, address, body, status) => {
  expect((await gateway.post(`${address}/stream-tokens`, body)).status).toBe(status);
});

test("who makes none of these opens nothing", async () => {
  const { token } = await issue(ROOT);
  for (const forged of ["", "x", `${token}x`, token.slice(0, -8), token.split(".").toReversed().join(".")]) {
    expect(await bare(`${ROOT}/events?token=${encodeURIComponent(forged)}`)).toBe(401);
  }
});
