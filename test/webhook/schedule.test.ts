import { describe, expect, test } from "vitest";
import { nextAttemptAt } from "../../src/gateway/webhook/schedule.ts";

const NOON = Date.UTC(2026, 3, 1, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const failed = (failures: number, retryAfter: string | null = null, messageId = "msg_1") =>
  nextAttemptAt({ messageId, failures, at: NOON, retryAfter });

test.each([
  [1, 5_000],
  [2, 300_000],
  [3, HOUR / 2],
  [4, 2 * HOUR],
  [5, 5 * HOUR],
  [6, 10 * HOUR],
  [7, 14 * HOUR],
  [8, 20 * HOUR],
  [9, 24 * HOUR],
])("after %i failures it is tried again in %i ms, or up to a tenth later", (failures, delay) => {
  const delays = Array.from({ length: 200 }, (_, n) => (failed(failures, null, `msg_${n}`) ?? 0) - NOON);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(delay);
  expect(Math.max(...delays)).toBeLessThanOrEqual(delay * 1.1);
  // They are spread over that tenth.
  expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(delay * 0.08);
});

test("the same failure has the same answer", () => {
  expect(failed(3)).toBe(failed(3));
});

test("after ten it is given up", () => {
  expect(failed(10)).toBeUndefined();
  expect(failed(10, "60")).toBeUndefined();
});

describe("Retry-After", () => {
  test.each([
    ["seconds", "3600", HOUR],
    ["a date", new Date(NOON + HOUR).toUTCString(), HOUR],
    ["more than a day", "999999999", DAY],
    ["a date far away", new Date(NOON + 400 * DAY).toUTCString(), DAY],
  ])("as %s is kept to", (_, header, wait) => {
    expect(failed(1, header)).toBe(NOON + wait);
  });

  test.each([
    ["less than the schedule has", "1"],
    ["a date that is over", new Date(NOON - HOUR).toUTCString()],
    ["nothing", ""],
    ["nonsense", "soon"],
    ["a negative number", "-5"],
    ["a number with a sign of its own", "1e3"],
    ["a number that is none", "99999999999999999999999"],
  ])("as %s changes nothing", (_, header) => {
    expect(failed(2, header)).toBe(failed(2));
  });
});
