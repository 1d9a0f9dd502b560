import { describe, expect, test } from "vitest";
import { z } from "zod";
import { eventPageOf, Limit, pageOf } from "../../src/gateway/contract/page.ts";

describe("the size of a page", () => {
  test("is read from the text of a query, and 50 where none is asked for", () => {
    expect(["1", "25", "100", undefined].map((text) => Limit.parse(text))).toEqual([1, 25, 100, 50]);
  });

  test.each(["0", "101", "-1", "1.5", "", " ", "ten", "1e999", "NaN"])("is not %j", (text) =>
    expect(Limit.safeParse(text).success).toBe(false),
  );
});

describe("a page", () => {
  test("has items of its kind, and a cursor or null", () => {
    const page = pageOf(z.object({ id: z.string() }), "TestPage");
    const fits = (value: unknown): boolean => page.safeParse(value).success;
    expect(fits({ items: [{ id: "a" }], nextCursor: null })).toBe(true);
    expect(fits({ items: [], nextCursor: "x" })).toBe(true);
    expect(fits({ items: [{}], nextCursor: null })).toBe(false);
    expect(fits({ items: [] })).toBe(false);
  });

  test("of events always has a cursor, since more may follow, and says whether some are missing", () => {
    const page = eventPageOf(z.object({ id: z.string() }), "TestEventPage");
    const fits = (value: unknown): boolean => page.safeParse(value).success;
    expect(fits({ items: [], nextCursor: "x", ended: false, gap: false })).toBe(true);
    expect(fits({ items: [], nextCursor: null, ended: true, gap: false })).toBe(false);
    expect(fits({ items: [], nextCursor: "x", gap: true })).toBe(false);
    expect(fits({ items: [], nextCursor: "x", ended: true })).toBe(false);
  });
});
