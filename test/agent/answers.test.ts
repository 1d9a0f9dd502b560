import { describe, expect, test } from "vitest";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import { type Desk, NOON, openDesk } from "./stand-ins.ts";

const once = { key: "k-1", fingerprint: "f-1" };

const nothing = (): void => {};

/** A desk that counts how often a change was made. */
function counting() {
  const desk = openDesk();
  let made = 0;
  const ask = (asked: typeof once | undefined = once, answer: (n: number) => unknown = (n) => ({ n })) =>
    desk.records.changeOnce(asked, () => {
      made += 1;
      return answer(made);
    });
  return { ask, desk, made: () => made };
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (failure) {
    if (failure instanceof ProblemError) return failure.code;
    throw failure;
  }
  throw new Error("no problem was met");
}
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const begin = ({ records }: Desk) => records.change((now) => records.answers.findOrBegin(once, now));

describe("a call of a method with an idempotency key", () => {
  test("is noted before, so that another with the key is told that it goes on, also after a death", () => {
    const desk = openDesk();
    expect(begin(desk)).toBeUndefined();
    expect(codeOf(() => begin(desk))).toBe("request_in_progress");
    expect(codeOf(() => begin(openDesk(desk)))).toBe("request_in_progress");
  });

  test("is answered as the first time once that is known, also if the answer is null", () => {
    for (const answer of [{ n: 1 }, null]) {
      const desk = openDesk();
      begin(desk);
      desk.records.answers.finish(once, answer);
      expect(begin(desk)).toEqual({ answer });
    }
  });

  test("that failed may be tried again; an answer that was given is not forgotten by that", () => {
    const desk = openDesk();
    begin(desk);
    desk.records.answers.abandon(once);
    expect(begin(desk)).toBeUndefined();
    desk.records.answers.finish(once, 1);
    desk.records.answers.abandon(once);
    expect(begin(desk)).toEqual({ answer: 1 });
  });
});

describe("a request with an idempotency key", () => {
  test("is done once, and answered as the first time however often it comes", () => {
    const { ask, made } = counting();
    expect([ask(), ask(), ask()]).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
    expect(made()).toBe(1);
  });

  test("is answered as the first time also after the agent has slept", () => {
    const { ask, desk } = counting();
    ask();
    const awake = openDesk(desk);
    expect(awake.records.changeOnce(once, () => ({ n: "another" }))).toEqual({ n: 1 });
  });

  test("that was used for another request is refused, and does nothing", () => {
    const { ask, made } = counting();
    ask();
    expect(codeOf(() => ask({ ...once, fingerprint: "f-2" }))).toBe("idempotency_key_reused");
    expect(made()).toBe(1);
    expect(ask()).toEqual({ n: 1 });
  });

  test("is another request under another key", () => {
    const { ask } = counting();
    expect([ask(), ask({ ...once, key: "k-2" }), ask({ ...once, key: "K-1" })]).toEqual([
      { n: 1 },
      { n: 2 },
      { n: 3 },
    ]);
  });

  test("publishes what it changed once", () => {
    const desk = openDesk();
    const row = desk.accept("r-1");
    const start = () =>
      desk.records.changeOnce(once, (now) => {
        desk.records.journal.append(row, "instance.started", {}, now);
        return null;
      });
    start();
    start();
    expect(desk.types()).toEqual(["instance.started"]);
  });

  test("whose change failed keeps no answer: it may be tried again, also as another request", () => {
    const { ask, desk } = counting();
    const failing = () =>
      ask(once, () => {
        desk.records.ledger.insert({
          id: "r-1",
          engineId: "e",
          workflow: "refund",
          binding: "REFUND",
          params: {},
          metadata: {},
          now: NOON,
        });
        throw new ProblemError("status_conflict");
      });
    expect([codeOf(failing), codeOf(failing)]).toEqual(["status_conflict", "status_conflict"]);
    expect(desk.records.ledger.find("r-1")).toBeUndefined();
    expect(ask({ ...once, fingerprint: "f-2" })).toEqual({ n: 3 });
  });

  test("is refused by its fingerprint even if the answer was nothing", () => {
    const { ask, made } = counting();
    expect(ask(once, nothing)).toBeUndefined();
    expect(ask(once, nothing)).toBeNull();
    expect(made()).toBe(1);
    expect(codeOf(() => ask({ ...once, fingerprint: "f-2" }, nothing))).toBe("idempotency_key_reused");
  });
});

test("a request without a key is done each time", () => {
  const { desk } = counting();
  let made = 0;
  const ask = () =>
    desk.records.changeOnce(undefined, () => {
      made += 1;
      return made;
    });
  expect([ask(), ask()]).toEqual([1, 2]);
});

test("answers are forgotten a day after they were given, and then the key is free", () => {
  const { records } = openDesk();
  const { answers } = records;
  const other = { key: "k-2", fingerprint: "f-2" };
  records.change(() => {
    answers.keep(once, "old", NOON);
    answers.keep(other, "new", NOON + 1);
  });
  answers.sweep(NOON + DAY_MS - 1);
  expect(answers.find(once)).toEqual({ answer: "old" });
  answers.sweep(NOON + DAY_MS);
  expect(answers.find(once)).toBeUndefined();
  expect(answers.find({ ...once, fingerprint: "f-2" })).toBeUndefined();
  expect(answers.find(other)).toEqual({ answer: "new" });
});

test("the next answers are forgotten within an hour after their day, those of an hour together", () => {
  const { records } = openDesk();
  const { answers } = records;
  expect(answers.nextSweepAt()).toBeUndefined();
  records.change(() => {
    for (let n = 0; n < 60; n += 1) answers.keep({ key: `k-${n}`, fingerprint: "f" }, n, NOON + n * 60_000);
  });
  const next = answers.nextSweepAt() ?? 0;
  expect(next).toBe(NOON + DAY_MS + HOUR_MS);
  answers.sweep(next);
  expect(answers.nextSweepAt()).toBeUndefined();
});
