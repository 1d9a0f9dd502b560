import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentOf, type FoundOperation, operationsOf } from "../openapi/served-document.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { ask } from "../support/received.ts";
import { until, untilStatus } from "../support/until.ts";

const NOBODY = "/agents/workshop/nobody";
/** The local engine's own note of which objects were ever asked. */
const OF_THE_ENGINE = "__miniflare_do_name";

let gateway: TestGateway;
let operations: FoundOperation[];
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  operations = operationsOf(await documentOf(gateway)).filter(({ path }) => path.startsWith("/agents/"));
});
afterAll(() => gateway.harness.close());

const storageOf = (name: string, binding = "WORKSHOP") =>
  gateway.harness.getWorker().getDurableObjectStorage(binding, { name });
async function tablesOf(name: string, binding?: string): Promise<unknown[]> {
  const storage = await storageOf(name, binding);
  const rows = await storage.exec("SELECT name FROM sqlite_master");
  return rows.map((row) => (row as { name: unknown }).name);
}

/** The address of an operation with every parameter filled in; names of sub-agents by the word that they stand after. */
function addressOf({ path }: FoundOperation, names: Readonly<Record<string, string>>): string {
  return path
    .replace("{approvalId}", "apr_00000000-0000-4000-8000-000000000000")
    .replace("{tokenId}", "stk_00000000-0000-4000-8000-000000000000")
    .replaceAll(/\{(\w+)\}/g, (_, parameter: string) => names[parameter] ?? "nobody");
}

/** The ways to ask for it that must bring nothing into being. */
function readsOf(found: FoundOperation): string[] {
  return found.method === "get" ? ["GET", "HEAD"] : [];
}

describe("asking for a root agent that nobody wrote to", () => {
  test("stores nothing, by whatever read, list or stream", async () => {
    const answered: string[] = [];
    const reads = operations.filter(({ path }) => path.startsWith("/agents/workshop/{workshop}"));
    for (const found of reads) {
      for (const method of readsOf(found)) {
        const answer = await gateway.request(method, addressOf(found, {}));
        answered.push(`${answer.status}`);
        if (answer.status !== 404) answered.push(`${method} ${found.path}: ${answer.text}`);
      }
    }
    expect(new Set(answered)).toEqual(new Set(["404"]));
    expect(answered.length).toBeGreaterThan(40);
    expect(await tablesOf("nobody")).toEqual([OF_THE_ENGINE]);
  });

  test("stores nothing, by a decision, a control, a delete or a call of a method that does not create", async () => {
    for (const [method, rest, sent] of [
      ["POST", "/instances/none/approve", { reason: "no" }],
      ["POST", "/instances/none/pause", undefined],
      ["POST", "/instances/none/events", { type: "parcel-arrived", payload: { parcel: "p" } }],
      ["POST", "/methods/shout", { text: "hello" }],
      ["POST", "/methods/diary", {}],
      ["PUT", "/state", { motto: "m" }],
      ["DELETE", "/state", undefined],
      ["DELETE", "/instances/none", undefined],
      ["DELETE", "/instances?status=complete", undefined],
      ["DELETE", "/sub/bench/none", undefined],
      ["POST", "/sub/bench/none/instances/none/approve", {}],
      ["POST", "/stream-tokens", {}],
      ["DELETE", "/stream-tokens/stk_00000000-0000-4000-8000-000000000000", undefined],
      ["POST", "/workflows/silent/migrate-binding", { from: "OLD" }],
    ] as const) {
      const answer = await gateway.request(method, `${NOBODY}${rest}`, sent);
      expect([method, rest, answer.status, answer.json<{ code: string }>().code]).toEqual([
        method,
        rest,
        404,
        "agent_not_found",
      ]);
    }
    expect(await tablesOf("nobody")).toEqual([OF_THE_ENGINE]);
  });

  test("stores nothing, by a start that is refused", async () => {
    const answer = await gateway.post(`${NOBODY}/workflows/silent`, { params: { answer: "no number" } });
    expect(answer.status).toBe(400);
    expect(await tablesOf("nobody")).toEqual([OF_THE_ENGINE]);
  });

  test("is another thing than asking for one that is there, beside it", async () => {
    await gateway.post("/agents/workshop/somebody/methods/open", { motto: "here" });
    expect((await gateway.get("/agents/workshop/somebody")).status).toBe(200);
    expect((await gateway.get("/agents/workshop/Somebody")).status).toBe(404);
    expect(await tablesOf("Somebody")).toEqual([OF_THE_ENGINE]);
  });
});

test("reading below an agent that is there makes no sub-agent, by whatever read", async () => {
  await gateway.post("/agents/workshop/parent/methods/open", { motto: "alone" });
  const below = operations.filter(({ path }) => path.includes("/sub/bench/{bench}"));
  const odd: string[] = [];
  for (const found of below) {
    for (const method of readsOf(found)) {
      const answer = await gateway.request(method, addressOf(found, { workshop: "parent" }));
      if (answer.status !== 404) odd.push(`${method} ${found.path}: ${answer.status}`);
    }
  }
  expect(odd).toEqual([]);
  expect((await gateway.get("/agents/workshop/parent/sub")).json()).toEqual({ items: [], nextCursor: null });
  const storage = await storageOf("parent");
  const tables = await storage.exec("SELECT name FROM sqlite_master WHERE name = 'cf_agents_sub_agents'");
  const rows = tables.length === 0 ? [] : await storage.exec("SELECT name FROM cf_agents_sub_agents");
  expect(rows).toEqual([]);
});

test("twenty starts and twenty reads at once of an agent that was not there make it once, and lose none", async () => {
  const agent = "/agents/workshop/rushed";
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => [
      gateway.get(n % 2 === 0 ? agent : `${agent}/instances`),
      gateway.post(`${agent}/workflows/silent`, { params: { answer: n }, id: `n-${n}` }),
      gateway.post(`${agent}/methods/shout`, { text: "x" }),
    ]).flat(),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 202)).toHaveLength(20);
  expect(statuses.filter((status) => ![200, 202, 404].includes(status))).toEqual([]);
  for (let n = 0; n < 20; n += 1) {
    const ended = await untilStatus(() => gateway.get(`${agent}/instances/n-${n}`), "complete");
    expect(ended.json<{ output: unknown }>().output).toEqual({ answer: 2 * n });
  }
  expect((await gateway.get(`${agent}/instances?count=true`)).json()).toMatchObject({ total: 20 });
});

test("a sub-agent below a root that was not there is made with it, and both serve at once", async () => {
  const child = "/agents/workshop/early/sub/bench/b";
  expect((await gateway.get(child)).status).toBe(404);
  expect((await gateway.request("PUT", child)).status).toBe(201);
  expect((await gateway.get(child)).status).toBe(200);
  expect((await gateway.get("/agents/workshop/early")).status).toBe(200);
});

test("a client of the SDK makes the agent that it connects to, also if the gateway was asked for it before", async () => {
  expect((await gateway.get("/agents/board/by-client")).status).toBe(404);
  const socket = new WebSocket(new URL("/sdk/board/by-client", gateway.url).href.replace("http", "ws"));
  await new Promise((resolve, reject) => {
    socket.addEventListener("message", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  expect(await tablesOf("by-client", "BOARD")).toContain("cf_agents_state");
  socket.send(JSON.stringify({ type: "cf_agent_state", state: { text: "from a client" } }));
  const state = await until(
    () => gateway.get("/agents/board/by-client/state"),
    ({ status }) => status === 200,
  );
  expect(state.json()).toMatchObject({ state: { text: "from a client" } });
  socket.close();
});

test("what an author writes as an Agent wakes does not bring one into being that is only asked for", async () => {
  await using guarded = await startGateway("test/fixtures/guarded/wrangler.jsonc");
  const worker = guarded.harness.getWorker();
  const tables = async () => {
    const storage = await worker.getDurableObjectStorage("GUARDED", { name: "a" });
    return (await storage.exec("SELECT name FROM sqlite_master")).length;
  };
  for (const rest of ["", "/state", "/instances", "/events"])
    expect((await guarded.get(`/agents/guarded/a${rest}`)).status).toBe(404);
  expect(await tables()).toBe(1);
  expect((await guarded.post("/agents/guarded/a/workflows/silent", { params: { answer: 1 } })).status).toBe(
    202,
  );
  expect((await guarded.get("/agents/guarded/a/state")).json()).toMatchObject({ state: { open: true } });
});

test("an Agent whose constructor uses what the SDK has made serves all the same", async () => {
  await using wired = await startGateway("test/fixtures/wired/wrangler.jsonc");
  expect((await wired.get("/agents/wired/a")).status).toBe(404);
  expect((await wired.post("/agents/wired/a/workflows/silent", { params: { answer: 1 } })).status).toBe(202);
  expect((await wired.post("/agents/wired/a/methods/woken", {})).json()).toEqual({ woken: ["object"] });
});

test("who shows no valid key wakes nothing at all", async () => {
  const worker = gateway.harness.getWorker();
  const before = await worker.listDurableObjectIds("WORKSHOP");
  for (const authorization of ["", "Bearer wrong", `Basic ${gateway.key}`]) {
    for (const path of [
      "/agents/workshop/unseen",
      "/agents/workshop/unseen/events",
      "/agents/workshop/unseen/sub",
    ]) {
      const answer = await ask(new URL(path, gateway.url), { headers: { authorization } });
      expect(answer.status).toBe(401);
      await answer.arrayBuffer();
    }
  }
  expect(await worker.listDurableObjectIds("WORKSHOP")).toEqual(before);
});
