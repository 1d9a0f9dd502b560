import { describe, expect, test } from "vitest";
import { toMilliseconds } from "../../src/gateway/registry/duration.ts";

test.each([
  ["1 second", 1_000],
  ["90 seconds", 90_000],
  ["1 minute", 60_000],
  ["2 hours", 7_200_000],
  ["3 days", 259_200_000],
  ["1 days", 86_400_000],
  ["2 week", 1_209_600_000],
  ["1 month", 2_592_000_000],
  ["1 year", 31_557_600_000],
  ["1.5 hours", 5_400_000],
  ["0 seconds", 0],
  [0, 0],
  [1_500, 1_500],
])("%j is %d milliseconds", (duration, milliseconds) => expect(toMilliseconds(duration)).toBe(milliseconds));

describe("what is no duration is refused, and said", () => {
  test.each([
    "",
    "3",
    "days",
    "3days",
    "3 Days",
    "3  days",
    " 3 days",
    "3 days ",
    "-3 days",
    "1,5 hours",
    "3 fortnights",
    "1e3 seconds",
    "3 constructors",
    "1 toString",
  ])("%j", (duration) => {
    expect(() => toMilliseconds(duration)).toThrow(RangeError);
    expect(() => toMilliseconds(duration)).toThrow(`"${duration}"`);
  });
});
