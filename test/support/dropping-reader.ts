import { createParser } from "eventsource-parser";
import type { Random } from "./random.ts";

/** One event as a reader got it. */
export interface Heard {
  readonly id: string;
  readonly type: string;
  readonly instanceId: string | undefined;
  readonly data: string;
}

/** Where a reader finds its stream just now; it moves when the gateway is started anew. */
export interface Station {
  url(): Promise<URL>;
  readonly key: string;
}

/** What a reader has lived through. */
export interface ReaderReport {
  /** Everything that came, control frames left out, in the order in which it came. */
  readonly heard: readonly Heard[];
  /** Control frames by type. */
  readonly controls: ReadonlyMap<string, number>;
  readonly connections: number;
}

/** A pause before a gateway that is down is tried again. */
const PAUSE_MS = 100;

/**
 * Follows a stream to its end: cuts itself off after a random number of bytes, comes back after the last event that was
 * complete, and so on until it is told that nothing will follow.
 *
 * @param mostBytes bytes that it reads of one connection at most, before it cuts it.
 */
export async function readDropping(
  station: Station,
  path: string,
  random: Random,
  mostBytes: number,
  isOver: (heard: Heard) => boolean = () => false,
): Promise<ReaderReport> {
  const heard: Heard[] = [];
  const controls = new Map<string, number>();
  let connections = 0;
  let lastId: string | undefined;
  let over = false;

  while (!over) {
    const response = await connect(station, path, lastId, random);
    if (response === undefined) continue;
    connections += 1;
    // Whoever comes back after everything was sent is told so.
    if (response.status === 204) return { heard, controls, connections };
    if (response.status !== 200) {
      const problem = await response.text();
      // A gateway that was killed under a request may say so.
      if (response.status >= 500) continue;
      throw new Error(`${path} answered ${response.status}: ${problem}`);
    }
    const parser = createParser({
      onEvent({ id = "", event = "", data }) {
        lastId = id;
        if (event.startsWith("stream.")) {
          controls.set(event, (controls.get(event) ?? 0) + 1);
          over ||= event === "stream.end";
          return;
        }
        const { instanceId } = JSON.parse(data) as { instanceId?: string };
        const one = { id, type: event, instanceId, data };
        heard.push(one);
        over ||= isOver(one);
      },
    });
    await readUpTo(response, random.between(1, mostBytes), (text) => {
      if (!over) parser.feed(text);
      return !over;
    });
  }
  return { heard, controls, connections };
}

async function connect(
  station: Station,
  path: string,
  lastId: string | undefined,
  random: Random,
): Promise<Response | undefined> {
  const url = new URL(path, await station.url());
  const headers: Record<string, string> = {
    authorization: `Bearer ${station.key}`,
    accept: "text/event-stream",
  };
  if (lastId !== undefined) {
    if (random.next() < 0.5) headers["last-event-id"] = lastId;
    else url.searchParams.set("after", lastId);
  }
  try {
    return await fetch(url, { headers });
  } catch {
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    return undefined;
  }
}

/**
 * Feeds what comes, byte for byte up to a place, or until `feed` has enough; then leaves. A connection that breaks has come
 * to its place too.
 */
async function readUpTo(response: Response, bytes: number, feed: (text: string) => boolean): Promise<void> {
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let left = bytes;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const taken = value.subarray(0, left);
      const more = feed(decoder.decode(taken, { stream: true }));
      left -= taken.length;
      if (left === 0 || !more) return;
    }
  } catch {
    return;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
