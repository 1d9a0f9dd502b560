import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { GatewayEvent } from "../../src/gateway/contract/event.ts";
import { controlFrame, eventFrame, HEARTBEAT, OPENING } from "../../src/gateway/stream/frame.ts";
import { eventAt, parseFrames } from "./stand-ins.ts";

const NAUGHTY = JSON.parse(
  readFileSync(new URL("../data/naughty-strings.json", import.meta.url), "utf8"),
) as readonly string[];

describe("the bytes of a stream", () => {
  test("begin with how soon to come back", () => expect(OPENING).toBe("retry: 1000\n"));

  test("are a comment where nothing happens", () => {
    expect(HEARTBEAT).toBe(": heartbeat\n\n");
    expect(parseFrames([HEARTBEAT])).toEqual([]);
  });

  test("of an event are its cursor, its type and itself", () => {
    expect(eventFrame(eventAt(7, "instance.message", { message: "Grüße\n😀" }))).toBe(
      "id: 0a1b2c3d-7\n" +
        "event: instance.message\n" +
        'data: {"id":"0a1b2c3d-7","type":"instance.message","agent":"/agents/order-desk/acme","instanceId":"r-1",' +
        '"workflow":"refund","attempt":1,"time":"2026-04-01T10:00:00.000Z","data":{"message":"Grüße\\n😀"}}\n\n',
    );
  });

  test.each(["stream.caught-up", "stream.gap", "stream.closing", "stream.end"] as const)(
    "of %s carry the cursor, so that a reader resumes after it",
    (type) => {
      expect(controlFrame({ type }, "0a1b2c3d-7")).toBe(
        `id: 0a1b2c3d-7\nevent: ${type}\ndata: {"type":"${type}"}\n\n`,
      );
    },
  );
});

/** An event that carries a text wherever an author can put one. */
function eventSaying(text: string, n: number): GatewayEvent {
  return eventAt(n, "instance.message", { message: { text, [text]: [text] } });
}

describe("whatever an event says arrives as it was said", () => {
  test.each(NAUGHTY)("%j", (text) => {
    const event = eventSaying(text, 1);
    expect(parseFrames([eventFrame(event)])).toEqual([{ id: event.id, event: event.type, data: event }]);
  });

  test.each([
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "\n\ndata: x\n\n",
    "\u0000",
    "\u2028\u2029\u0085",
    "\uFEFF",
    "\uD800",
    "\uDFFF x",
  ])("%j, which ends a line or is no character, also through UTF-8", (text) => {
    const event = eventSaying(text, 1);
    const frame = eventFrame(event);
    expect(frame.split(/\r\n|\r|\n/)).toHaveLength(5);
    const received = new TextDecoder().decode(new TextEncoder().encode(frame));
    expect(parseFrames([received])).toEqual([{ id: event.id, event: event.type, data: event }]);
  });

  const events = NAUGHTY.map(eventSaying);
  const expected = events.map((event) => ({ id: event.id, event: event.type, data: event }));

  test("in one stream, in order, whatever stands between", () => {
    const text = OPENING + events.map((event) => eventFrame(event) + HEARTBEAT).join("");
    expect(parseFrames([text])).toEqual(expected);
  });

  test("byte by byte", () => {
    const decoder = new TextDecoder();
    const bytes = new TextEncoder().encode(OPENING + events.map(eventFrame).join(""));
    const pieces = Array.from(bytes, (byte) => decoder.decode(Uint8Array.of(byte), { stream: true }));
    expect(parseFrames(pieces)).toEqual(expected);
  });

  test.each([
    "plain",
    "Grüße 😀",
    "\n\ndata: x\r\n",
    "田中さんにあげて下さい",
    "﷽ ̡͓̞ͅI̗",
    "\uFEFF",
    "😀\u0000\uD800",
  ])("cut at every byte: %j", (message) => {
    const [before, event, after] = [
      eventSaying("before", 1),
      eventSaying(message, 2),
      eventSaying("after", 3),
    ];
    const bytes = new TextEncoder().encode(eventFrame(before) + eventFrame(event) + eventFrame(after));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const decoder = new TextDecoder();
      const pieces = [
        decoder.decode(bytes.subarray(0, cut), { stream: true }),
        decoder.decode(bytes.subarray(cut)),
      ];
      expect(
        parseFrames(pieces).map(({ data }) => data),
        `cut at ${cut}`,
      ).toEqual([before, event, after]);
    }
  });
});
