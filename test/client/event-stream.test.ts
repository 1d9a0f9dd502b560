import { describe, expect, test } from "vitest";
import { EventStreamReader, type StreamMessage } from "../../src/gateway/client/event-stream.ts";

interface Case {
  readonly stream: string | Uint8Array;
  readonly told: readonly StreamMessage[];
  readonly retryMs?: number;
}

const message = (data: string, id = "", type = "message"): StreamMessage => ({ id, type, data });

/** What the standard says of a stream (WHATWG HTML, 9.2.6), with the examples that it gives. */
const CASES: Readonly<Record<string, Case>> = {
  "lines that end with LF": { stream: "data: a\n\ndata: b\n\n", told: [message("a"), message("b")] },
  "lines that end with CR": { stream: "data: a\r\rdata: b\r\r", told: [message("a"), message("b")] },
  "lines that end with CRLF": {
    stream: "data: a\r\n\r\ndata: b\r\n\r\n",
    told: [message("a"), message("b")],
  },
  "lines that end differently": {
    stream: "data: a\rdata: b\ndata: c\r\n\ndata: d\n\r\ndata: e\r\r\n",
    told: [message("a\nb\nc"), message("d"), message("e")],
  },
  "a byte order mark at the beginning": { stream: "\uFEFFdata: a\n\n", told: [message("a")] },
  "a second byte order mark, which belongs to a name": { stream: "\uFEFF\uFEFFdata: a\n\n", told: [] },
  "a byte order mark in a value": { stream: "data: \uFEFFa\n\n", told: [message("\uFEFFa")] },
  "several lines of data": {
    stream: "data: YHOO\ndata: +2\ndata: 10\n\n",
    told: [message("YHOO\n+2\n10")],
  },
  "comments, ids and one space that is dropped": {
    stream: ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
    told: [message("first event", "1"), message("second event"), message(" third event")],
  },
  "data that is empty, and an event that is not finished": {
    stream: "data\n\ndata\ndata\n\ndata:",
    told: [message(""), message("\n")],
  },
  "a space after the colon or none": {
    stream: "data:test\n\ndata: test\n\n",
    told: [message("test"), message("test")],
  },
  "only one space is dropped, and no tab": {
    stream: "data:\ta\n\ndata:  b\n\n",
    told: [message("\ta"), message(" b")],
  },
  "names of events": {
    stream: "event: add\ndata: 1\n\nevent: remove\ndata: 2\n\ndata: 3\n\n",
    told: [message("1", "", "add"), message("2", "", "remove"), message("3")],
  },
  "an event name that is empty": { stream: "event: add\nevent:\ndata: 1\n\n", told: [message("1")] },
  "a name without data, which is forgotten": { stream: "event: add\n\ndata: 1\n\n", told: [message("1")] },
  "an id, which holds until the next": {
    stream: "id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n",
    told: [message("a", "1"), message("b", "1"), message("c", "2")],
  },
  "an id without data, which holds too": { stream: "id: 7\n\ndata: a\n\n", told: [message("a", "7")] },
  "an id that is empty": {
    stream: "id: 1\ndata: a\n\nid:\ndata: b\n\n",
    told: [message("a", "1"), message("b")],
  },
  "an id with NUL, which is ignored": {
    stream: "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n",
    told: [message("a", "1"), message("b", "1")],
  },
  "NUL in data": { stream: "data: a\0b\n\n", told: [message("a\0b")] },
  "a time to come back": { stream: "retry: 250\ndata: a\n\n", told: [message("a")], retryMs: 250 },
  "a time that is no number": {
    stream: "retry: 250\nretry: 1e3\nretry: -1\nretry: 2s\nretry:\ndata: a\n\n",
    told: [message("a")],
    retryMs: 250,
  },
  "fields that nobody knows, also in capitals": {
    stream: "Data: a\nDATA: b\ndatum: c\ndata : d\n data: e\nid: 1\ndata: f\n\n",
    told: [message("f", "1")],
  },
  "a value with colons": { stream: "data: a: b:c\n\n", told: [message("a: b:c")] },
  "blank lines": { stream: "\n\n\r\r\n\ndata: a\n\n\n\n", told: [message("a")] },
  "comments alone": { stream: ":\n: heartbeat\n\n:a:b\r\n\r\n", told: [] },
  "characters of two, three and four bytes": {
    stream: "event: é\nid: ü–1\ndata: Grüße, 漢字, 🚂🛤️\n\n",
    told: [message("Grüße, 漢字, 🚂🛤️", "ü–1", "é")],
  },
  "bytes that are no UTF-8": {
    stream: new Uint8Array([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xc3, 0x0a, 0x0a]),
    told: [message("\uFFFD\uFFFD")],
  },
  "data of the size of a page": {
    stream: `data: ${"0123456789".repeat(30)}\ndata: ${"é".repeat(40)}\n\n`,
    told: [message(`${"0123456789".repeat(30)}\n${"é".repeat(40)}`)],
  },
};

function read(pieces: readonly Uint8Array[]): { told: StreamMessage[]; retryMs: number | undefined } {
  const reader = new EventStreamReader();
  const told = pieces.flatMap((piece) => reader.feed(piece));
  return { told, retryMs: reader.retryMs };
}

describe.each(Object.entries(CASES))("%s", (_, { stream, told, retryMs }) => {
  const bytes = typeof stream === "string" ? new TextEncoder().encode(stream) : stream;
  const expected = { told, retryMs };

  test("are read in one piece", () => {
    expect(read([bytes])).toEqual(expected);
  });

  test("are read in two pieces, wherever they are cut", () => {
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(read([bytes.subarray(0, at), bytes.subarray(at)]), `cut at byte ${at}`).toEqual(expected);
    }
  });

  test("are read byte by byte", () => {
    expect(read(Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1)))).toEqual(expected);
  });
});

test("an id that was received before holds until the stream sets another", () => {
  const reader = new EventStreamReader("a-9");
  const told = reader.feed(new TextEncoder().encode("data: 1\n\nid: a-10\ndata: 2\n\n"));
  expect(told).toEqual([message("1", "a-9"), message("2", "a-10")]);
});
