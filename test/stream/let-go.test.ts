import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { EventsAnswer } from "../../src/gateway/port.ts";
import { eventStream } from "../../src/gateway/stream/event-stream.ts";
import type { JournalSource } from "../../src/gateway/stream/follow.ts";
import { Client, EPOCH, eventAt, StandInSocket, stretch } from "./stand-ins.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** A journal of two pages, of whose events it is known whether anybody still has them. */
class WatchedSource implements JournalSource {
  readonly ofInstance = true;
  readonly tail = Promise.withResolvers<void>();
  readonly #pages: WeakRef<object>[] = [];

  /** The page after the n-th event. */
  page(n: number, more: boolean): EventsAnswer {
    const events = [eventAt(n + 1)];
    this.#pages.push(new WeakRef(events));
    return stretch(n, events, { more });
  }

  async read(after: string): Promise<EventsAnswer> {
    return this.page(Number(after.slice(EPOCH.length + 1)), false);
  }

  async openTail(): Promise<WebSocket> {
    this.tail.resolve();
    return new StandInSocket().asWebSocket();
  }

  /** How many of its pages somebody has. */
  held(): number {
    collectGarbage();
    return this.#pages.filter((page) => page.deref() !== undefined).length;
  }
}

test("a stream that waits for what comes next holds nothing of what it has told", async () => {
  const source = new WatchedSource();
  const client = new Client(eventStream(source, source.page(0, true), 3_600_000));
  expect(await client.take(3)).toEqual(["progress 1", "progress 2", "caught-up 2"]);
  await source.tail.promise;
  // A weak reference is good until the turn is over.
  await new Promise((resume) => setTimeout(resume));
  expect(source.held()).toBe(0);
  await client.leave();
});
