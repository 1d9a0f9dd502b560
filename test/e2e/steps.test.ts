import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDropping } from "../support/dropping-reader.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { randomFrom } from "../support/random.ts";
import { eventsIn, openStream, type Received } from "../support/stream.ts";
import { until, untilStatus } from "../support/until.ts";

interface Started {
  readonly links: { readonly self: string; readonly events: string };
}
interface Told {
  readonly id: string;
  readonly type: string;
  readonly attempt?: number;
  readonly data?: Readonly<Record<string, unknown>>;
}
interface Page {
  readonly items: readonly Told[];
  readonly nextCursor: string;
  readonly ended: boolean;
}

const AGENTS = ["/agents/workshop/steps", "/agents/workshop/steps/sub/bench/b"];
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const start = async (agent: string, params: object, workflow = "stepwise"): Promise<Started> =>
  (await gateway.post(`${agent}/workflows/${workflow}`, { params })).json<Started>();
const withSteps = ({ links }: Started): string => `${links.events}?include=steps`;
const approve = ({ links }: Started) => gateway.post(`${links.self}/approve`, {});
const deliver = ({ links }: Started) =>
  gateway.post(`${links.self}/events`, { type: "parcel-arrived", payload: { parcel: "p" } });
const inside = async (agent: string) =>
  (await gateway.post(`${agent}/methods/inside`, {})).json<{ life: string }>();

/** Reads everything as pages of this size. */
async function pages(job: Started, limit: number, after = ""): Promise<Told[]> {
  const all: Told[] = [];
  for (let cursor = after; ;) {
    const answer = await gateway.get(
      `${withSteps(job)}&limit=${limit}${cursor && `&after=${encodeURIComponent(cursor)}`}`,
      { accept: "application/json" },
    );
    const page = answer.json<Page>();
    all.push(...page.items);
    cursor = page.nextCursor;
    if (page.ended) return all;
  }
}
const toldIn = (received: readonly Received[]): Told[] => eventsIn(received).map(({ data }) => data as Told);

/** What was told, whatever the place of it in the stream of this very reader. */
const known = (event: Told): string => JSON.stringify({ ...event, id: undefined });
const isStep = ({ type }: Told): boolean => type.startsWith("step.");
/** Journal and steps are each in one order for everybody; how the two come together may differ. */
const apart = (told: readonly Told[]) => ({
  journal: told.filter((event) => !isStep(event)).map(known),
  steps: told.filter(isStep).map(known),
});
/** A step event in short. */
const short = ({ type, data = {} }: Told): string => {
  const { stepName, occurrence, attempt } = data as Record<string, string | number | undefined>;
  return `${type.replace("step.", "")} ${stepName} ${occurrence}${attempt === undefined ? "" : ` at ${attempt}`}`;
};
const stepsIn = (told: readonly Told[], attempt = 1): string[] =>
  told.filter((event) => isStep(event) && event.attempt === attempt).map(short);

const RUN = [
  "started shaky 1",
  "failed shaky 1 at 1",
  "retried shaky 1 at 2",
  "failed shaky 1 at 2",
  "retried shaky 1 at 3",
  "completed shaky 1",
  "started round 1",
  "completed round 1",
  "started round 2",
  "completed round 2",
  "sleeping nap 1",
  "completed nap 1",
  "waiting manager 1",
  "completed manager 1",
  "waiting parcel 1",
  "completed parcel 1",
];
const END = ["started last 1", "completed last 1"];

describe.each(AGENTS)("%s", (agent) => {
  test("a stream shows each step once, in order, and so do pages and every reader who comes back", async () => {
    const job = await start(agent, { expire: true, giveUp: true });
    await using stream = await openStream(gateway, withSteps(job));
    await stream.until("approval.requested");
    await approve(job);
    await until(
      async () => toldIn(stream.received).map(short),
      (told) => told.includes("waiting parcel 1"),
    );
    await deliver(job);
    await stream.closed;
    expect(stream.received.at(-1)?.event).toBe("stream.end");

    const told = toldIn(stream.received);
    expect(stepsIn(told)).toEqual([
      ...RUN,
      "waiting lost 1",
      "expired lost 1",
      "started hopeless 1",
      "failed hopeless 1 at 1",
      "errored hopeless 1",
    ]);
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
    expect(told.at(-1)?.type).toBe("instance.errored");
    expect(JSON.stringify(told)).not.toContain("what a step returned");
    const dataOf = (name: string) => told.find((event) => short(event) === name)?.data;
    expect(dataOf("failed shaky 1 at 1")).toEqual({
      stepName: "shaky",
      occurrence: 1,
      attempt: 1,
      error: { name: "TypeError", message: "not at attempt 1" },
      retryDelayMs: 20,
    });
    expect(dataOf("failed hopeless 1 at 1")).toMatchObject({ retryDelayMs: null });
    expect(dataOf("sleeping nap 1")).toMatchObject({ durationMs: 30 });
    const requested = told.find(({ type }) => type === "approval.requested")?.data?.["approval"];
    const { id: approvalId } = requested as { id: string };
    expect(dataOf("waiting manager 1")).toMatchObject({ waitingFor: { type: "approval", approvalId } });
    expect(dataOf("waiting parcel 1")).toMatchObject({
      waitingFor: { type: "event", eventType: "parcel-arrived" },
    });

    for (const limit of [1, 3, 100]) expect(apart(await pages(job, limit))).toEqual(apart(told));
    for (const [at, { id }] of told.entries()) {
      expect(apart(await pages(job, 100, id)), id).toEqual(apart(told.slice(at + 1)));
    }
    const end = stream.received.at(-1)?.id ?? "";
    expect((await openStream(gateway, withSteps(job), { "last-event-id": end })).status).toBe(204);
  });

  test(
    "readers who cut themselves off anywhere while it runs get each event once",
    { timeout: 60_000 },
    async () => {
      const job = await start(agent, { rounds: 40, failures: 3, sleepMs: 200 });
      const station = { url: async () => gateway.url, key: gateway.key };
      const readers = Array.from({ length: 6 }, (_, seed) =>
        readDropping(station, withSteps(job), randomFrom(seed + 1), 3_000),
      );
      await gateway.post(`${agent.replace(/\/sub.*/, "")}/methods/crash`, {});
      await untilStatus(() => gateway.get(job.links.self), "waiting");
      await until(
        async () => approve(job),
        ({ status }) => status === 200,
      );
      await until(
        async () => deliver(job),
        ({ status }) => status < 300,
      );
      const reports = await Promise.all(readers);
      const kept = apart(await pages(job, 100));
      expect(kept.steps).toHaveLength(8 + 80 + 6 + END.length);
      for (const { heard, connections } of reports) {
        expect(connections).toBeGreaterThan(2);
        expect(apart(heard.map(({ data }) => JSON.parse(data) as Told))).toEqual(kept);
      }
    },
  );

  test("an instance that waits lets its agent be evicted, and a stream with steps has what happens next", async () => {
    const root = agent.replace(/\/sub.*/, "");
    const job = await start(agent, { failures: 0, rounds: 1, sleepMs: 0 });
    await using stream = await openStream(gateway, withSteps(job));
    await until(
      async () => toldIn(stream.received).map(short),
      (told) => told.includes("waiting manager 1"),
    );
    const before = await inside(agent);
    const name = root.split("/").at(-1) ?? "";
    await gateway.harness.getWorker().evictDurableObject("WORKSHOP", { name, webSockets: "hibernate" });
    if (agent !== root) await gateway.post(`${root}/methods/stop`, { bench: "b" });
    await approve(job);
    await until(
      async () => toldIn(stream.received).map(short),
      (told) => told.includes("waiting parcel 1"),
    );
    expect((await inside(agent)).life).not.toBe(before.life);
    // And once more with sockets that are cut.
    await gateway.harness.getWorker().evictDurableObject("WORKSHOP", { name, webSockets: "close" });
    await deliver(job);
    await stream.closed;
    const told = toldIn(stream.received);
    expect(stepsIn(told)).toEqual([
      "started shaky 1",
      "completed shaky 1",
      "started round 1",
      "completed round 1",
      "waiting manager 1",
      "completed manager 1",
      "waiting parcel 1",
      "completed parcel 1",
      ...END,
    ]);
    expect(apart(await pages(job, 100))).toEqual(apart(told));
  });

  test("a restart begins the engine's history anew, and the stream goes on after it", async () => {
    const job = await start(agent, { parcel: false });
    await using stream = await openStream(gateway, withSteps(job));
    await stream.until("approval.requested");
    await gateway.post(`${job.links.self}/restart`, {});
    await until(
      async () => stepsIn(toldIn(stream.received), 2),
      (told) => told.includes("waiting manager 1"),
    );
    // From a step: what was before it stays in the engine's history, and is known.
    await gateway.post(`${job.links.self}/restart`, { from: { name: "round", count: 2 } });
    await until(
      async () => stepsIn(toldIn(stream.received), 3),
      (told) => told.includes("waiting manager 1"),
    );
    await approve(job);
    await stream.closed;
    const told = toldIn(stream.received);
    const untilGate = RUN.slice(0, RUN.indexOf("waiting manager 1") + 1);
    expect(stepsIn(told, 1)).toEqual(untilGate);
    expect(stepsIn(told, 2)).toEqual(untilGate);
    const fromRound = untilGate.slice(untilGate.indexOf("started round 2"));
    expect(stepsIn(told, 3)).toEqual([...fromRound, "completed manager 1", ...END]);
    expect(apart(await pages(job, 7))).toEqual(apart(told));
  });

  test("a restart in the middle of steps loses none and doubles none of what is told", async () => {
    const job = await start(agent, { rounds: 60, sleepMs: 0, parcel: false });
    await using stream = await openStream(gateway, withSteps(job));
    await until(
      async () => stepsIn(toldIn(stream.received)),
      (told) => told.includes("completed round 9"),
    );
    await gateway.post(`${job.links.self}/restart`, {});
    await until(
      async () => stepsIn(toldIn(stream.received), 2),
      (told) => told.includes("waiting manager 1"),
    );
    await approve(job);
    await stream.closed;
    const told = toldIn(stream.received);
    const second = stepsIn(told, 2);
    const rounds = Array.from({ length: 60 }, (_, n) => [
      `started round ${n + 1}`,
      `completed round ${n + 1}`,
    ]);
    expect(second).toEqual([
      ...RUN.slice(0, RUN.indexOf("started round 1")),
      ...rounds.flat(),
      "waiting manager 1",
      "completed manager 1",
      ...END,
    ]);
    const first = stepsIn(told, 1);
    expect(first).toEqual(second.slice(0, first.length));
    expect(apart(await pages(job, 100))).toEqual(apart(told));
  });

  test.each(["terminate", "pause"])("what a run did until %s is told", async (action) => {
    const job = await start(agent, { failures: 0, rounds: 1, sleepMs: 0, parcel: false });
    await using stream = await openStream(gateway, withSteps(job));
    await until(
      async () => toldIn(stream.received).map(short),
      (told) => told.includes("waiting manager 1"),
    );
    await gateway.post(`${job.links.self}/${action}`, {});
    if (action === "pause") {
      await untilStatus(() => gateway.get(job.links.self), "paused");
      await gateway.post(`${job.links.self}/resume`, {});
      await until(
        async () => approve(job),
        ({ status }) => status === 200,
      );
    }
    await stream.closed;
    const told = toldIn(stream.received);
    const done = [
      "started shaky 1",
      "completed shaky 1",
      "started round 1",
      "completed round 1",
      "waiting manager 1",
    ];
    expect(stepsIn(told)).toEqual(action === "pause" ? [...done, "completed manager 1", ...END] : done);
    expect(apart(await pages(job, 100))).toEqual(apart(told));
  });
});

test("many readers follow one instance, and go on when those who came first leave", async () => {
  const job = await start("/agents/workshop/many", { failures: 0, rounds: 1, sleepMs: 0, parcel: false });
  const readers = await Promise.all(Array.from({ length: 20 }, () => openStream(gateway, withSteps(job))));
  for (const { received } of readers) {
    await until(
      async () => toldIn(received).map(short),
      (told) => told.includes("waiting manager 1"),
    );
  }
  // One after the other: each time it may be the one by which the others have the steps.
  for (const reader of readers.splice(0, 15)) await reader[Symbol.asyncDispose]();
  await approve(job);
  for (const { closed } of readers) await closed;
  const kept = apart(await pages(job, 100));
  expect(kept.steps).toHaveLength(8);
  for (const { received } of readers) expect(apart(toldIn(received))).toEqual(kept);
});

test("steps of a run that nobody watched are read after its end", async () => {
  const job = await start("/agents/workshop/unwatched", { gate: false, parcel: false });
  await untilStatus(() => gateway.get(job.links.self), "complete");
  const told = await pages(job, 100);
  expect(stepsIn(told)).toEqual([...RUN.slice(0, RUN.indexOf("waiting manager 1")), ...END]);
  // By time, so that steps stand between what the journal says.
  const times = told.map((event) => (event as unknown as { time: string }).time);
  expect(times).toEqual(times.toSorted());
  expect(told.at(-1)?.type).toBe("instance.completed");
});

test("cursors of streams with and without steps are taken by each other", async () => {
  const job = await start("/agents/workshop/mixed", { gate: false, parcel: false });
  await untilStatus(() => gateway.get(job.links.self), "complete");
  const plain = async (query: string) =>
    (await gateway.get(`${job.links.events}${query}`, { accept: "application/json" })).json<Page>();
  const all = await pages(job, 100);
  const started = (await plain("")).items.find(({ type }) => type === "instance.started");
  // One without stands before all steps; one with is a place in the journal too.
  const after = await pages(job, 100, started?.id);
  expect(apart(after).steps).toEqual(apart(all).steps);
  expect(apart(after).journal[0]).toContain("instance.progress");
  const middle = all.find((event) => short(event) === "completed round 2");
  expect((await plain(`?after=${middle?.id}`)).items.map(({ type }) => type)).toEqual(
    all
      .slice(all.indexOf(middle as Told))
      .filter((event) => !isStep(event))
      .map(({ type }) => type),
  );
});

test("a page is held by Prefer: wait until a step does something", async () => {
  const job = await start("/agents/workshop/polled-steps", {
    failures: 1,
    retryMs: 1_500,
    gate: false,
    parcel: false,
  });
  const poll = async (after?: string) =>
    (
      await gateway.get(`${withSteps(job)}${after === undefined ? "" : `&after=${after}`}`, {
        accept: "application/json",
        prefer: "wait=30",
      })
    ).json<Page>();
  const told: Told[] = [];
  for (let page = await poll(); ; page = await poll(page.nextCursor)) {
    told.push(...page.items);
    if (page.ended) break;
    expect(page.items).not.toEqual([]);
  }
  expect(stepsIn(told).slice(0, 4)).toEqual([
    "started shaky 1",
    "failed shaky 1 at 1",
    "retried shaky 1 at 2",
    "completed shaky 1",
  ]);
});

test("the steps of a whole agent are not shown", async () => {
  await start("/agents/workshop/whole", { gate: false, parcel: false });
  expect((await gateway.get("/agents/workshop/whole/events?include=steps")).status).toBe(400);
});
