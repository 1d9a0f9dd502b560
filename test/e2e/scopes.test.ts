import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream, type StreamReader } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

interface Event {
  id: string;
  type: string;
  agent: string;
  instanceId?: string;
  workflow?: string;
}
interface Page {
  items: Event[];
  nextCursor: string;
  ended: boolean;
  gap: boolean;
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const JSON_PAGE = { accept: "application/json" };
const page = async (address: string): Promise<Page> => {
  const answer = await gateway.get(address, JSON_PAGE);
  expect(answer.status, answer.text).toBe(200);
  return answer.json<Page>();
};
/** Everything that is kept, page by page. */
async function kept(address: string, limit = 100): Promise<Event[]> {
  const events: Event[] = [];
  let after = "";
  for (;;) {
    const next = await page(
      `${address}${address.includes("?") ? "&" : "?"}limit=${limit}${after && `&after=${after}`}`,
    );
    events.push(...next.items);
    if (next.items.length === 0) return events;
    after = next.nextCursor;
  }
}
const run = async (agent: string, workflow: string, params: object, id: string): Promise<string> => {
  const answer = await gateway.post(`${agent}/workflows/${workflow}`, { params, id });
  expect(answer.status, answer.text).toBe(202);
  return `${agent}/instances/${id}`;
};
const shown = ({ agent, type, instanceId }: Event): string => `${agent} ${instanceId ?? ""} ${type}`;
const journalEvents = (stream: StreamReader): Event[] =>
  stream.received
    .filter(({ event }) => !event?.startsWith("stream."))
    .map(({ data }) => data as unknown as Event);
const without = (event: Event): object => ({ ...event, id: "" });

describe("the stream of a subtree", () => {
  const root = "/agents/workshop/scopes";
  const bench = `${root}/sub/bench/b`;
  const tool = `${bench}/sub/drawer/d/sub/tool/t`;
  const AGENTS = [root, bench, tool];

  test("tells of all below, live and kept alike, each event once, those of one agent in order", async () => {
    await run(bench, "silent", { answer: 1 }, "before");
    await untilStatus(() => gateway.get(`${bench}/instances/before`), "complete");
    await using stream = await openStream(gateway, `${root}/events?scope=subtree`);
    await stream.until("stream.caught-up");
    for (const agent of AGENTS) {
      const self = await run(agent, "gated", {}, "gate");
      await untilStatus(() => gateway.get(self), "waiting");
      await gateway.post(`${self}/approve`, {});
      await untilStatus(() => gateway.get(self), "complete");
    }
    const owns = await Promise.all(AGENTS.map((agent) => kept(`${agent}/events`)));
    await until(
      async () => journalEvents(stream).length,
      (count) => count >= owns.flat().length,
    );
    const live = journalEvents(stream);
    for (const [at, agent] of AGENTS.entries()) {
      expect(live.filter((event) => event.agent === agent).map(without)).toEqual(owns[at]?.map(without));
    }
    expect(live).toHaveLength(owns.flat().length);
    expect(await kept(`${root}/events?scope=subtree`, 7)).toEqual(live);

    // An agent in between tells of what is below it, and only of that.
    const below = await kept(`${bench}/events?scope=subtree`);
    expect(new Set(below.map(({ agent }) => agent))).toEqual(new Set([bench, tool]));
    expect(below.map(without)).toEqual(live.filter(({ agent }) => agent !== root).map(without));
    const drawer = tool.replace("/sub/tool/t", "");
    expect((await kept(`${drawer}/events?scope=subtree`)).map(without)).toEqual(owns[2]?.map(without));
    expect(await kept(`${drawer}/events`)).toEqual([]);
  });

  test("is resumed after any of its events, and refuses no cursor of another list but says what it missed", async () => {
    const all = await kept(`${root}/events?scope=subtree`);
    for (const place of [0, 3, all.length - 2]) {
      await using stream = await openStream(gateway, `${root}/events?scope=subtree`, {
        "last-event-id": all[place]?.id ?? "",
      });
      await stream.until("stream.caught-up");
      expect(journalEvents(stream)).toEqual(all.slice(place + 1));
    }
    const [own] = await kept(`${root}/events`);
    const other = await page(`${root}/events?scope=subtree&after=${own?.id}&limit=1`);
    expect([other.gap, other.items]).toEqual([true, all.slice(0, 1)]);
  });

  test("goes on when the Agent dies, and loses nothing that came meanwhile", async () => {
    await using stream = await openStream(gateway, `${root}/events?scope=subtree&from=now`);
    await stream.until("stream.caught-up");
    const self = await run(tool, "gated", { timeoutMs: 600_000 }, "through-a-crash");
    await untilStatus(() => gateway.get(self), "waiting");
    await gateway.post(`${root}/methods/crash`, {}).catch(() => undefined);
    await until(
      () => gateway.post(`${self}/approve`, {}),
      ({ status }) => status === 200,
    );
    await stream.until("instance.completed");
    const own = (await kept(`${tool}/events`)).filter(({ instanceId }) => instanceId === "through-a-crash");
    expect(journalEvents(stream).map(without)).toEqual(own.map(without));
  });

  test("forgets an instance that is deleted, and a sub-agent that is gone", async () => {
    await gateway.request("DELETE", `${tool}/instances/through-a-crash`);
    await gateway.request("DELETE", `${root}/instances/gate`);
    await until(
      () => kept(`${root}/events?scope=subtree`),
      (events) =>
        !events.some(
          ({ instanceId, agent }) =>
            instanceId === "through-a-crash" || (agent === root && instanceId === "gate"),
        ),
    );
    expect((await kept(`${root}/events?scope=subtree`)).some(({ agent }) => agent === tool)).toBe(true);
    await gateway.request("DELETE", `${bench}/sub/drawer/d`);
    await until(
      () => kept(`${root}/events?scope=subtree`),
      (events) => !events.some(({ agent }) => agent === tool),
    );
    expect((await kept(`${root}/events?scope=subtree`)).some(({ agent }) => agent === bench)).toBe(true);
  });
});

describe("filters", () => {
  const agent = "/agents/workshop/filtered/sub/bench/b";
  let gate: string;
  beforeAll(async () => {
    for (const n of [1, 2, 3]) {
      await run(agent, "silent", { answer: n }, `s-${n}`);
      await untilStatus(() => gateway.get(`${agent}/instances/s-${n}`), "complete");
    }
    gate = await run(agent, "gated", { timeoutMs: 600_000 }, "gate");
    await untilStatus(() => gateway.get(gate), "waiting");
  });

  test.each([
    ["type=instance.completed", ["s-1", "s-2", "s-3"]],
    ["type=instance.completed&type=approval.requested", ["s-1", "s-2", "s-3", "gate"]],
    ["workflow=gated&type=instance.queued", ["gate"]],
    ["workflow=chatty", []],
  ])("%s: these events, as pages and as a stream", async (query, ids) => {
    for (const scope of ["self", "subtree"]) {
      const address = `${agent}/events?${query}&scope=${scope}`;
      expect((await kept(address, 2)).map(({ instanceId }) => instanceId)).toEqual(ids);
      await using stream = await openStream(gateway, address);
      await stream.until("stream.caught-up");
      expect(journalEvents(stream).map(({ instanceId }) => instanceId)).toEqual(ids);
    }
  });

  test("hold for what is live, and the stream of an instance ends also if its end is filtered out", async () => {
    await using progress = await openStream(gateway, `${gate}/events?type=approval.decided`);
    await using started = await openStream(gateway, `${agent}/events?type=approval.decided&from=now`);
    await Promise.all([progress.until("stream.caught-up"), started.until("stream.caught-up")]);
    await gateway.post(`${gate}/approve`, {});
    await progress.closed;
    expect(progress.received.map(({ event }) => event)).toEqual([
      "stream.caught-up",
      "approval.decided",
      "stream.end",
    ]);
    await started.until("approval.decided");
    expect(journalEvents(started).map(shown)).toEqual([`${agent} gate approval.decided`]);
    // Whoever comes back after the end is told that there is nothing more.
    const last = progress.received.at(-1)?.id ?? "";
    expect(
      (await openStream(gateway, `${gate}/events?type=approval.decided`, { "last-event-id": last })).status,
    ).toBe(204);
  });

  test("from=now begins with what is to come; a cursor in from is one", async () => {
    const now = await page(`${agent}/events?from=now`);
    expect(now.items).toEqual([]);
    expect((await page(`${agent}/events?after=${now.nextCursor}`)).items).toEqual([]);
    const all = await kept(`${agent}/events`);
    expect(await kept(`${agent}/events?from=start`)).toEqual(all);
    expect((await page(`${agent}/events?from=${all[1]?.id}&limit=1`)).items).toEqual(all.slice(2, 3));
  });

  test.each(["type=nothing", "scope=all", "from=yesterday", "type=stream.end"])(
    "%s is a 400",
    async (query) => {
      expect((await gateway.get(`${agent}/events?${query}`, JSON_PAGE)).status).toBe(400);
    },
  );
});
