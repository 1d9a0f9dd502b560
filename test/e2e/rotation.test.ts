import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONFIG, makeLink, submit, visit, waiting } from "../support/links.ts";
import { type Runtime, startRuntime } from "../support/runtime.ts";

const AGENT = "/agents/workshop/rotation";
const OLD = `2026-01:${Buffer.alloc(32, 1).toString("base64")}`;
const NEW = `2026-07:${Buffer.alloc(32, 2).toString("base64")}`;

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "rotation-"));
});
afterAll(() => rm(storage, { recursive: true, force: true }));

const start = (keys: string | undefined): Promise<Runtime> =>
  startRuntime(CONFIG, storage, keys === undefined ? {} : { SWITCHYARD_SIGNING_KEYS: keys });
/** The same path on another gateway, which has another port. */
const on = ({ url }: Runtime, link: string): string => new URL(new URL(link).pathname, url).href;
const keyOf = (token: string): unknown =>
  (JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as { kid?: unknown }).kid;

test("links and stream tokens outlive the key that signed them, for as long as it is listed", async () => {
  let old: { url: string; token: string };
  let unused: { url: string };
  let approval: string;
  let stream: string;
  {
    await using runtime = await start(OLD);
    ({ approval } = await waiting(runtime, AGENT));
    old = await makeLink(runtime, approval);
    unused = await makeLink(runtime, approval);
    stream = (await runtime.post(`${AGENT}/stream-tokens`, { ttlSeconds: 900 })).json<{ url: string }>().url;
    expect(keyOf(old.token)).toBe("2026-01");
  }
  {
    await using runtime = await start(`${NEW},${OLD}`);
    const fresh = await makeLink(runtime, approval);
    expect(keyOf(fresh.token)).toBe("2026-07");
    expect((await visit(on(runtime, fresh.url))).status).toBe(200);
    expect((await visit(on(runtime, old.url))).status).toBe(200);
    const events = await visit(new URL(stream, runtime.url), { headers: { accept: "application/json" } });
    expect(events.status).toBe(200);
  }
  {
    await using runtime = await start(NEW);
    expect((await visit(on(runtime, old.url))).status).toBe(404);
    expect((await visit(new URL(stream, runtime.url))).status).toBe(401);
  }
  {
    await using runtime = await start(`${NEW} ${OLD}`);
    expect((await submit(on(runtime, old.url), { decision: "approve" })).status).toBe(200);
    expect((await runtime.get(approval)).json()).toMatchObject({ status: "approved", decidedBy: "ada" });
    expect((await visit(on(runtime, unused.url))).text).toContain("Approved");
  }
});

test("keys that are none are a mistake that is told, and nothing is signed with another", async () => {
  await using runtime = await start("2026-07:hunter2");
  const { approval } = await waiting(runtime, AGENT);
  const refused = await runtime.post(`${approval}/links`, { for: "ada" });
  expect(refused.status).toBe(503);
  expect(refused.json()).toMatchObject({
    code: "gateway_not_configured",
    detail: expect.stringContaining("SWITCHYARD_SIGNING_KEYS"),
  });
  expect(refused.text).not.toContain("hunter2");
  const page = await visit(new URL("/approvals/a.b.c", runtime.url));
  expect(page.status).toBe(503);
  expect(page.text).toContain("SWITCHYARD_SIGNING_KEYS");
});
