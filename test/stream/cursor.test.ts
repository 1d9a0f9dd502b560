import { expect, test } from "vitest";
import { formatEventCursor, parseEventCursor } from "../../src/gateway/stream/cursor.ts";

test.each([0, 1, 35, 36, 1_000_000, 2 ** 31, 2 ** 32 + 1, 36 ** 10 - 1])(
  "a cursor at %d is read as it was written",
  (seq) => {
    const cursor = { epoch: "0a1b2c3d", seq };
    expect(parseEventCursor(formatEventCursor(cursor))).toEqual(cursor);
  },
);

test("a cursor that knows of missing events is read as it was written, and stands in a URL as it is", () => {
  const cursor = { epoch: "0a1b2c3d", seq: 36, known: 1_000 };
  const text = formatEventCursor(cursor);
  expect(text).toBe("0a1b2c3d-10~rs");
  expect(encodeURIComponent(text)).toBe(text);
  expect(parseEventCursor(text)).toEqual(cursor);
});

test("a cursor among steps is a place in both lists, and stands in a URL as it is", () => {
  for (const cursor of [
    { epoch: "0a1b2c3d", seq: 36, step: 0 },
    { epoch: "0a1b2c3d", seq: 36, step: 37 },
    { epoch: "0a1b2c3d", seq: 36, step: 37, known: 1_000 },
  ]) {
    const text = formatEventCursor(cursor);
    expect(parseEventCursor(text)).toEqual(cursor);
    expect(encodeURIComponent(text)).toBe(text);
  }
  expect(formatEventCursor({ epoch: "0a1b2c3d", seq: 36, step: 37, known: 38 })).toBe("0a1b2c3d-10.11~12");
});

test("a cursor that knows of nothing missing after it is the id of the event before it", () => {
  const place = { epoch: "0a1b2c3d", seq: 36 };
  for (const known of [0, 35, 36])
    expect(formatEventCursor({ ...place, known })).toBe(formatEventCursor(place));
});

test("two places of a journal, or two lives of an agent, never share a cursor", () => {
  const places = ["0a1b2c3d", "0a1b2c3e"].flatMap((epoch) =>
    [0, 1, 10, 36, 100].map((seq) => ({ epoch, seq })),
  );
  expect(new Set(places.map(formatEventCursor)).size).toBe(places.length);
});

test("a cursor can stand in a header and a URL as it is, and on one line of a frame", () => {
  const text = formatEventCursor({ epoch: "0a1b2c3d", seq: 123_456_789 });
  expect(encodeURIComponent(text)).toBe(text);
  expect(text).toBe("0a1b2c3d-21i3v9");
});

test.each([
  "",
  "1",
  "0a1b2c3d",
  "0a1b2c3d-",
  "-1",
  "0a1b2c3-1",
  "0a1b2c3d4-1",
  "0A1B2C3D-1",
  "0a1b2c3g-1",
  "0a1b2c3d-1A",
  "0a1b2c3d-1.",
  "0a1b2c3d-1.2.3",
  "0a1b2c3d-1~2.3",
  "0a1b2c3d.1",
  "0a1b2c3d--1",
  "0a1b2c3d-1-2",
  "0a1b2c3d_1",
  "0a1b2c3d-1~",
  "0a1b2c3d-1~2~3",
  " 0a1b2c3d-1",
  "0a1b2c3d-1\n",
  "0a1b2c3d-zzzzzzzzzzz",
  "0a1b2c3d-1'; DROP TABLE switchyard_events; --",
])("%j is no cursor", (text) => expect(parseEventCursor(text)).toBeUndefined());
