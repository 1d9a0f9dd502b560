import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import {
  type Link,
  makeLink,
  send,
  shownIn,
  startWithSenders,
  submit,
  visit,
  waiting,
} from "../support/links.ts";
import { untilStatus } from "../support/until.ts";

const AGENT = "/agents/workshop/links";
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startWithSenders();
});
afterAll(() => gateway.harness.close());

const linksOf = async (approval: string): Promise<Link[]> =>
  (await gateway.get(`${approval}/links`)).json<{ items: Link[] }>().items;

describe("a link", () => {
  test("is made, shown without its token, opened, used, and used up", async () => {
    const { self, approval } = await waiting(gateway, AGENT);
    const link = await makeLink(gateway, approval, { for: "Ada Lovelace" });
    expect(link).toMatchObject({
      for: "Ada Lovelace",
      decisions: ["approve", "reject"],
      status: "open",
      createdBy: "api-key",
      usedAt: null,
      url: `${gateway.url.origin}/approvals/${link.token}`,
    });
    const listed = await linksOf(approval);
    expect(listed).toMatchObject([{ id: link.id, status: "open" }]);
    expect(JSON.stringify(listed)).not.toContain(link.token);

    const page = await visit(link.url);
    expect(page.status).toBe(200);
    expect(page.text).toContain("Open first?");
    expect(page.text).toContain("Ada Lovelace");
    const decided = await submit(link.url, { decision: "approve", reason: "it is fine" });
    expect(decided.status).toBe(200);
    expect(decided.text).toContain("Approved");

    expect((await gateway.get(approval)).json()).toMatchObject({
      status: "approved",
      decidedBy: "Ada Lovelace",
      decidedVia: "link",
      reason: "it is fine",
      shown: shownIn(page.text),
    });
    await untilStatus(() => gateway.get(self), "complete");
    expect(await linksOf(approval)).toMatchObject([{ id: link.id, status: "used" }]);
    expect((await visit(link.url)).status).toBe(404);
    expect((await send(link.url, { decision: "reject", shown: "x" })).status).toBe(404);
  });

  test("decides only what it may, and shows only that", async () => {
    const { approval } = await waiting(gateway, AGENT);
    const link = await makeLink(gateway, approval, { for: "ada", decisions: ["reject"] });
    const { text } = await visit(link.url);
    expect(text).toContain('value="reject"');
    expect(text).not.toContain('value="approve"');
    expect((await submit(link.url, { decision: "approve" })).status).toBe(404);
    expect((await gateway.get(approval)).json()).toMatchObject({ status: "pending" });
    expect((await submit(link.url, { decision: "reject" })).status).toBe(200);
    expect((await gateway.get(approval)).json()).toMatchObject({ status: "rejected", decidedBy: "ada" });
  });

  test("of a sub-agent decides there", async () => {
    const agent = `${AGENT}/sub/bench/one`;
    expect((await gateway.request("PUT", agent)).status).toBe(201);
    const { approval } = await waiting(gateway, agent);
    const { url } = await makeLink(gateway, approval);
    expect((await visit(url)).text).toContain(agent);
    expect((await submit(url, { decision: "approve" })).status).toBe(200);
    expect((await gateway.get(approval)).json()).toMatchObject({ status: "approved", decidedVia: "link" });
  });

  test("that is still good shows what stands once somebody else has decided", async () => {
    const { approval } = await waiting(gateway, AGENT);
    const { url } = await makeLink(gateway, approval);
    const { text: before } = await visit(url);
    await gateway.post(`${approval}/reject`, { reason: "too early" });
    const after = await visit(url);
    expect(after.status).toBe(200);
    expect(after.text).toContain("Rejected");
    expect(after.text).toContain("too early");
    expect(after.text).not.toContain("<button");
    const late = await send(url, { decision: "approve", shown: shownIn(before) });
    expect(late.status).toBe(409);
    expect(late.text).toContain("The approval is closed");
    expect(late.text).toContain("too early");
  });

  test("is revoked once and for all", async () => {
    const { approval } = await waiting(gateway, AGENT);
    const link = await makeLink(gateway, approval);
    const revoke = () => gateway.request("DELETE", `${approval}/links/${link.id}`);
    const revoked = await revoke();
    expect(revoked.json()).toMatchObject({ id: link.id, status: "revoked" });
    expect((await revoke()).json()).toEqual(revoked.json());
    expect((await visit(link.url)).status).toBe(404);
    const unknown = `${approval}/links/lnk_00000000-0000-0000-0000-000000000000`;
    expect((await gateway.request("DELETE", unknown)).json()).toMatchObject({ code: "link_not_found" });
  });

  test("is refused to a closed approval, beyond the deadline, in the past, and with a name that cannot be shown", async () => {
    const { approval } = await waiting(gateway, AGENT);
    const make = (body: object) => gateway.post(`${approval}/links`, body);
    const { deadline } = (await gateway.get(approval)).json<{ deadline: string }>();
    const at = (ms: number) => new Date(Date.parse(deadline) + ms).toISOString();
    for (const [body, pointer] of [
      [{ for: "ada", expiresAt: at(1) }, "/expiresAt"],
      [{ for: "ada", ttlSeconds: 3_600 }, "/ttlSeconds"],
      [{ for: "ada", expiresAt: "2020-01-01T00:00:00Z" }, "/expiresAt"],
      [{ for: "ada", expiresAt: at(-1_000), ttlSeconds: 5 }, "/ttlSeconds"],
      [{ for: " " }, "/for"],
      [{ for: "a\u202Eb" }, "/for"],
      [{}, "/for"],
      [{ for: "ada", decisions: [] }, "/decisions"],
      [{ for: "ada", decisions: ["delegate"] }, "/decisions/0"],
    ] as const) {
      const answer = await make(body);
      expect(answer.status, JSON.stringify(body)).toBe(400);
      expect(answer.json<{ errors: { pointer: string }[] }>().errors[0]?.pointer).toBe(pointer);
    }
    const { expiresAt } = (await make({ for: "ada" })).json<Link>();
    expect(Date.parse(deadline) - Date.parse(expiresAt)).toBeLessThan(1_000);
    await gateway.post(`${approval}/approve`, {});
    const late = await make({ for: "ada" });
    expect(late.status).toBe(409);
    expect(late.json()).toMatchObject({ code: "approval_closed", decision: { status: "approved" } });
  });

  test("is one of fifty at most, and a repeat under one key is the same", async () => {
    const { approval } = await waiting(gateway, AGENT);
    const once = () => gateway.post(`${approval}/links`, { for: "ada" }, { "idempotency-key": "k" });
    const [first, again] = [await once(), await once()];
    expect(again.json()).toEqual(first.json());
    for (let n = 1; n < 50; n += 1) await makeLink(gateway, approval);
    const tooMany = await gateway.post(`${approval}/links`, { for: "ada" });
    expect(tooMany.status).toBe(409);
    expect(tooMany.json()).toMatchObject({ code: "too_many_links" });
    await gateway.request("DELETE", `${approval}/links/${first.json<Link>().id}`);
    await makeLink(gateway, approval);
    expect(await linksOf(approval)).toHaveLength(51);
  });

  test("does nothing while its instance is paused", async () => {
    const { self, approval } = await waiting(gateway, AGENT);
    const { url } = await makeLink(gateway, approval);
    await gateway.post(`${self}/pause`, {});
    await untilStatus(() => gateway.get(self), "paused");
    const paused = await submit(url, { decision: "approve", reason: "kept" });
    expect(paused.status).toBe(409);
    expect(paused.text).toContain("The instance is paused");
    expect(paused.text).toContain("kept</textarea>");
    await gateway.post(`${self}/resume`, {});
    await untilStatus(() => gateway.get(self), "waiting");
    expect((await submit(url, { decision: "approve" })).status).toBe(200);
  });

  test("decides what was shown, and shows anew what has changed", async () => {
    const { approval } = await waiting(gateway, AGENT);
    const { url } = await makeLink(gateway, approval);
    const stale = createHash("sha256").update("another question").digest("base64url");
    const changed = await send(url, { decision: "approve", shown: stale });
    expect(changed.status).toBe(409);
    expect(changed.text).toContain("What is asked has changed");
    expect((await gateway.get(approval)).json()).toMatchObject({ status: "pending" });
    const decided = await send(url, { decision: "approve", shown: shownIn(changed.text) });
    expect(decided.status).toBe(200);
  });
});

test("links are made under the origin that a gateway is given", async () => {
  await using other = await startGateway("test/fixtures/crowded/wrangler.jsonc");
  const { approval } = await waiting(other, AGENT);
  const { url, token } = await makeLink(other, approval);
  expect(url).toBe(`https://workshop.test/approvals/${token}`);
  expect((await visit(new URL(new URL(url).pathname, other.url))).status).toBe(200);
});

/** What of an answer may differ between two that are alike. */
const VARYING = ["date", "traceparent", "x-request-id"];

function alike({ status, headers, text }: Answer) {
  return { status, text, headers: [...headers].filter(([name]) => !VARYING.includes(name)) };
}

test("links that are wrong, expired, used or revoked, or lead to nothing, cannot be told apart", async () => {
  const { approval } = await waiting(gateway, AGENT, "gated", { gates: ["first"] });
  const short = await makeLink(gateway, approval, { for: "ada", ttlSeconds: 1 });
  const revoked = await makeLink(gateway, approval);
  await gateway.request("DELETE", `${approval}/links/${revoked.id}`);
  const used = await makeLink(gateway, approval);
  const { text } = await visit(used.url);
  const good = await makeLink(gateway, (await waiting(gateway, AGENT)).approval);
  expect(good.token[0]).toBe("e");
  const other = await waiting(gateway, AGENT);
  const gone = await makeLink(gateway, other.approval);
  await gateway.post(`${other.self}/terminate`, {});
  await untilStatus(() => gateway.get(other.self), "terminated");
  await gateway.request("DELETE", other.self);
  await submit(used.url, { decision: "approve" });
  const base = `${gateway.url.origin}/approvals/`;
  const [head, , signature] = used.token.split(".");
  const urls = [
    used.url,
    revoked.url,
    short.url,
    gone.url,
    `${base}x`,
    `${base}a.b.c`,
    `${base}${used.token.slice(0, -2)}AA`,
    `${base}${head}.e30.${signature}`,
    `${base}%00`,
    `${base}%zz`,
    `${base}%E0%A4%A`,
    `${base}x/y`,
    // As a mail program may cut it out of a sentence, and spelled in another way.
    `${good.url},`,
    `${good.url}=`,
    `${good.url}/`,
    `${base}%65${good.token.slice(1)}`,
  ];
  await waitUntil(short.expiresAt);
  const form = { shown: shownIn(text), decision: "reject" };
  for (const look of [
    (url: string) => visit(url),
    (url: string) => visit(url, { method: "HEAD" }),
    (url: string) => send(url, form),
    (url: string) => send(url, {}),
    (url: string) =>
      visit(url, { method: "POST", body: "{}", headers: { "content-type": "application/json" } }),
  ]) {
    const [first, ...others] = await Promise.all(urls.map(async (url) => alike(await look(url))));
    expect(first?.status).toBe(404);
    for (const [at, one] of others.entries()) expect(one, urls[at + 1]).toEqual(first);
  }
});

async function waitUntil(moment: string): Promise<void> {
  while (Date.now() < Date.parse(moment)) await new Promise((resume) => setTimeout(resume, 50));
}

const STRICT = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-robots-tag": "noindex, nofollow",
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
};

test("every answer of the page is kept from caches, frames and search engines, and may run nothing", async () => {
  const { approval } = await waiting(gateway, AGENT);
  const { url } = await makeLink(gateway, approval);
  const answers = [
    await visit(url),
    await visit(`${url}x`),
    await visit(url, { method: "OPTIONS" }),
    await visit(`${gateway.url.origin}/approvals/x/y`),
    await send(url, {}),
    await send(url, { reason: "r".repeat(70_000) }),
    await visit(url, { method: "POST", body: "x" }),
    await submit(url, { decision: "approve" }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 404, 405, 404, 400, 413, 415, 200]);
  for (const { headers, text } of answers) {
    expect(Object.fromEntries(headers)).toMatchObject(STRICT);
    const policy = headers.get("content-security-policy") ?? "";
    const [, style] = /<style>([^<]*)<\/style>/.exec(text) ?? [];
    const hash = createHash("sha256")
      .update(style ?? "")
      .digest("base64");
    expect(style === undefined || policy.includes(`style-src 'sha256-${hash}'`)).toBe(true);
    for (const rule of [
      "default-src 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      expect(policy.split("; ")).toContain(rule);
    expect(text).not.toMatch(/<script|\son\w+=|style=|javascript:/i);
  }
});

test("looking never decides: 2,000 looks by fetchers and bots change nothing", async () => {
  const { self, approval } = await waiting(gateway, AGENT);
  const { url } = await makeLink(gateway, approval);
  const storage = await gateway.harness.getWorker().getDurableObjectStorage("WORKSHOP", { name: "links" });
  const tables = ["approvals", "links", "events", "answers", "audit", "outbox", "instances"];
  const kept = async () =>
    Promise.all([
      gateway.get(approval),
      gateway.get(`${approval}/links`),
      gateway.get(self),
      gateway.get(`${AGENT}/events`, { accept: "application/json" }),
      ...tables.map((table) => storage.exec(`SELECT count(*) AS n FROM switchyard_${table}`)),
    ]).then((all) => all.map((one) => ("text" in one ? one.text : one)));
  const before = await kept();
  const who: Record<string, string>[] = [
    { "sec-purpose": "prefetch" },
    { "sec-purpose": "prefetch;prerender" },
    { purpose: "prefetch" },
    { "x-moz": "prefetch" },
    { "user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)" },
    { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" },
    { "user-agent": "facebookexternalhit/1.1" },
    { "user-agent": "BarracudaCentral link check" },
    {},
  ];
  const methods = ["GET", "HEAD", "OPTIONS", "GET"];
  const statuses = new Map<string, number>();
  for (let n = 0; n < 2_000; n += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const method = methods[(n + at) % methods.length] ?? "GET";
        const query = at % 5 === 0 ? "?decision=approve" : "";
        const { status } = await visit(`${url}${query}`, {
          method,
          headers: who[(n + at) % who.length] ?? {},
        });
        const seen = `${method} ${status}`;
        statuses.set(seen, (statuses.get(seen) ?? 0) + 1);
      }),
    );
  }
  expect(Object.fromEntries(statuses)).toEqual({ "GET 200": 1_000, "HEAD 200": 500, "OPTIONS 405": 500 });
  const { text } = await visit(url);
  const ahead = await visit(url, {
    method: "POST",
    headers: { "sec-purpose": "prefetch" },
    body: new URLSearchParams({ decision: "approve", shown: shownIn(text) }),
  });
  expect(ahead.status).toBe(200);
  expect(await kept()).toEqual(before);
  expect((await gateway.get(approval)).json()).toMatchObject({ status: "pending" });
});

const ask = async () => {
  const { approval, self } = await waiting(gateway, AGENT, "permit", {
    summary: "May the crane be used?",
    details: { crane: { tons: 12, checked: true }, lifts: ["steel", "glass"], note: "first\nsecond" },
  });
  return { approval, self, ...(await makeLink(gateway, approval)) };
};

describe("the form", () => {
  const GOOD = {
    "metadata.ticketNumber": "T-1234",
    "metadata.amount": "12.5",
    "metadata.priority": '"high"',
    "metadata.urgent": "true",
  };

  test("has an input for each value of the approval contract, and sends what it takes", async () => {
    const { url, self } = await ask();
    const { text } = await visit(url);
    for (const [label, input] of [
      ["Ticket number", 'type="text"'],
      ["Amount", 'type="number"'],
      ["Days", 'step="1"'],
      ["Urgent", 'type="checkbox"'],
      ["Priority", "<select"],
    ] as const) {
      expect(text).toContain(label);
      expect(text).toContain(input);
    }
    expect(text).toContain("As it stands on the form");
    expect((await submit(url, { decision: "approve", ...GOOD })).status).toBe(200);
    const ended = await untilStatus(() => gateway.get(self), "complete");
    expect(ended.json()).toMatchObject({
      output: { ticketNumber: "T-1234", amount: 12.5, priority: "high", urgent: true },
    });
  });

  test("that does not fit comes back as it was filled in, and says what is wrong where", async () => {
    const { url, approval } = await ask();
    const bad = { ...GOOD, "metadata.ticketNumber": "<T>", "metadata.amount": "-5", "metadata.days": "99" };
    const refused = await submit(url, { decision: "approve", reason: "<b>&", ...bad });
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('value="&lt;T&gt;"');
    expect(refused.text).toContain("&lt;b&gt;&amp;</textarea>");
    expect(refused.text).toMatch(/id="metadata\.amount"[^>]*aria-invalid="true"/);
    expect(refused.text).toContain('href="#metadata.days"');
    expect((await gateway.get(approval)).json()).toMatchObject({ status: "pending" });
    for (const fields of [
      { decision: "perhaps" },
      { decision: "approve", reason: "r".repeat(2_001) },
      { decision: "approve", ...GOOD, shown: "" },
    ]) {
      expect((await submit(url, fields)).status).toBe(400);
    }
    // Characters are counted as they are for everybody else.
    const reason = "\u{1F642}".repeat(2_000);
    expect((await submit(url, { decision: "approve", ...GOOD, reason })).status).toBe(200);
    expect((await gateway.get(approval)).json()).toMatchObject({ reason });
  });

  test("that is none is shown anew, whatever it says", async () => {
    const { url, approval } = await ask();
    const shown = shownIn((await visit(url)).text);
    const body = new TextEncoder().encode(`decision=reject&shown=${shown}`);
    const refused = await visit(url, { method: "POST", body });
    expect(refused.status).toBe(415);
    expect(refused.text).toContain("That was not the form of this page. Nothing was decided.");
    expect(shownIn(refused.text)).toBe(shown);
    expect((await gateway.get(approval)).json()).toMatchObject({ status: "pending" });
  });

  test("rejects without being filled in", async () => {
    const { url, approval } = await ask();
    expect((await submit(url, { decision: "reject" })).status).toBe(200);
    expect((await gateway.get(approval)).json()).toMatchObject({ status: "rejected", metadata: null });
  });
});
