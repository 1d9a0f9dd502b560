import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Name } from "../../src/gateway/contract/names.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { NAUGHTY } from "../support/naughty.ts";
import { eachOf, rawRequest, sendRaw } from "../support/raw-requests.ts";
import { sends } from "../support/received.ts";
import { untilStatus } from "../support/until.ts";

const BYSTANDER = "/agents/workshop/bystander";
const AGENT = "/agents/workshop/naughty-input";
/** Longest text that metadata takes. */
const VALUE = 512;
const KEY = 64;

// Some of these send thousands of requests.
vi.setConfig({ testTimeout: 300_000 });

let gateway: TestGateway;
let before: string[];
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  const { links } = (
    await gateway.post(`${BYSTANDER}/workflows/gated`, {
      params: { timeoutMs: 86_400_000 },
      metadata: { owner: "ada" },
    })
  ).json<{
    links: { self: string };
  }>();
  await untilStatus(() => gateway.get(links.self), "waiting");
  before = await everythingOf(BYSTANDER);
});
afterAll(async () => {
  await gateway.harness.close();
});

const everythingOf = async (agent: string): Promise<string[]> =>
  Promise.all(
    ["instances", "approvals", "events", "sub"].map(
      async (what) => (await gateway.get(`${agent}/${what}`, { accept: "application/json" })).text,
    ),
  );

/** Asks with each of the strings. @returns what went wrong, also if something of somebody else's changed. */
async function faultsOf(ask: (text: string) => Promise<string | undefined>): Promise<string[]> {
  // Files of which these strings speak, and a key that is reserved.
  sends("/tmp/blns.", "file:///etc/passwd");
  const odd = await eachOf(NAUGHTY, async (text) => {
    const fault = await ask(text);
    return fault === undefined ? [] : [`${JSON.stringify(text)}: ${fault}`];
  });
  const after = await everythingOf(BYSTANDER);
  const changed = after.filter((text, at) => text !== before[at]);
  return [...odd.flat(), ...changed.map((text) => `the bystander changed: ${text}`)];
}
/** What a start is answered. It is delayed, so that the engine has nothing to do. */
const start = (body: object) =>
  gateway.post(`${AGENT}/workflows/silent`, { params: { answer: 1 }, delay: 86_400, ...body });

/** How long a text is, as the document and its readers count: in code points. */
const charactersOf = (text: string): number => Array.from(text).length;

test("as the id of an instance each is taken as it is, or refused by the rule of names", async () => {
  const faults = await faultsOf(async (id) => {
    const { status, text } = await start({ id });
    const expected = Name.safeParse(id).success ? [202, 409] : [400];
    return expected.includes(status) ? undefined : text;
  });
  expect(faults).toEqual([]);
});

test("as the name of an agent or a sub-agent each is taken as it is, or refused", async () => {
  const faults = await faultsOf(async (name) => {
    if (name === "" || !name.isWellFormed()) return undefined;
    const part = encodeURIComponent(name);
    const known = Name.safeParse(name).success;
    // The platform's own URL parser takes these two for a way up.
    const statuses = name === "." || name === ".." ? [400, 404, 405] : known ? [200, 201] : [400, 404];
    const made = await gateway.request("PUT", `${AGENT}/sub/bench/${part}`);
    const met = await gateway.post(`/agents/workshop/${part}/methods/open`, { motto: name });
    const odd = [made, met].find(
      ({ status }) => !statuses.includes(status) && !(name.startsWith("/") && status === 404),
    );
    if (odd !== undefined) return `${odd.status} ${odd.text}`;
    if (!known) return undefined;
    const { name: shown } = (await gateway.get(`/agents/workshop/${part}`)).json<{ name: string }>();
    return shown === name ? undefined : `is shown as ${shown}`;
  });
  expect(faults).toEqual([]);
});

test("as a value of metadata each comes back as it was, or is refused for its length", async () => {
  const faults = await faultsOf(async (value) => {
    const metadata = { owner: value };
    const answer = await start({ metadata });
    if (charactersOf(value) > VALUE) return answer.status === 400 ? undefined : answer.text;
    if (answer.status !== 202) return answer.text;
    const { links } = answer.json<{ links: { self: string } }>();
    const shown = (await gateway.get(links.self)).json<{ metadata: object }>().metadata;
    return JSON.stringify(shown) === JSON.stringify(metadata) ? undefined : JSON.stringify(shown);
  });
  expect(faults).toEqual([]);
});

test("as a key of metadata each comes back as it was, or is refused", async () => {
  const faults = await faultsOf(async (key) => {
    const metadata = Object.fromEntries([[key, "value"]]);
    const answer = await start({ metadata });
    if (key === "" || charactersOf(key) > KEY) return answer.status === 400 ? undefined : answer.text;
    if (answer.status !== 202) return answer.text;
    const { links } = answer.json<{ links: { self: string } }>();
    const shown = (await gateway.get(links.self)).json<{ metadata: object }>().metadata;
    return JSON.stringify(shown) === JSON.stringify(metadata) ? undefined : JSON.stringify(shown);
  });
  expect(faults).toEqual([]);
});

test("as a label that is looked for each finds what has it, and nothing else", async () => {
  const faults = await faultsOf(async (value) => {
    if (charactersOf(value) > VALUE || !value.isWellFormed()) return undefined;
    const filter = encodeURIComponent(JSON.stringify({ owner: value }));
    const answer = await gateway.get(`${AGENT}/instances?metadata=${filter}&limit=100`);
    if (answer.status !== 200) return answer.text;
    const { items } = answer.json<{ items: { metadata: { owner: string } }[] }>();
    const others = items.filter(({ metadata }) => metadata.owner !== value);
    return items.length > 0 && others.length === 0
      ? undefined
      : `finds ${items.length}, ${others.length} of others`;
  });
  expect(faults).toEqual([]);
});

test("as a reason, and in what goes along with it, none fails", async () => {
  const faults = await faultsOf(async (reason) => {
    const body = { reason, metadata: { signature: reason, [`k${reason}`]: reason } };
    const { status, text } = await gateway.post(`${AGENT}/instances/none/reject`, body);
    return status === 404 || status === 400 ? undefined : text;
  });
  expect(faults).toEqual([]);
});

test("as a cursor, a status, a scope or a time none is taken", async () => {
  const lists = [
    "instances?cursor=",
    "approvals?cursor=",
    "events?after=",
    "events?from=",
    "sub?cursor=",
    "instances?status=",
    "instances?scope=",
    "instances?createdFrom=",
    "instances?metadata=",
  ];
  const faults = await faultsOf(async (text) => {
    const part = encodeURIComponent(text.toWellFormed());
    for (const list of lists) {
      const answer = await gateway.get(`${AGENT}/${list}${part}`, { accept: "application/json" });
      // JSON of no label is a filter that all pass.
      const fits =
        answer.status === 400 ||
        answer.status === 414 ||
        (answer.status === 200 && list.endsWith("metadata=") && text === "{}");
      if (!fits) return `${list} ${answer.status} ${answer.text}`;
    }
    const audit = await gateway.get(`/audit?cursor=${part}`);
    // A log without entries has made no cursor, and has nothing to go on with.
    const nothing = audit.text === '{"items":[],"nextCursor":null}';
    return audit.status === 400 || nothing ? undefined : audit.text;
  });
  expect(faults).toEqual([]);
});

test("in any header none fails, and none is shown to others", async () => {
  const headers = [
    "x-request-id",
    "idempotency-key",
    "prefer",
    "if-match",
    "last-event-id",
    "accept",
    "traceparent",
    "origin",
    "content-type",
    "authorization",
    "cookie",
    "x-forwarded-for",
  ];
  const faults = await faultsOf(async (text) => {
    // A line break ends a header, and NUL a request: those are the platform's to refuse.
    const value = Buffer.from(text.replaceAll(/[\r\n\0]/g, " "))
      .toString("latin1")
      .slice(0, 1_000);
    const sent = Object.fromEntries(
      headers.map((name) => [name, name === "authorization" ? `Bearer ${gateway.key}` : value]),
    );
    for (const path of [`${AGENT}/instances`, `${AGENT}/events`]) {
      const { status, body } = await sendRaw(
        gateway.url,
        rawRequest("GET", path, { ...sent, accept: "application/json" }),
      );
      if (status >= 500 || status === 0) return `${status} ${body}`;
    }
    const { status, body } = await sendRaw(
      gateway.url,
      rawRequest("GET", AGENT, { ...sent, authorization: value }),
    );
    return status === 401 || status === 400 ? undefined : `${status} ${body}`;
  });
  expect(faults).toEqual([]);
});
