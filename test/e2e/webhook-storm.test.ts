import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestGateway } from "../support/gateway.ts";
import { type Hit, isSignedWith, type Reaction, type Receiver, startReceiver } from "../support/receiver.ts";
import { startRuntime } from "../support/runtime.ts";
import { until } from "../support/until.ts";

const CONFIG = "test/fixtures/postroom/wrangler.jsonc";
const MINUTE = 60_000;

type Client = Pick<TestGateway, "get" | "post" | "request">;
interface Endpoint {
  id: string;
  secret: string;
  links: { self: string; deliveries: string };
}
interface Told {
  data: { agent: string; event: string };
}

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
});
afterAll(() => rm(storage, { recursive: true, force: true }));

/** A receiver that fails now and then, the first three times of each message: by 30 %, 10 % and 5 % of what it gets. */
async function startMoody(): Promise<{
  receiver: Receiver;
  arrived: Map<string, Hit>;
  moods: Map<string, number>;
}> {
  const arrived = new Map<string, Hit>();
  const moods = new Map<string, number>();
  const receiver = await startReceiver((hit, nth): Reaction => {
    const roll = nth > 3 ? 99 : rollOf(`${hit.id} ${nth}`);
    const [mood, reaction]: [string, Reaction] =
      roll < 30
        ? ["fails", { status: 500 }]
        : roll < 40
          ? ["hangs", "hang"]
          : roll < 45
            ? ["resets", "reset"]
            : ["takes", { status: 200 }];
    moods.set(mood, (moods.get(mood) ?? 0) + 1);
    if (mood === "takes") arrived.set(keyOf(hit), hit);
    return reaction;
  });
  return { receiver, arrived, moods };
}

/** A number from 0 to 99 that a text decides. */
function rollOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % 100;
}

/** What a message tells of. */
function keyOf({ body }: Hit): string {
  const { agent, event } = (JSON.parse(body) as Told).data;
  return `${agent} ${event}`;
}

async function listen(client: Client, url: string): Promise<Endpoint> {
  const answer = await client.post("/webhooks/endpoints", { url, eventTypes: ["state.updated"] });
  expect(answer.status, answer.text).toBe(201);
  return answer.json<Endpoint>();
}

/** Changes boards, several at a time. Ends early if the runtime dies. @returns how many changes were acknowledged. */
async function changeBoards(
  client: Client,
  changes: readonly [board: string, n: number][],
  acknowledged: (count: number) => void = () => {},
): Promise<number> {
  const left = [...changes];
  let count = 0;
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [board, n] = next;
      const { status } = await client.post(`${board}/methods/write`, { text: `note ${n}` });
      expect(status).toBeLessThan(300);
      count += 1;
      acknowledged(count);
    }
  };
  await Promise.allSettled(Array.from({ length: 10 }, work));
  return count;
}

const boardsOf = (prefix: string, boards: number): string[] =>
  Array.from({ length: boards }, (_, n) => `/agents/board/${prefix}-${n}`);
const changesOf = (boards: readonly string[], each: number, from = 0): [string, number][] =>
  Array.from({ length: each }, (_, n) => boards.map((board): [string, number] => [board, from + n])).flat();

/** Puts the endpoint's clock forward each time that something came, until so many messages arrived. */
async function untilArrived(
  client: Client,
  { id }: Endpoint,
  { receiver, arrived }: { receiver: Receiver; arrived: Map<string, Hit> },
  count: number,
): Promise<void> {
  for (let seen = receiver.hits.length; arrived.size < count; seen = receiver.hits.length) {
    await client.post(`/clocks/${id}?by=${40 * MINUTE}`);
    await until(
      async () => receiver.hits.length,
      (hits) => hits > seen || arrived.size >= count,
    );
  }
}

/** Everything that the journals of boards tell. */
async function told(client: Client, boards: readonly string[]): Promise<string[]> {
  const keys: string[] = [];
  for (const board of boards) {
    let after = "";
    for (;;) {
      const page = (
        await client.get(`${board}/events?limit=100${after && `&after=${after}`}`, {
          accept: "application/json",
        })
      ).json<{ items: { id: string }[]; nextCursor: string }>();
      keys.push(...page.items.map(({ id }) => `${board} ${id}`));
      if (page.items.length === 0) break;
      after = page.nextCursor;
    }
  }
  return keys.toSorted();
}

function expectSame({ secret }: Endpoint, { hits }: Receiver): void {
  const first = new Map<string, Hit>();
  for (const hit of hits) {
    const known = first.get(hit.id) ?? hit;
    first.set(hit.id, known);
    expect(hit.body).toBe(known.body);
  }
  expect(new Set([...first.values()].map(keyOf)).size).toBe(first.size);
  expect(hits.filter((hit) => !isSignedWith(secret, hit))).toEqual([]);
}

test(
  "a moody receiver gets every one of 1,000 messages, the same each time",
  { timeout: 300_000 },
  async () => {
    await using gateway = await startRuntime(CONFIG, join(storage, "moody"));
    const moody = await startMoody();
    await using receiver = moody.receiver;
    const endpoint = await listen(gateway, receiver.url);
    const boards = boardsOf("moody", 50);
    expect(await changeBoards(gateway, changesOf(boards, 20))).toBe(1_000);
    await untilArrived(gateway, endpoint, moody, 1_000);
    expect([...moody.arrived.keys()].toSorted()).toEqual(await told(gateway, boards));
    expectSame(endpoint, receiver);
    for (const mood of ["fails", "hangs", "resets"]) expect(moody.moods.get(mood), mood).toBeGreaterThan(20);
    const pending = await until(
      () => gateway.get(`${endpoint.links.deliveries}?status=pending`),
      (answer) => answer.json<{ items: unknown[] }>().items.length === 0,
    );
    expect(pending.status).toBe(200);
    const failed = await gateway.get(`${endpoint.links.deliveries}?status=failed`);
    expect(failed.json()).toMatchObject({ items: [] });
  },
);

test("nothing is lost where the runtime is killed again and again", { timeout: 300_000 }, async () => {
  const moody = await startMoody();
  await using receiver = moody.receiver;
  const boards = boardsOf("killed", 20);
  let endpoint: Endpoint | undefined;
  let acknowledged = 0;
  for (let life = 0; life < 4; life += 1) {
    await using runtime = await startRuntime(CONFIG, join(storage, "killed"));
    endpoint ??= await listen(runtime, receiver.url);
    // It dies in the middle of changes, and of what is on its way.
    const dying = Promise.withResolvers<void>();
    const done = changeBoards(runtime, changesOf(boards, 5, life * 5), (count) => {
      if (count === 60) dying.resolve();
    });
    await dying.promise;
    await runtime.kill();
    acknowledged += await done;
  }
  if (endpoint === undefined) throw new Error("there is no endpoint");
  await using runtime = await startRuntime(CONFIG, join(storage, "killed"));
  // Nobody asks the boards for anything: what they owe they tell because their alarms ring.
  await untilArrived(runtime, endpoint, moody, acknowledged);
  const journals = await told(runtime, boards);
  expect(journals.length).toBeGreaterThanOrEqual(acknowledged);
  await untilArrived(runtime, endpoint, moody, journals.length);
  expect([...moody.arrived.keys()].toSorted()).toEqual(journals);
  expectSame(endpoint, receiver);
});
