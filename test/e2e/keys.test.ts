import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mintKey } from "../../src/gateway/auth/key-text.ts";
import { type Answer, clientOf, startGateway, type TestGateway } from "../support/gateway.ts";
import { createKey, sendForKey, type ShownKey } from "../support/keys.ts";
import { openStream } from "../support/stream.ts";

interface Entry {
  principal: string;
  action: string;
  target: string;
  detail: Record<string, unknown>;
}

const ACME = "/agents/workshop/acme";
const READER = { scopes: ["agents:read", "instances:read"], agents: [`${ACME}/**`] };

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  for (const name of ["acme", "globex"]) {
    const agent = `/agents/workshop/${name}`;
    await gateway.post(`${agent}/methods/open`, { motto: name });
    await gateway.request("PUT", `${agent}/sub/bench/b/sub/drawer/d`);
    await gateway.request("PUT", `${agent}/sub/bench/c`);
  }
});
afterAll(() => gateway.harness.close());

const by = (key: string) => clientOf(gateway.url, key);
const statusBy = async (key: string, path = ACME): Promise<number> => (await by(key).get(path)).status;
const codeOf = (answer: Answer): string => answer.json<{ code: string }>().code;
const rotate = async (id: string, body: object): Promise<ShownKey> =>
  (await sendForKey(gateway, `/keys/${id}/rotate`, body)).json<ShownKey>();

const ofKey = async (name: string, ...agents: string[]) =>
  by(
    (
      await createKey(gateway, {
        name,
        scopes: ["agents:read", "instances:read", "instances:control"],
        agents,
      })
    ).key,
  );

const shownTo = async (name: string, ...agents: string[]) => {
  const { key } = await createKey(gateway, { name, scopes: ["agents:read"], agents });
  const catalogue = (await by(key).get("/agents")).json<{
    agents: { name: string; children: string[] }[];
  }>();
  return catalogue.agents.map(({ name: agent, children }) => [agent, children]);
};

describe("the life of a key", () => {
  test("begins with an answer that shows it once, and ends with the next request after it was revoked", async () => {
    const answer = await sendForKey(gateway, "/keys", { name: "life", ...READER });
    expect(answer.status).toBe(201);
    const { key, ...shown } = answer.json<ShownKey>();
    expect(answer.headers.get("location")).toBe(`/keys/${shown.id}`);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(key).toMatch(new RegExp(`^sy_live_${shown.id}_`));
    expect(shown).toMatchObject({
      name: "life",
      ...READER,
      status: "active",
      createdBy: "api-key",
      expiresAt: null,
      rotatedAt: null,
      previousSecretUntil: null,
      revokedAt: null,
    });
    expect((await gateway.get(`/keys/${shown.id}`)).json()).toEqual(shown);
    expect((await gateway.get("/keys")).json<{ items: object[] }>().items).toContainEqual(shown);
    expect(await statusBy(key)).toBe(200);

    const second = await rotate(shown.id, {});
    expect(second.previousSecretUntil).not.toBeNull();
    expect([await statusBy(key), await statusBy(second.key)]).toEqual([200, 200]);
    const third = await rotate(shown.id, { graceSeconds: 0 });
    expect([await statusBy(key), await statusBy(second.key), await statusBy(third.key)]).toEqual([
      401, 401, 200,
    ]);

    const revoked = await gateway.request("DELETE", `/keys/${shown.id}`);
    expect(revoked.status).toBe(200);
    expect(revoked.json()).toMatchObject({ status: "revoked", revokedAt: expect.any(String) });
    expect(await statusBy(third.key)).toBe(401);
    expect((await gateway.request("DELETE", `/keys/${shown.id}`)).json()).toEqual(revoked.json());
    expect(codeOf(await sendForKey(gateway, `/keys/${shown.id}/rotate`, {}))).toBe("key_ended");

    const { items } = (await gateway.get("/audit")).json<{ items: Entry[] }>();
    const about = items.filter(({ target }) => target === `/keys/${shown.id}`).toReversed();
    expect(about.map(({ principal, action }) => `${principal} ${action}`)).toEqual([
      "api-key key.create",
      "api-key key.rotate",
      "api-key key.rotate",
      "api-key key.revoke",
    ]);
    expect(about[0]?.detail).toEqual({ name: "life", ...READER, expiresAt: null });
  });

  test("of which a decision bears the name", async () => {
    const { key } = await createKey(gateway, {
      name: "ada@acme.com",
      scopes: ["instances:start", "instances:read", "approvals:decide"],
      agents: [ACME],
    });
    const ada = by(key);
    const started = await ada.post(`${ACME}/workflows/gated`, { params: {}, id: "for-ada" });
    expect(started.status, started.text).toBe(202);
    await using stream = await openStream({ ...gateway, key }, `${ACME}/instances/for-ada/events`);
    await stream.until("approval.requested");
    const decided = await ada.post(`${ACME}/instances/for-ada/approve`, {});
    expect(decided.json()).toMatchObject({ decidedBy: "ada@acme.com" });
  });

  test("ends when it was to", async () => {
    const expiresAt = new Date(Date.now() + 5_000).toISOString();
    const { key, id } = await createKey(gateway, { name: "short", ...READER, expiresAt });
    expect(await statusBy(key)).toBe(200);
    await using stream = await openStream({ ...gateway, key }, `${ACME}/events`);
    // A stream does not outlive the key that it was opened with.
    await stream.until("stream.closing");
    expect(await statusBy(key)).toBe(401);
    expect((await gateway.get(`/keys/${id}`)).json()).toMatchObject({ status: "expired" });
    expect((await createKey(gateway, { name: "short", ...READER })).name).toBe("short");
  });

  test("twenty that are made at once with one name are one", async () => {
    const body = { name: "only-one", ...READER };
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendForKey(gateway, "/keys", body)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409).map(codeOf)).toEqual(Array(19).fill("key_exists"));
  });

  test("leaves its name to another when it is over", async () => {
    const first = await createKey(gateway, { name: "again", ...READER });
    await gateway.request("DELETE", `/keys/${first.id}`);
    const second = await createKey(gateway, { name: "again", ...READER });
    expect(second.id).not.toBe(first.id);
    expect(await statusBy(first.key)).toBe(401);
  });
});

describe("what cannot be a key is refused", () => {
  const inFuture = new Date(Date.now() + 60_000).toISOString();
  test.each([
    ["a reserved name", { name: "api-key" }, "/name"],
    ["the name of the agent's own code", { name: "agent" }, "/name"],
    ["the name of the gateway", { name: "gateway" }, "/name"],
    ["the name of nobody", { name: "anonymous" }, "/name"],
    ["the name of a sender of callbacks", { name: "erp" }, "/name"],
    ["a name with a capital", { name: "Ada" }, "/name"],
    ["a name that looks like that of a JWT's holder", { name: "jwt:ada" }, "/name"],
    ["a name that is too long", { name: "a".repeat(65) }, "/name"],
    ["no name", { name: "" }, "/name"],
    ["no scope", { scopes: [] }, "/scopes"],
    ["a misspelt scope", { scopes: ["instances:reed"] }, "/scopes/0"],
    ["what is no scope", { scopes: ["everything"] }, "/scopes/0"],
    ["no agents", { agents: [] }, "/agents"],
    ["what is no pattern", { agents: ["/agents/*/acme"] }, "/agents/0"],
    ["an end in the past", { expiresAt: "2020-01-01T00:00:00Z" }, "/expiresAt"],
    ["an end that is no time", { expiresAt: "tomorrow" }, "/expiresAt"],
    ["an unknown field", { admin: true }, "/admin"],
  ])("%s", async (_, change, pointer) => {
    const body = { name: "refused", ...READER, expiresAt: inFuture, ...change };
    const answer = await sendForKey(gateway, "/keys", body);
    expect(answer.status).toBe(400);
    const { errors } = answer.json<{ errors: { pointer: string }[] }>();
    expect(errors.map((one) => one.pointer)).toContain(pointer);
  });

  test("and a key that is well-formed, but was never made, is one of many", async () => {
    for (const { key, id } of [await mintKey("live"), await mintKey("test")]) {
      expect(await statusBy(key)).toBe(401);
      const storage = await gateway.harness
        .getWorker()
        .getDurableObjectStorage("SWITCHYARD_DIRECTORY", { name: `key:${id}` });
      expect(await storage.exec("SELECT name FROM sqlite_master WHERE name LIKE 'switchyard%'")).toEqual([]);
    }
  });

  test("and the secret of one key is not that of another", async () => {
    const one = await createKey(gateway, { name: "one-of-two", ...READER });
    const { key: forged } = await mintKey("live", one.id);
    expect(await statusBy(forged)).toBe(401);
    expect(await statusBy(one.key)).toBe(200);
  });
});

describe("nobody gives, or sees, more than it holds", () => {
  const MANAGER = { scopes: ["keys:manage", "instances:read"], agents: [`${ACME}/**`] };
  let manager: ShownKey;
  let stranger: ShownKey;
  beforeAll(async () => {
    manager = await createKey(gateway, { name: "manager", ...MANAGER });
    stranger = await createKey(gateway, {
      name: "stranger",
      scopes: ["instances:read"],
      agents: ["/agents/workshop/globex"],
    });
  });

  test.each([
    ["a scope that it has not", ["instances:control"], [ACME]],
    ["a scope of an author that it has not", ["finance:approve"], [ACME]],
    ["another agent", ["instances:read"], ["/agents/workshop/globex"]],
    ["all agents of a class", ["instances:read"], ["/agents/workshop/*"]],
    ["all agents", ["instances:read"], ["/**"]],
    ["one that it has, and one that it has not", ["instances:read"], [ACME, "/agents/workshop/globex"]],
  ])("a key manager may not give %s", async (_, scopes, agents) => {
    const answer = await sendForKey(gateway, "/keys", { name: "too-much", scopes, agents }, manager.key);
    expect([answer.status, codeOf(answer)]).toEqual([403, "forbidden"]);
  });

  test("a key manager may give what it has, and what is less", async () => {
    const less = await createKey(
      gateway,
      { name: "less", scopes: ["instances:read"], agents: [`${ACME}/sub/bench/*`] },
      manager.key,
    );
    expect(await statusBy(less.key, `${ACME}/sub/bench/b/instances`)).toBe(200);
    const { items } = (await by(manager.key).get("/keys")).json<{ items: ShownKey[] }>();
    const names = items.map(({ name }) => name);
    expect(names).toContain("less");
    expect(names).not.toContain("stranger");
    const [entry] = (await gateway.get("/audit?limit=1")).json<{ items: Entry[] }>().items;
    expect(entry).toMatchObject({ principal: "manager", action: "key.create" });
  });

  test.each(["GET", "DELETE", "rotate"])("a key that may do more is not there for it: %s", async (what) => {
    const missing = (await mintKey("live")).id;
    const ask = (id: string): Promise<Answer> =>
      what === "rotate"
        ? by(manager.key).post(`/keys/${id}/rotate`, {})
        : by(manager.key).request(what, `/keys/${id}`);
    const { requestId: _, ...refused } = (await ask(stranger.id)).json<{ requestId: string }>();
    const { requestId: __, ...notThere } = (await ask(missing)).json<{ requestId: string }>();
    expect(refused).toEqual(notThere);
    expect(refused).toMatchObject({ status: 404, code: "key_not_found" });
    expect(await statusBy(stranger.key, "/agents/workshop/globex/instances")).toBe(200);
  });

  test("who may not manage keys may not see them either", async () => {
    const answer = await by(stranger.key).get("/keys");
    expect([answer.status, codeOf(answer)]).toEqual([403, "forbidden"]);
  });

  test("the log of the gateway is for who reaches all of it", async () => {
    const some = await createKey(gateway, {
      name: "some-audit",
      scopes: ["audit:read"],
      agents: ["/agents/workshop/**"],
    });
    const all = await createKey(gateway, { name: "all-audit", scopes: ["audit:read"], agents: ["/**"] });
    expect([await statusBy(some.key, "/audit"), await statusBy(all.key, "/audit")]).toEqual([403, 200]);
  });
});

describe("what is below an agent", () => {
  test("is not listed for who reaches the agent alone", async () => {
    const alone = await ofKey("alone", ACME);
    expect((await alone.get(`${ACME}/instances`)).status).toBe(200);
    for (const path of [
      `${ACME}/instances?scope=subtree`,
      `${ACME}/approvals?scope=subtree`,
      `${ACME}/events?scope=subtree`,
    ]) {
      const answer = await alone.get(path, { accept: "application/json" });
      expect([path, answer.status, codeOf(answer)]).toEqual([path, 403, "forbidden"]);
    }
    const swept = await alone.request("DELETE", `${ACME}/instances?scope=subtree&status=complete`);
    expect(swept.status).toBe(403);
    // A token of the agent would read the subtree.
    expect((await alone.post(`${ACME}/stream-tokens`, {})).status).toBe(403);
    expect((await alone.get(`${ACME}/sub`)).json()).toEqual({ items: [], nextCursor: null });
  });

  test("is shown as far as it is reached", async () => {
    const child = await ofKey("child", ACME, `${ACME}/sub/bench/c`);
    const { items } = (await child.get(`${ACME}/sub`)).json<{ items: { path: string }[] }>();
    expect(items.map(({ path }) => path)).toEqual([`${ACME}/sub/bench/c`]);
  });

  test("is reached without what is above it", async () => {
    const below = await ofKey("below", `${ACME}/sub/bench/**`);
    expect((await below.get(`${ACME}/sub/bench/b/instances?scope=subtree`)).status).toBe(200);
    expect((await below.get(`${ACME}/sub/bench/b/sub/drawer/d`)).status).toBe(200);
    for (const path of [ACME, `${ACME}/instances`, `${ACME}/instances?scope=subtree`, `${ACME}/sub`])
      expect([path, (await below.get(path)).status]).toEqual([path, 404]);
  });

  test("is not deleted by who reaches the agent alone", async () => {
    const alone = await ofKey("one-bench", `${ACME}/sub/bench/b`);
    expect((await alone.request("DELETE", `${ACME}/sub/bench/b`)).status).toBe(403);
    expect((await gateway.get(`${ACME}/sub/bench/b`)).status).toBe(200);
  });
});

describe("a stream of a key that is revoked", () => {
  test("goes on to its greatest age, and is not opened again", async () => {
    await using hurried = await startGateway("test/fixtures/known/wrangler.jsonc", {
      SWITCHYARD_API_KEY: gateway.key,
      JWKS_URL: "http://127.0.0.1:1/",
      ACCESS_JWKS: '{"keys":[]}',
    });
    await hurried.post(`${ACME}/methods/open`, { motto: "hurried" });
    const { key, id } = await createKey(hurried, { name: "streams", ...READER });
    await using stream = await openStream({ ...hurried, key }, `${ACME}/events`);
    await stream.until("stream.caught-up");
    expect((await hurried.request("DELETE", `/keys/${id}`)).status).toBe(200);
    await stream.until("stream.closing");
    await stream.closed;
    await using again = await openStream({ ...hurried, key }, `${ACME}/events`);
    expect(again.status).toBe(401);
  });
});

/** Runs the command. @returns what it wrote, and its exit code. */
async function runCommand(args: readonly string[], key = gateway.key) {
  const child = spawn(process.execPath, ["scripts/keys.ts", ...args], {
    env: { ...process.env, SWITCHYARD_API_KEY: key, SWITCHYARD_URL: gateway.url.href },
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { out: out.trim(), err, code: child.exitCode };
}

describe("npm run keys", () => {
  test("makes, lists, rotates and revokes a key", async () => {
    const scopes = READER.scopes.flatMap((scope) => ["--scope", scope]);
    const made = await runCommand(["create", "--name", "by-command", ...scopes, "--agents", `${ACME}/**`]);
    expect([made.code, await statusBy(made.out)]).toEqual([0, 200]);
    const [, id = ""] = /by-command \((\w+)\)/.exec(made.err) ?? [];
    expect((await runCommand(["list"])).out.split("\n")).toContainEqual(
      [id, "active", "by-command", READER.scopes.join(","), `${ACME}/**`].join("\t"),
    );
    const rotated = await runCommand(["rotate", id, "--grace", "0"]);
    expect([await statusBy(made.out), await statusBy(rotated.out)]).toEqual([401, 200]);
    expect((await runCommand(["revoke", id])).code).toBe(0);
    expect(await statusBy(rotated.out)).toBe(401);
  });

  test("says what is wrong, and fails", async () => {
    const refused = await runCommand([
      "create",
      "--name",
      "api-key",
      "--scope",
      "agents:read",
      "--agents",
      "/**",
    ]);
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toContain("is a reserved name");
    expect((await runCommand(["list"], "wrong")).err).toContain("Valid credentials are required");
    expect((await runCommand(["make"])).err).toContain("npm run keys -- create");
    expect((await runCommand(["revoke"])).code).toBe(1);
  });
});

describe("the catalogue", () => {
  test("shows the classes that a caller reaches", async () => {
    expect(await shownTo("sees-all", "/**")).toEqual(
      (await gateway.get("/agents"))
        .json<{ agents: { name: string; children: string[] }[] }>()
        .agents.map(({ name, children }) => [name, children]),
    );
    expect(await shownTo("sees-one", ACME)).toEqual([["workshop", []]]);
    expect(await shownTo("sees-bench", `${ACME}/sub/bench/b`)).toEqual([["bench", []]]);
    expect(await shownTo("sees-below", `${ACME}/sub/bench/b/**`)).toEqual([
      ["bench", ["drawer"]],
      ["drawer", ["tool"]],
      ["tool", []],
    ]);
  });
});
