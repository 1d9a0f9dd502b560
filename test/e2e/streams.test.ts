import { get } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { openSlowly } from "../support/slow-reader.ts";
import { eventsIn, openStream, type Received } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

interface Started {
  links: { self: string; events: string };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const start = async (agent: string, workflow: string, params: object): Promise<Started> =>
  (await gateway.post(`${agent}/workflows/${workflow}`, { params })).json<Started>();
const rootOf = (agent: string): string => agent.replace(/\/sub.*/, "");
const inside = async (agent: string) =>
  (await gateway.post(`${agent}/methods/inside`, {})).json<{ sockets: number; connections: number }>();
const idsOf = (received: readonly Received[]) => eventsIn(received).map(({ id }) => id);

/** Reads an instance to its end from where a reader is, however often it is told to come back. */
async function readToEnd(path: string, read: readonly Received[]): Promise<Received[]> {
  const all = [...read];
  while (all.at(-1)?.event !== "stream.end") {
    await using stream = await openStream(gateway, path, { "last-event-id": all.at(-1)?.id ?? "" });
    expect(stream.status).toBe(200);
    await stream.closed;
    all.push(...stream.received);
  }
  return all;
}

describe.each(["/agents/workshop/slow", "/agents/workshop/slow/sub/bench/b"])("%s", (agent) => {
  test("nothing is held for a reader that does not read, nobody else notices, and later it gets every event once", async () => {
    const events = 300;
    const job = await start(agent, "flood", { events, characters: 100_000 });
    const [late, never] = [
      await openSlowly(gateway, job.links.events),
      await openSlowly(gateway, job.links.events),
    ];
    await Promise.all([late.stopAt("stream.caught-up"), never.stopAt("stream.caught-up")]);
    await using quick = await openStream(gateway, job.links.events);
    await quick.until("stream.caught-up");
    await gateway.post(`${job.links.self}/approve`, {});
    await quick.closed;

    const numbers = quick.received.flatMap(({ data }) => data.data?.["progress"] ?? []) as { n: number }[];
    expect(numbers.map(({ n }) => n)).toEqual(Array.from({ length: events }, (_, at) => at + 1));
    expect(quick.received.filter(({ event }) => event === "stream.closing")).toEqual([]);
    // Nobody reads, and nothing is kept for them: neither a socket nor what it would bring.
    await until(
      () => inside(rootOf(agent)),
      ({ sockets }) => sockets === 0,
    );
    never.leave();
    await late.readOn();
    for (const reader of [late, never]) {
      const all = await readToEnd(job.links.events, reader.received);
      expect(idsOf(all)).toEqual(idsOf(quick.received));
    }
  });
});

describe.each(["/agents/workshop/left", "/agents/workshop/left/sub/bench/b"])("%s", (agent) => {
  test("readers who leave, at whatever moment, leave nothing behind", async () => {
    const job = await start(agent, "flood", { events: 300, characters: 10_000 });
    await gateway.post(`${job.links.self}/approve`, {});
    await untilStatus(() => gateway.get(job.links.self), "complete");
    // During the request, the replay, the opening of the tail, and after it: nobody waits for anything.
    const readers = Array.from({ length: 40 }, async (_, n) => {
      const request = get(new URL(`${agent}/events`, gateway.url), {
        agent: false,
        headers: { authorization: `Bearer ${gateway.key}` },
      });
      request.on("response", (response) => response.resume().on("error", () => {}));
      request.on("error", () => {});
      await new Promise((resume) => setTimeout(resume, n * 10));
      request.destroy();
    });
    await Promise.all(readers);
    // That a client has left shows at the latest when there is something to be sent to it.
    const left = await until(
      async () => {
        await start(agent, "silent", { answer: 1 });
        return [await inside(rootOf(agent)), await inside(agent)];
      },
      (both) => both.every(({ sockets, connections }) => sockets + connections === 0),
    );
    expect(left).toHaveLength(2);
  });
});

describe("an answer that is held", () => {
  test.each([
    ["until an instance has ended", "end", ""],
    ["until there is an event", "news", "/events"],
  ])(
    "%s lets go of its agent as soon as the client has left",
    { timeout: 40_000 },
    async (_, name, below) => {
      const agent = `/agents/workshop/held-${name}`;
      const job = await start(agent, "gated", {});
      await untilStatus(() => gateway.get(job.links.self), "waiting");
      const page = await gateway.get(job.links.events, { accept: "application/json" });
      const path = `${job.links.self}${below}${below && `?after=${page.json<{ nextCursor: string }>().nextCursor}`}`;
      const before = await gateway.post(`${agent}/methods/leave`, { path, key: gateway.key });
      expect(before.json()).toMatchObject({ sockets: 1 });
      const after = await until(
        () => inside(agent),
        ({ sockets }) => sockets === 0,
      );
      expect(after.connections).toBe(0);
    },
  );
});
