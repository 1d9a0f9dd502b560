// Readers of one stream, in a process of their own: see stream-readers.ts.
import { get } from "node:http";
import { createParser } from "eventsource-parser";
import type { FromReaders, ToReaders } from "./stream-readers.ts";

/** Milliseconds on a clock that all processes of this machine share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const tell = (message: FromReaders): unknown => process.send?.(message);

/** How many readers have heard of a type. */
const heard = new Map<string, number>();
let count = 0;
let awaited = "stream.caught-up";

function note(type: string): void {
  const readers = (heard.get(type) ?? 0) + 1;
  heard.set(type, readers);
  if (type === awaited && readers === count) tell({ kind: "heard", type, at: now() });
}

/** Opens one stream on a connection of its own. @returns what closes it. */
function open(url: string, key: string): () => void {
  const types = new Set<string>();
  const parser = createParser({
    onEvent({ event = "message" }) {
      if (types.has(event)) return;
      types.add(event);
      note(event);
    },
  });
  const headers = { authorization: `Bearer ${key}`, accept: "text/event-stream" };
  const request = get(url, { agent: false, headers }, (response) => {
    if (response.statusCode !== 200) tell({ kind: "failed", reason: `HTTP ${response.statusCode}` });
    response.setEncoding("utf8");
    response.on("data", (text: string) => parser.feed(text));
  });
  request.on("error", ({ message }) => tell({ kind: "failed", reason: message }));
  return () => {
    request.removeAllListeners("error").on("error", () => {});
    request.destroy();
  };
}

let leave: (() => void)[] = [];
process.on("message", (message: ToReaders) => {
  switch (message.kind) {
    case "open": {
      const { url, key } = message;
      ({ count } = message);
      tell({ kind: "begun", at: now() });
      leave = Array.from({ length: count }, () => open(url, key));
      return;
    }
    case "await":
      awaited = message.type;
      tell({ kind: "awaiting" });
      return;
    case "leave":
      for (const close of leave) close();
      tell({ kind: "left" });
      return;
  }
});
