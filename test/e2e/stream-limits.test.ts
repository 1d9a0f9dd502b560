import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { eventsIn, openStream, type Received } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

interface Started {
  links: { self: string; events: string };
}
interface Page {
  items: { id: string }[];
  nextCursor: string;
}

const JSON_PAGE = { accept: "application/json" };

const problem = (detail: RegExp) => ({
  code: "too_many_streams",
  status: 429,
  retryable: true,
  detail: expect.stringMatching(detail),
});

/** What is asked of a gateway here. */
const clientOf = (gateway: TestGateway) => ({
  page: async (path: string): Promise<Page> => (await gateway.get(path, JSON_PAGE)).json<Page>(),
  /** Starts an instance, and waits until it waits. */
  waiting: async (agent: string): Promise<Started> => {
    const job = (await gateway.post(`${agent}/workflows/gated`, { params: {} })).json<Started>();
    await untilStatus(() => gateway.get(job.links.self), "waiting");
    return job;
  },
  approve: (job: Started) => gateway.post(`${job.links.self}/approve`, {}),
  untilOpen: (agent: string, streams: number) =>
    until(
      async () =>
        (await gateway.post(`${agent}/methods/inside`, {})).json<{ connections: number }>().connections,
      (open) => open === streams,
    ),
});

describe("a gateway that closes streams soon", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway("test/fixtures/hurried/wrangler.jsonc");
  });
  afterAll(() => gateway.harness.close());

  const resume = (path: string, read: readonly Received[]) => {
    const id = read.at(-1)?.id;
    return openStream(gateway, path, id === undefined ? {} : { "last-event-id": id });
  };

  test.each(["/agents/workshop/old", "/agents/workshop/old/sub/bench/b"])(
    "says so, and a reader of %s that comes back misses nothing",
    async (agent) => {
      const { page, waiting, approve, untilOpen } = clientOf(gateway);
      const job = await waiting(agent);
      const read: Received[] = [];
      for (const life of [1, 2]) {
        await using stream = await resume(job.links.events, read);
        await stream.closed;
        read.push(...stream.received);
        const [before, last] = read.slice(-2);
        expect(last, `life ${life}`).toMatchObject({
          event: "stream.closing",
          data: { type: "stream.closing" },
        });
        // Its id is that of what was sent last.
        expect(last?.id).toBe(before?.id);
      }
      await untilOpen(agent, 0);
      await approve(job);
      await using stream = await resume(job.links.events, read);
      await stream.closed;
      read.push(...stream.received);
      expect(read.at(-1)?.event).toBe("stream.end");
      expect(eventsIn(read).map(({ id }) => id)).toEqual(
        (await page(job.links.events)).items.map(({ id }) => id),
      );
    },
  );
});

describe("a gateway with room for two streams of an instance, and three of a caller", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway("test/fixtures/crowded/wrangler.jsonc");
  });
  afterAll(() => gateway.harness.close());

  const refused = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await gateway.get(path, headers);
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    return answer.json<{ detail: string }>();
  };

  test.each(["/agents/workshop/full", "/agents/workshop/full/sub/bench/b"])(
    "refuses one more of %s, and takes it when there is room again",
    async (agent) => {
      const { page, waiting, approve, untilOpen } = clientOf(gateway);
      const [one, two] = [await waiting(agent), await waiting(agent)];
      await using first = await openStream(gateway, one.links.events);
      await using second = await openStream(gateway, one.links.events);
      await untilOpen(agent, 2);
      expect(await refused(one.links.events)).toMatchObject(problem(/^At most 2 streams/));

      await using third = await openStream(gateway, two.links.events);
      await untilOpen(agent, 3);
      expect(await refused(two.links.events)).toMatchObject(problem(/^A caller/));
      expect(await refused(`${agent}/events`)).toMatchObject(problem(/^A caller/));
      // A page that is held watches, too; one that is not does not.
      const { nextCursor } = await page(two.links.events);
      const news = `${two.links.events}?after=${nextCursor}`;
      expect(await refused(news, { ...JSON_PAGE, prefer: "wait=5" })).toMatchObject(problem(/^A caller/));
      // An instance is shown as it is, and the answer says that it was not held.
      const held = await gateway.get(two.links.self, { prefer: "wait=60" });
      expect([held.status, held.headers.get("preference-applied")]).toEqual([200, null]);

      await approve(one);
      await Promise.all([first.closed, second.closed]);
      await untilOpen(agent, 1);
      await using again = await openStream(gateway, two.links.events);
      await untilOpen(agent, 2);
      // What has ended is read, and watched by nobody.
      await using ended = await openStream(gateway, one.links.events);
      await ended.closed;
      expect(ended.received.at(-1)?.event).toBe("stream.end");
      await approve(two);
      await Promise.all([third.closed, again.closed]);
      await untilOpen(agent, 0);
    },
  );

  test.each(["/agents/workshop/rush", "/agents/workshop/rush/sub/bench/b"])(
    "lets in no more, however many come to %s at once",
    async (agent) => {
      const { waiting, approve, untilOpen } = clientOf(gateway);
      const job = await waiting(agent);
      const streams = await Promise.all(
        Array.from({ length: 8 }, () => openStream(gateway, job.links.events)),
      );
      const accepted = streams.filter(({ status }) => status === 200);
      expect(streams.filter(({ status }) => status === 429)).toHaveLength(8 - accepted.length);
      // Who was let in and finds no room is told to come back.
      const endedBy = (type: string) =>
        accepted.filter(({ received }) => received.at(-1)?.event === type).length;
      await until(
        async () => endedBy("stream.closing"),
        (closed) => closed === accepted.length - 2,
      );
      await approve(job);
      await Promise.all(accepted.map(({ closed }) => closed));
      expect(endedBy("stream.end")).toBe(2);
      await untilOpen(agent, 0);
    },
  );
});
