import { describe, expect, test } from "vitest";
import type { Due, Outbox } from "../../src/gateway/agent/outbox.ts";
import { NOON, openDesk } from "./stand-ins.ts";

const openOutbox = (): Outbox => openDesk().records.outbox;

function addCreate(outbox: Outbox, instanceId: string, now = NOON): void {
  outbox.add({ kind: "create", instanceId, payload: { params: { orderId: instanceId } } }, now);
}
function addEvent(outbox: Outbox, instanceId: string, type: string, now = NOON): void {
  outbox.add({ kind: "event", instanceId, payload: { type, payload: { approved: true } } }, now);
}
const inShort = (due: readonly Due[]): string[] =>
  due.map(
    (message) => `${message.instanceId} ${message.kind === "event" ? message.payload.type : message.kind}`,
  );

/** The only message that is due. */
function onlyDue(outbox: Outbox, now: number): Due {
  const [message, another] = outbox.due(now, 10);
  if (message === undefined || another !== undefined) throw new Error("not exactly one message is due");
  return message;
}

describe("messages", () => {
  test("come out as they went in", () => {
    const outbox = openOutbox();
    addCreate(outbox, "r-1");
    addEvent(outbox, "r-2", "approval-x");
    expect(outbox.due(NOON, 10)).toMatchObject([
      { kind: "create", instanceId: "r-1", payload: { params: { orderId: "r-1" } }, tries: 0 },
      {
        kind: "event",
        instanceId: "r-2",
        payload: { type: "approval-x", payload: { approved: true } },
        tries: 0,
      },
    ]);
  });

  test("stay until they are taken", () => {
    const outbox = openOutbox();
    addCreate(outbox, "r-1");
    const message = onlyDue(outbox, NOON);
    expect(onlyDue(outbox, NOON)).toEqual(message);
    outbox.remove(message);
    expect(outbox.due(NOON, 10)).toEqual([]);
    expect(outbox.nextDueAt()).toBeUndefined();
  });

  test("of one instance are told one after the other, of several side by side, the oldest first", () => {
    const outbox = openOutbox();
    addCreate(outbox, "r-1");
    addEvent(outbox, "r-1", "first");
    addCreate(outbox, "r-2");
    addEvent(outbox, "r-1", "second");
    expect(inShort(outbox.due(NOON, 10))).toEqual(["r-1 create", "r-2 create"]);
    const [oldest] = outbox.due(NOON, 1);
    if (oldest !== undefined) outbox.remove(oldest);
    expect(inShort(outbox.due(NOON, 10))).toEqual(["r-1 first", "r-2 create"]);
  });

  test("are at most as many as were asked for", () => {
    const outbox = openOutbox();
    for (let n = 1; n <= 5; n += 1) addCreate(outbox, `r-${n}`);
    expect(inShort(outbox.due(NOON, 2))).toEqual(["r-1 create", "r-2 create"]);
  });

  test("are not due before their time", () => {
    const outbox = openOutbox();
    addCreate(outbox, "r-1", NOON + 5);
    expect(outbox.due(NOON + 4, 10)).toEqual([]);
    expect(inShort(outbox.due(NOON + 5, 10))).toEqual(["r-1 create"]);
  });
});

describe("a message that was not taken", () => {
  test("is put off for half a second, then twice as long each time, a minute at most", () => {
    const outbox = openOutbox();
    addCreate(outbox, "r-1");
    const delays: number[] = [];
    let now = NOON;
    for (let tried = 1; tried <= 10; tried += 1) {
      const message = onlyDue(outbox, now);
      expect(message.tries).toBe(tried - 1);
      outbox.putOff(message, now);
      const next = outbox.nextDueAt() ?? 0;
      expect(outbox.due(next - 1, 10)).toEqual([]);
      delays.push(next - now);
      now = next;
    }
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test("keeps back the later ones of its instance, and no others", () => {
    const outbox = openOutbox();
    addCreate(outbox, "r-1");
    outbox.putOff(onlyDue(outbox, NOON), NOON);
    addEvent(outbox, "r-1", "later");
    addCreate(outbox, "r-2");
    expect(inShort(outbox.due(NOON, 10))).toEqual(["r-2 create"]);
    // The one that is due for longest goes first.
    expect(inShort(outbox.due(NOON + 500, 10))).toEqual(["r-2 create", "r-1 create"]);
  });
});

test("neither the next messages nor their time need a look at all of them", () => {
  const desk = openDesk();
  const before = desk.queries.length;
  desk.records.outbox.due(NOON, 10);
  desk.records.outbox.nextDueAt();
  const plans = desk.queries
    .slice(before)
    .flatMap((query) => desk.query(`EXPLAIN QUERY PLAN ${query}`).map(({ detail }) => detail));
  expect(plans).toEqual([
    expect.stringMatching(/^SEARCH message USING INDEX switchyard_outbox_by_due/),
    expect.any(String),
    expect.stringMatching(/^SEARCH earlier/),
    expect.stringMatching(/^SCAN message USING INDEX switchyard_outbox_by_due/),
    expect.any(String),
    expect.stringMatching(/^SEARCH earlier/),
  ]);
});

describe("when the next message is due", () => {
  test("is the time of the earliest one", () => {
    const outbox = openOutbox();
    expect(outbox.nextDueAt()).toBeUndefined();
    addCreate(outbox, "r-1", NOON + 9);
    addCreate(outbox, "r-2", NOON + 5);
    expect(outbox.nextDueAt()).toBe(NOON + 5);
  });

  test("is not the time of one that is kept back by an earlier one: until then nothing is due", () => {
    const outbox = openOutbox();
    addEvent(outbox, "r-1", "first");
    outbox.putOff(onlyDue(outbox, NOON), NOON);
    addEvent(outbox, "r-1", "second");
    const next = outbox.nextDueAt() ?? 0;
    expect(outbox.due(next, 10)).not.toEqual([]);
    expect(next).toBe(NOON + 500);
  });
});
