import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import type { EventsAnswer } from "../../src/gateway/port.ts";
import { formatEventCursor } from "../../src/gateway/stream/cursor.ts";
import { AGENT, type Desk, NOON, openDesk, RefundEvent } from "./stand-ins.ts";

const NAUGHTY = JSON.parse(
  readFileSync(new URL("../data/naughty-strings.json", import.meta.url), "utf8"),
) as readonly string[];

interface Asked {
  readonly instanceId?: string;
  readonly after?: string;
  readonly limit?: number;
}
const read = ({ records }: Desk, { instanceId, after, limit = 100 }: Asked = {}) =>
  records.journal.read({ instanceId, after, limit });
const numbers = ({ events }: Pick<EventsAnswer, "events">) =>
  events.map(({ data }) => (data as { progress: number }).progress);

/** Reports of progress, which count up; one change each. */
function tell(desk: Desk, id: string, ...progress: unknown[]): void {
  for (const one of progress) {
    desk.records.change(() =>
      desk.records.journal.append(desk.row(id), "instance.progress", { progress: one }, NOON),
    );
  }
}

describe("an event", () => {
  test("is published as it is read, and as the contract says", () => {
    const desk = openDesk();
    desk.accept("r-1");
    tell(desk, "r-1", { percent: 0.5 });
    const { events } = read(desk);
    expect(desk.published.flat()).toEqual(events);
    expect(RefundEvent.safeParse(events[0]).error).toBeUndefined();
    expect(events).toMatchObject([
      {
        type: "instance.progress",
        agent: AGENT,
        instanceId: "r-1",
        workflow: "refund",
        attempt: 1,
        time: "2026-04-01T12:00:00.000Z",
        data: { progress: { percent: 0.5 } },
      },
    ]);
  });

  test.each(NAUGHTY)("is read as it was written: %j", (text) => {
    const desk = openDesk();
    desk.accept("r-1");
    const data = { text, [text]: [text] };
    desk.records.change(() =>
      desk.records.journal.append(desk.row("r-1"), "instance.message", data, NOON, text),
    );
    expect(read(desk).events[0]?.data).toEqual(data);
    expect(desk.published.flat()[0]?.data).toEqual(data);
  });
});

const appended = (desk: Desk, id: string, key: string | null, attempt = 1) =>
  desk.records.change(() =>
    desk.records.journal.append(
      { ...desk.row(id), attempt },
      "instance.progress",
      { progress: 1 },
      NOON,
      key,
    ),
  );

describe("a key", () => {
  test("is in the journal once, and is published once", () => {
    const desk = openDesk();
    desk.accept("r-1");
    expect([1, 2, 3].map(() => appended(desk, "r-1", "run:progress:1"))).toEqual([true, false, false]);
    expect(read(desk).events).toHaveLength(1);
    expect(desk.published.flat()).toHaveLength(1);
  });

  test("of another instance, of another attempt, or in another case is another key", () => {
    const desk = openDesk();
    desk.accept("r-1");
    desk.accept("r-2");
    expect(appended(desk, "r-1", "a")).toBe(true);
    expect(appended(desk, "r-1", "A")).toBe(true);
    expect(appended(desk, "r-1", "a", 2)).toBe(true);
    expect(appended(desk, "r-2", "a")).toBe(true);
  });

  test("that is none makes each event a new one", () => {
    const desk = openDesk();
    desk.accept("r-1");
    expect([1, 2].map(() => appended(desk, "r-1", null))).toEqual([true, true]);
  });
});

const deskWith = (count: number) => {
  const desk = openDesk();
  desk.accept("r-1");
  desk.accept("r-2");
  for (let n = 1; n <= count; n += 1) tell(desk, n % 2 === 1 ? "r-1" : "r-2", n);
  return desk;
};

describe("a stretch of the journal", () => {
  test("is of all instances in the order in which things happened, or of one", () => {
    const desk = deskWith(5);
    expect(numbers(read(desk))).toEqual([1, 2, 3, 4, 5]);
    expect(numbers(read(desk, { instanceId: "r-1" }))).toEqual([1, 3, 5]);
    expect(numbers(read(desk, { instanceId: "r-2" }))).toEqual([2, 4]);
    expect(numbers(read(desk, { instanceId: "nobody" }))).toEqual([]);
  });

  test("begins after a cursor, as long as was asked for, and says whether more is kept", () => {
    const desk = deskWith(5);
    const first = read(desk, { limit: 2 });
    expect([numbers(first), first.more]).toEqual([[1, 2], true]);
    const second = read(desk, { limit: 2, after: first.cursor });
    expect([numbers(second), second.more]).toEqual([[3, 4], true]);
    const last = read(desk, { limit: 2, after: second.cursor });
    expect([numbers(last), last.more]).toEqual([[5], false]);
    expect([first, second, last].map(({ gap }) => gap)).toEqual([false, false, false]);
  });

  test("says that nothing more is kept when it ends exactly where the journal does", () => {
    expect(read(deskWith(4), { limit: 4 })).toMatchObject({ more: false });
    expect(read(deskWith(5), { limit: 4 })).toMatchObject({ more: true });
  });

  test("that is empty has the cursor that it was asked with, from which it goes on later", () => {
    const desk = deskWith(2);
    const { cursor } = read(desk);
    const empty = read(desk, { after: cursor });
    expect(empty).toEqual({ events: [], from: cursor, cursor, more: false, gap: false });
    tell(desk, "r-1", 3);
    expect(numbers(read(desk, { after: empty.cursor }))).toEqual([3]);
  });

  test("goes on after the cursor of any event, also one of another instance", () => {
    const desk = deskWith(5);
    for (const [at, { id }] of read(desk).events.entries()) {
      expect(numbers(read(desk, { after: id }))).toEqual([1, 2, 3, 4, 5].slice(at + 1));
      expect(numbers(read(desk, { after: id, instanceId: "r-1" }))).toEqual(
        [1, 3, 5].filter((n) => n > at + 1),
      );
    }
  });

  test("for a cursor of an earlier life of the agent begins at the beginning, and says that something is missing", () => {
    const desk = deskWith(2);
    const answer = read(desk, { after: formatEventCursor({ epoch: "00000000", seq: 1 }) });
    expect(numbers(answer)).toEqual([1, 2]);
    expect(answer.gap).toBe(true);
    expect(read(desk, { after: answer.cursor })).toMatchObject({ events: [], gap: false });
  });

  test.each(["", "1", "x-y", "0a1b2c3d", "0a1b2c3d-", "' OR 1=1 --"])(
    "for %j, which is no cursor, is refused",
    (after) => {
      const desk = deskWith(1);
      expect(() => read(desk, { after })).toThrow(ProblemError);
      expect(() => read(desk, { after })).toThrow("Use the id of an event");
    },
  );
});
