import { describe, expect, test } from "vitest";
import { Store } from "../../src/gateway/durable/store.ts";
import { Deliveries } from "../../src/gateway/webhook/deliveries.ts";
import { DeliveryLog, REDELIVERED_AT_ONCE } from "../../src/gateway/webhook/delivery-log.ts";
import { KEPT_MS, Messages } from "../../src/gateway/webhook/messages.ts";
import { ENDPOINT_SCHEMA } from "../../src/gateway/webhook/schema.ts";
import { Secrets } from "../../src/gateway/webhook/secrets.ts";
import type { Sending, Sent } from "../../src/gateway/webhook/sender.ts";
import { Target, type TargetConfig } from "../../src/gateway/webhook/target.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

const NOON = Date.UTC(2026, 3, 1, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const URL_OF_HOOK = "https://example.com/hook";
const TAKEN: Sent = { status: 200, error: null, retryAfter: null };
const refused = (status = 500): Sent => ({ status, error: "status", retryAfter: null });
const config = (change: Partial<TargetConfig> = {}): TargetConfig => ({
  id: "whe_1",
  url: URL_OF_HOOK,
  version: 1,
  enabled: true,
  turn: 1,
  ...change,
});

/** One endpoint over real SQLite, with a clock that stands still. */
function openPost({ most = 1_000, refusal }: { most?: number; refusal?: string } = {}) {
  const sqlite = sqliteStorage();
  const store = new Store(sqlite.storage, ENDPOINT_SCHEMA);
  store.open();
  const records = {
    store,
    target: new Target(store),
    messages: new Messages(store, most),
    secrets: new Secrets(store),
  };
  const sent: Sending[] = [];
  const post = {
    ...records,
    sqlite,
    now: NOON,
    sent,
    log: new DeliveryLog(records),
    /** What the endpoint does with a request. */
    react: (async () => TAKEN) as (sending: Sending) => Promise<Sent>,
    configure: (change?: Partial<TargetConfig>) =>
      store.transact(() => records.target.configure(config(change))),
    add: (...ids: string[]) => {
      for (const id of ids)
        store.transact(() =>
          records.messages.add({ id, type: "instance.queued", body: `body of ${id}` }, post.now),
        );
    },
    status: (id: string) => records.messages.find(id)?.status,
    run: () => deliveries.run(),
    look: () => deliveries.look(),
  };
  post.configure();
  records.secrets.make("created", NOON);
  const deliveries = new Deliveries(records, {
    now: () => post.now,
    timeoutMs: () => 15_000,
    refusalOf: () => refusal,
    send: (sending) => {
      sent.push(sending);
      return post.react(sending);
    },
  });
  return post;
}

describe("messages", () => {
  test("are sent once, with their own id and body, however often they are handed over", async () => {
    const post = openPost();
    post.add("msg_a", "msg_b", "msg_a");
    await post.run();
    post.add("msg_a");
    await post.run();
    expect(post.sent.map(({ url, body, headers }) => [url, headers["webhook-id"], body])).toEqual([
      [URL_OF_HOOK, "msg_a", "body of msg_a"],
      [URL_OF_HOOK, "msg_b", "body of msg_b"],
    ]);
    expect(post.messages.nextDueAt()).toBeUndefined();
  });

  test("are on their way ten at a time", async () => {
    const post = openPost();
    let open = 0;
    let most = 0;
    post.react = async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resume) => setImmediate(resume));
      open -= 1;
      return TAKEN;
    };
    post.add(...Array.from({ length: 35 }, (_, n) => `msg_${n}`));
    await post.run();
    expect([most, post.sent.length]).toEqual([10, 35]);
  });

  test("that come while others hang are sent at once", async () => {
    const post = openPost();
    const hang = Promise.withResolvers<Sent>();
    post.react = async ({ headers }) => (headers["webhook-id"] === "msg_slow" ? hang.promise : TAKEN);
    post.add("msg_slow");
    const running = post.run();
    post.add("msg_quick");
    post.look();
    await new Promise((resume) => setImmediate(resume));
    expect([post.status("msg_quick"), post.status("msg_slow")]).toEqual(["delivered", "pending"]);
    hang.resolve(TAKEN);
    await running;
    expect(post.status("msg_slow")).toBe("delivered");
  });

  test("go through the whole schedule, and are given up after ten attempts", async () => {
    const post = openPost();
    post.react = async () => refused(503);
    post.add("msg_a");
    const times: number[] = [];
    while (post.status("msg_a") === "pending") {
      times.push(post.now);
      await post.run();
      // Nothing is sent before its time.
      const next = post.messages.nextDueAt();
      if (next === undefined) break;
      post.now = next - 1;
      await post.run();
      post.now = next;
    }
    expect(times).toHaveLength(10);
    expect(post.sent).toHaveLength(10);
    const waits = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    const planned = [
      5_000,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      14 * HOUR,
      20 * HOUR,
      24 * HOUR,
    ];
    for (const [at, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(planned[at] ?? 0);
      expect(wait).toBeLessThanOrEqual((planned[at] ?? 0) * 1.1);
    }
    expect(new Set(post.sent.map(({ body }) => body)).size).toBe(1);
    expect(post.log.find("msg_a")).toMatchObject({ status: "failed", attemptCount: 10, nextAttemptAt: null });
    expect(post.log.find("msg_a").attempts.at(-1)).toMatchObject({ status: 503, nextAttemptAt: null });
  });

  test("to a URL that is not allowed any more are not sent", async () => {
    const post = openPost({ refusal: "It may not." });
    post.add("msg_a");
    await post.run();
    expect(post.sent).toEqual([]);
    expect(post.log.find("msg_a").lastAttempt).toMatchObject({ error: "url-refused", status: null });
    expect(post.status("msg_a")).toBe("pending");
  });

  test("are sent again by whoever lives on, if nobody wrote down what came of it", async () => {
    const post = openPost();
    post.react = async () => {
      post.sqlite.query("ALTER TABLE switchyard_attempts RENAME TO lost");
      return TAKEN;
    };
    post.add("msg_a");
    await expect(post.run()).rejects.toThrow("no such table");
    post.sqlite.query("ALTER TABLE lost RENAME TO switchyard_attempts");
    post.react = async () => TAKEN;
    await post.run();
    expect(post.sent.map(({ headers, body }) => [headers["webhook-id"], body])).toEqual(
      Array.from({ length: 2 }, () => ["msg_a", "body of msg_a"]),
    );
    expect(post.log.find("msg_a")).toMatchObject({ status: "delivered", attemptCount: 1 });
  });
});

describe("an endpoint that does not take anything", () => {
  test("is disabled once nothing got there for five days", async () => {
    const post = openPost();
    post.react = async () => refused();
    post.add("msg_a");
    await post.run();
    for (let day = 1; day < 5; day += 1) {
      post.now = NOON + day * DAY;
      await post.run();
    }
    post.now = NOON + 5 * DAY - 1;
    post.add("msg_b");
    await post.run();
    expect(post.target.isOpen()).toBe(true);
    post.now = NOON + 5 * DAY;
    post.add("msg_c");
    await post.run();
    expect(post.target.isOpen()).toBe(false);
    expect(post.target.untold()).toEqual({ reason: "failing", at: post.now, turn: 1 });
    const count = post.sent.length;
    post.now += DAY;
    await post.run();
    expect(post.sent).toHaveLength(count);
  });

  test("is not by one failure after a quiet time, whatever failed before", async () => {
    const post = openPost();
    post.react = async () => refused();
    post.add("msg_a");
    while (post.status("msg_a") === "pending") {
      await post.run();
      post.now = post.messages.nextDueAt() ?? post.now;
    }
    post.now += 30 * DAY;
    post.add("msg_b");
    await post.run();
    expect(post.target.isOpen()).toBe(true);
  });

  test("is not, if anything got there meanwhile", async () => {
    const post = openPost();
    post.react = async () => refused();
    post.add("msg_a");
    await post.run();
    post.react = async () => TAKEN;
    post.add("msg_b");
    await post.run();
    post.react = async () => refused();
    post.now = NOON + 6 * DAY;
    post.add("msg_c");
    await post.run();
    expect(post.target.isOpen()).toBe(true);
  });

  test("is at once if it says 410; what waits goes on when it is enabled", async () => {
    const post = openPost();
    post.react = async () => refused(410);
    post.add("msg_a");
    await post.run();
    expect(post.target.untold()).toMatchObject({ reason: "gone" });
    post.add("msg_b");
    post.react = async () => TAKEN;
    post.now += DAY;
    await post.run();
    expect(post.sent).toHaveLength(1);
    // A change that says nothing about it enables nothing; an old one that comes late changes nothing.
    post.configure({ version: 2, url: "https://example.com/other" });
    expect(post.target.isOpen()).toBe(false);
    post.configure({ version: 4, turn: 2, url: "https://example.com/other" });
    post.configure({ version: 3, enabled: false, turn: 1 });
    expect(post.target.isOpen()).toBe(true);
    expect(post.target.untold()).toBeUndefined();
    await post.run();
    expect([post.status("msg_a"), post.status("msg_b")]).toEqual(["delivered", "delivered"]);
    expect(post.sent.at(-1)?.url).toBe("https://example.com/other");
  });
});

describe("a message that is sent again", () => {
  test("begins a new round, once for each request", async () => {
    const post = openPost();
    post.add("msg_a");
    await post.run();
    post.log.redeliver("msg_a", "r1", NOON);
    await post.run();
    post.log.redeliver("msg_a", "r1", NOON);
    await post.run();
    expect(post.sent).toHaveLength(2);
    expect(post.log.find("msg_a")).toMatchObject({ status: "delivered", attemptCount: 2 });
  });

  test("while it is on its way is sent once more, whatever becomes of that", async () => {
    const post = openPost();
    const hang = Promise.withResolvers<Sent>();
    post.react = () => hang.promise;
    post.add("msg_a");
    const running = post.run();
    post.log.redeliver("msg_a", "r1", NOON);
    hang.resolve(TAKEN);
    await running;
    expect(post.sent).toHaveLength(2);
    expect(post.log.find("msg_a")).toMatchObject({ status: "delivered", attemptCount: 2 });
  });

  test("among many comes with a page of them, oldest first", async () => {
    const post = openPost({ most: 10_000 });
    const count = REDELIVERED_AT_ONCE + 100;
    post.add(...Array.from({ length: count }, (_, n) => `msg_${n}`));
    await post.run();
    const request = { statuses: ["delivered", "failed"], since: 0, until: NOON + 1, round: "r1" } as const;
    const first = post.log.redeliverMany({ ...request, cursor: undefined }, NOON);
    expect(first.redelivered).toBe(REDELIVERED_AT_ONCE);
    const second = post.log.redeliverMany({ ...request, cursor: first.nextCursor ?? "" }, NOON);
    expect(second).toEqual({ redelivered: 100, nextCursor: null });
    await post.run();
    expect(post.sent).toHaveLength(2 * count);
    const other = { ...request, statuses: ["failed"], cursor: first.nextCursor ?? "" } as const;
    expect(() => post.log.redeliverMany(other, NOON)).toThrow("nextCursor");
    expect(post.log.redeliverMany({ ...request, since: NOON + 1, cursor: undefined }, NOON).redelivered).toBe(
      0,
    );
  });
});

describe("what is kept", () => {
  test("ends after its time, and is bounded", async () => {
    const post = openPost({ most: 5 });
    post.add("msg_taken");
    await post.run();
    post.react = async () => refused();
    post.add("msg_failed");
    for (let n = 0; n < 10; n += 1) {
      await post.run();
      post.now = post.messages.nextDueAt() ?? post.now;
    }
    const failedAt = post.now;
    expect(post.status("msg_failed")).toBe("failed");
    post.messages.sweep(NOON + KEPT_MS.delivered - 1);
    expect(post.status("msg_taken")).toBe("delivered");
    expect(post.messages.nextSweepAt()).toBeGreaterThan(NOON + KEPT_MS.delivered);
    post.messages.sweep(NOON + KEPT_MS.delivered);
    expect(post.status("msg_taken")).toBeUndefined();
    post.messages.sweep(failedAt + KEPT_MS.failed - 1);
    expect(post.status("msg_failed")).toBe("failed");
    post.messages.sweep(failedAt + KEPT_MS.failed);
    expect(post.messages.nextSweepAt()).toBeUndefined();
    expect(post.sqlite.query("SELECT * FROM switchyard_attempts")).toEqual([]);

    post.add(...Array.from({ length: 8 }, (_, n) => `msg_${n}`));
    expect(
      post.log.page({ statuses: ["pending"], limit: 100, cursor: undefined }).items.map(({ id }) => id),
    ).toEqual(["msg_7", "msg_6", "msg_5", "msg_4", "msg_3"]);
  });

  test("is listed page by page, of one status or all, each by its own cursors", async () => {
    const post = openPost();
    post.react = async ({ headers }) => (/[13579]$/.test(headers["webhook-id"] ?? "") ? refused() : TAKEN);
    post.add(...Array.from({ length: 10 }, (_, n) => `msg_${n}`));
    await post.run();
    const listed: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page: ReturnType<typeof post.log.page> = post.log.page({
        statuses: ["delivered", "pending"],
        limit: 3,
        cursor,
      });
      listed.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(listed).toEqual(Array.from({ length: 10 }, (_, n) => `msg_${9 - n}`));
    const pending = post.log.page({ statuses: ["pending"], limit: 3, cursor: undefined });
    expect(pending.items.map(({ id }) => id)).toEqual(["msg_9", "msg_7", "msg_5"]);
    expect(() =>
      post.log.page({ statuses: ["delivered"], limit: 3, cursor: pending.nextCursor ?? "" }),
    ).toThrow("nextCursor");
  });
});

test("secrets overlap for a day, and the same request makes one", () => {
  const { secrets } = openPost();
  const first = secrets.make("created", NOON);
  const second = secrets.make("again", NOON + HOUR);
  expect(secrets.make("again", NOON + 2 * HOUR)).toBe(second);
  expect(secrets.validAt(NOON + HOUR)).toEqual([second, first]);
  expect(secrets.validAt(NOON + HOUR + DAY)).toEqual([second]);
  // Also long after, when its request is repeated.
  expect(secrets.make("created", NOON + DAY)).toBe(first);
});
