import { expect, test } from "vitest";
import { DefinitionError } from "../../src/gateway/registry/definition-error.ts";
import { streamLimits, type StreamOptions } from "../../src/gateway/stream/limits.ts";

test("a stream lives for an hour, and there are a thousand, unless it is said otherwise", () => {
  expect(streamLimits({})).toEqual({ maxAgeMs: 3_600_000, perInstance: 1_000, perCaller: 1_000 });
  expect(streamLimits({ maxAge: "7 days", perInstance: 1, perCaller: 20_000 })).toEqual({
    maxAgeMs: 604_800_000,
    perInstance: 1,
    perCaller: 20_000,
  });
  expect(streamLimits({ maxAge: 1_500 }).maxAgeMs).toBe(1_500);
});

test.each<StreamOptions>([
  { maxAge: 0 },
  { maxAge: -1 },
  { maxAge: Number.NaN },
  { maxAge: "soon" },
  // A timer of 25 days would ring at once.
  { maxAge: "25 days" },
  { perInstance: 0 },
  { perInstance: 1.5 },
  { perCaller: -1 },
  { perCaller: Number.POSITIVE_INFINITY },
])("%j stops the Worker at its start, and says which option it is", (options) => {
  expect(() => streamLimits(options)).toThrow(DefinitionError);
  expect(() => streamLimits(options)).toThrow(`streams.${Object.keys(options).join()}`);
});
