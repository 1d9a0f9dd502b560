import { afterEach, describe, expect, test, vi } from "vitest";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import type { StepEvent } from "../../src/gateway/contract/step-event.ts";
import type { EventsAnswer } from "../../src/gateway/port.ts";
import { eventStream } from "../../src/gateway/stream/event-stream.ts";
import type { JournalSource } from "../../src/gateway/stream/follow.ts";
import { Client, EPOCH, eventAt, SlowClient, StandInSocket, stretch } from "./stand-ins.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A journal that answers by script. What is asked of it beyond the script fails. */
class ScriptedSource implements JournalSource {
  readonly ofInstance: boolean;
  readonly asked: string[] = [];
  readonly sockets: StandInSocket[] = [];
  withSteps = false;
  readonly #answers: (() => EventsAnswer)[];
  #opened = Promise.withResolvers<void>();

  constructor(answers: readonly (EventsAnswer | (() => EventsAnswer))[] = [], ofInstance = true) {
    this.#answers = answers.map((answer) => (typeof answer === "function" ? answer : () => answer));
    this.ofInstance = ofInstance;
  }

  async read(after: string): Promise<EventsAnswer> {
    this.asked.push(`read after ${after.slice(EPOCH.length + 1)}`);
    const answer = this.#answers.shift();
    if (answer === undefined) throw new ProblemError("agent_not_found", { detail: "the script is over" });
    return answer();
  }

  async openTail(after: string, tailKey: string): Promise<WebSocket> {
    this.asked.push(`tail after ${after.slice(EPOCH.length + 1)} with ${tailKey}`);
    const socket = new StandInSocket();
    this.sockets.push(socket);
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
    return socket.asWebSocket();
  }

  /** The n-th tail, as soon as it is opened. */
  async tail(n: number): Promise<StandInSocket> {
    for (;;) {
      const socket = this.sockets[n - 1];
      if (socket !== undefined) return socket;
      await this.#opened.promise;
    }
  }
}

const HOUR_MS = 3_600_000;
const streamOf = (source: JournalSource, first: EventsAnswer, maxAgeMs = HOUR_MS) =>
  eventStream(source, first, maxAgeMs);
const completed = (n: number) => eventAt(n, "instance.completed", { output: {} });

describe("what is kept", () => {
  test("is sent page after page, and the stream of an instance that has ended is over", async () => {
    const source = new ScriptedSource([
      stretch(2, [eventAt(3), eventAt(4)], { more: true, ended: true }),
      stretch(4, [completed(5)], { ended: true }),
    ]);
    const client = new Client(
      streamOf(source, stretch(0, [eventAt(1), eventAt(2)], { more: true, ended: true })),
    );
    expect(await client.rest()).toEqual([
      "progress 1",
      "progress 2",
      "progress 3",
      "progress 4",
      "completed 5",
      "end 5",
    ]);
    expect(source.asked).toEqual(["read after 2", "read after 4"]);
  });

  test("begins with how soon to come back, which opens the response before anything happens", async () => {
    const reader = streamOf(new ScriptedSource(), stretch(0, [])).getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe("retry: 1000\n");
    await reader.cancel();
  });

  test("says first that something is missing, at the place where it is, so that a reader who leaves there loses nothing", async () => {
    const client = new Client(
      streamOf(new ScriptedSource(), stretch(0, [eventAt(8), completed(9)], { gap: true, ended: true })),
    );
    expect(await client.rest()).toEqual(["gap 0", "progress 8", "completed 9", "end 9"]);
  });

  test("is not read faster than the client takes it", async () => {
    let pages = 0;
    const page = (): EventsAnswer => {
      pages += 1;
      return stretch(pages, [eventAt(pages + 1)], { more: true });
    };
    const source = new ScriptedSource(Array.from({ length: 50 }, () => page));
    const reader = streamOf(source, stretch(0, [eventAt(1)], { more: true })).getReader();
    for (let taken = 0; taken < 3; taken += 1) await reader.read();
    await new Promise((resume) => setTimeout(resume));
    expect(pages).toBeLessThan(6);
    await reader.cancel();
  });
});

describe("what is live", () => {
  test("follows what is kept, after the word that all of that was sent; the end of the instance ends it", async () => {
    const source = new ScriptedSource();
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)])));
    expect(await client.take(2)).toEqual(["progress 1", "caught-up 1"]);
    const socket = await source.tail(1);
    socket.tell(eventAt(2), eventAt(3));
    expect(await client.take(2)).toEqual(["progress 2", "progress 3"]);
    socket.tell(completed(4), eventAt(5));
    expect(await client.rest()).toEqual(["completed 4", "end 4"]);
    expect(source.asked).toEqual(["tail after 1 with tail-key"]);
    expect(socket.closings).toEqual([1000]);
  });

  test("ends with a failure as with a success", async () => {
    const source = new ScriptedSource();
    const client = new Client(streamOf(source, stretch(0, [])));
    (await source.tail(1)).tell(eventAt(1, "instance.errored", { error: { name: "Error", message: "no" } }));
    expect(await client.rest()).toEqual(["caught-up 0", "errored 1", "end 1"]);
  });

  test("ends with the last steps, where steps are shown: some are told after the end is", async () => {
    const late = {
      ...eventAt(2),
      type: "step.completed",
      data: { stepName: "pay", occurrence: 1 },
    } as StepEvent;
    const source = new ScriptedSource([
      stretch(1, [], { ended: true, more: true }),
      stretch(1, [late, completed(3)], { ended: true }),
    ]);
    source.withSteps = true;
    const client = new Client(streamOf(source, stretch(0, [])));
    (await source.tail(1)).tell(eventAt(1), completed(2));
    expect(await client.rest()).toEqual([
      "caught-up 0",
      "progress 1",
      "step.completed 2",
      "completed 3",
      "end 3",
    ]);
    expect(source.asked).toEqual(["tail after 0 with tail-key", "read after 1", "read after 1"]);
  });

  test("goes on after the end of one instance, if it is of a whole agent", async () => {
    const source = new ScriptedSource([], false);
    const client = new Client(streamOf(source, stretch(0, [])));
    const socket = await source.tail(1);
    socket.tell(completed(1), eventAt(2));
    expect(await client.take(3)).toEqual(["caught-up 0", "completed 1", "progress 2"]);
    await client.leave();
  });

  test("is not lost where it comes before the tail is accepted", async () => {
    const source = new ScriptedSource();
    const opened = source.openTail.bind(source);
    source.openTail = async (after, tailKey) => {
      const socket = await opened(after, tailKey);
      (await source.tail(1)).tell(eventAt(1));
      return socket;
    };
    const client = new Client(streamOf(source, stretch(0, [])));
    expect(await client.take(2)).toEqual(["caught-up 0", "progress 1"]);
    await client.leave();
  });

  test("is only what the journal has: other words of an Agent to its connections are not passed on", async () => {
    const source = new ScriptedSource();
    const client = new Client(streamOf(source, stretch(0, [])));
    const socket = await source.tail(1);
    socket.tell(
      '{"type":"cf_agent_state","state":{}}',
      "null",
      "1",
      '"text"',
      '{"id":"x","type":"error"}',
      '{"type":"instance.progress"}',
      "no JSON",
      '{"id":"1\\ndata: forged","type":"instance.progress"}',
      '{"id":1,"type":"instance.progress"}',
    );
    socket.tell(completed(1));
    expect(await client.rest()).toEqual(["caught-up 0", "completed 1", "end 1"]);
  });
});

function unavailable(): never {
  throw new ProblemError("agent_unavailable");
}

describe("when the tail is cut", () => {
  test.each(["close", "error"] as const)(
    "by %s, it goes on from the last cursor: no event twice, none missed",
    async (how) => {
      const source = new ScriptedSource([stretch(2, [eventAt(3), eventAt(4)])]);
      const client = new Client(streamOf(source, stretch(0, [eventAt(1)])));
      const first = await source.tail(1);
      first.tell(eventAt(2));
      first.cut(how);
      expect(await client.take(5)).toEqual([
        "progress 1",
        "caught-up 1",
        "progress 2",
        "progress 3",
        "progress 4",
      ]);
      (await source.tail(2)).tell(completed(5));
      expect(await client.rest()).toEqual(["completed 5", "end 5"]);
      expect(source.asked).toEqual([
        "tail after 1 with tail-key",
        "read after 2",
        "tail after 4 with tail-key",
      ]);
      expect(first.closings).toEqual([1000]);
    },
  );

  test("what came just before is still sent", async () => {
    const source = new ScriptedSource([stretch(3, [], { ended: true })]);
    const client = new Client(streamOf(source, stretch(0, [])));
    const socket = await source.tail(1);
    socket.tell(eventAt(1), eventAt(2), eventAt(3));
    socket.cut();
    expect(await client.rest()).toEqual(["caught-up 0", "progress 1", "progress 2", "progress 3", "end 3"]);
  });

  test("and the instance has ended meanwhile, its end is read from the journal", async () => {
    const source = new ScriptedSource([stretch(1, [completed(2)], { ended: true })]);
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)])));
    (await source.tail(1)).cut();
    expect(await client.rest()).toEqual(["progress 1", "caught-up 1", "completed 2", "end 2"]);
  });

  test("and the agent is gone, the client is told to come back with its cursor", async () => {
    const source = new ScriptedSource([
      () => {
        throw new ProblemError("agent_not_found");
      },
    ]);
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)])));
    (await source.tail(1)).cut();
    expect(await client.rest()).toEqual(["progress 1", "caught-up 1", "closing 1"]);
  });

  test("and the agent cannot answer for a moment, it is asked again", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource([
      unavailable,
      unavailable,
      stretch(1, [completed(2)], { ended: true }),
    ]);
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)])));
    const all = client.rest();
    (await source.tail(1)).cut();
    await vi.runAllTimersAsync();
    expect(await all).toEqual(["progress 1", "caught-up 1", "completed 2", "end 2"]);
  });

  test.each([1, 4, 5, 6, 7])(
    "%d times, and then the agent cannot answer for long, the client is told to come back in the end",
    async (cuts) => {
      vi.useFakeTimers();
      const tries = 30;
      const source = new ScriptedSource([
        ...Array.from({ length: cuts - 1 }, () => stretch(0, [])),
        ...Array.from({ length: tries }, () => unavailable),
      ]);
      const client = new Client(streamOf(source, stretch(0, [])));
      void cutAll(source, cuts);
      await passMinutes(60);
      expect(client.ended).toBe(true);
      expect(await client.rest()).toEqual(["caught-up 0", "closing 0"]);
      // The script goes on: it was the stream that gave up.
      expect(source.asked.length).toBeLessThan(cuts + tries);
    },
  );

  test("16 times in a row, the client is served or told to come back within ten minutes, not left in silence", async () => {
    vi.useFakeTimers();
    const cuts = 16;
    const source = new ScriptedSource([
      ...Array.from({ length: cuts - 1 }, () => stretch(0, [])),
      stretch(0, [completed(1)], { ended: true }),
    ]);
    const client = new Client(streamOf(source, stretch(0, [])));
    void cutAll(source, cuts);
    await passMinutes(10);
    expect(client.ended).toBe(true);
    expect(["end 1", "closing 0"]).toContain((await client.rest()).at(-1));
  });
});

/** An event of about 100 KiB. */
const large = (n: number) => eventAt(n, "instance.progress", { progress: "~".repeat(100 * 1024) });

/** A stream that was read up to its tail; the first event of that is there already, and nothing more is asked for. */
async function unread(source: ScriptedSource) {
  const client = new SlowClient(streamOf(source, stretch(0, [])));
  expect(await client.until("caught-up 0")).toEqual(["caught-up 0"]);
  const next = client.read();
  const socket = await source.tail(1);
  socket.tell(large(1));
  expect(await next).toEqual(["progress 1"]);
  return { client, socket };
}

describe("a client that does not read", () => {
  test("has at most 256 KiB waiting for it; when it reads on, it is fed from the journal instead", async () => {
    const source = new ScriptedSource([
      stretch(1, [large(2), large(3), large(4), completed(5)], { ended: true }),
    ]);
    const { client, socket } = await unread(source);
    socket.tell(large(2));
    expect(socket.closings).toEqual([]);
    socket.tell(large(3));
    expect(socket.closings).toEqual([1000]);
    socket.tell(large(4), completed(5));
    expect(source.asked).toEqual(["tail after 0 with tail-key"]);
    expect(await client.rest()).toEqual(["progress 2", "progress 3", "progress 4", "completed 5", "end 5"]);
    expect(source.asked).toEqual(["tail after 0 with tail-key", "read after 1"]);
  });

  test("is measured in bytes, not in characters", async () => {
    const source = new ScriptedSource();
    const { socket } = await unread(source);
    socket.tell(eventAt(2, "instance.progress", { progress: "\u4e00".repeat(60 * 1024) }));
    expect(socket.closings).toEqual([1000]);
  });

  test("is told to come back if it takes nothing for half a minute, and nothing is held for it", async () => {
    vi.useFakeTimers();
    const { client, socket } = await unread(new ScriptedSource());
    socket.tell(eventAt(2));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(socket.closings).toEqual([1000]);
    expect(vi.getTimerCount()).toBe(0);
    expect(await client.rest()).toEqual(["closing 1"]);
  });

  test("is told so during the replay, too: it comes back after what it has read", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    const client = new SlowClient(
      streamOf(source, stretch(0, [large(1), large(2), large(3)], { more: true })),
    );
    expect(await client.until("progress 1")).toEqual(["progress 1"]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(await client.rest()).toEqual(["closing 1"]);
    expect(source.asked).toEqual([]);
  });

  test("is another than one that reads slowly: that one is not cut", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource([stretch(9, [completed(10)], { ended: true })]);
    const page = Array.from({ length: 9 }, (_, at) => large(at + 1));
    const client = new SlowClient(streamOf(source, stretch(0, page, { more: true })));
    const read: string[] = [];
    while (!client.ended) {
      read.push(...(await client.read()));
      await vi.advanceTimersByTimeAsync(14_000);
    }
    expect(read).toEqual([...page.map((_, at) => `progress ${at + 1}`), "completed 10", "end 10"]);
  });

  test("is not one that meets a single event, however large", async () => {
    const source = new ScriptedSource();
    const client = new Client(streamOf(source, stretch(0, [])));
    const socket = await source.tail(1);
    socket.tell(eventAt(1, "instance.progress", { progress: "~".repeat(1024 * 1024) }));
    expect(await client.take(2)).toEqual(["caught-up 0", "progress 1"]);
    await new Promise((resume) => setTimeout(resume));
    expect(socket.closings).toEqual([]);
    socket.tell(completed(2));
    expect(await client.rest()).toEqual(["completed 2", "end 2"]);
  });
});

describe("a burst that comes at once", () => {
  test("and is more than may wait, is read from the journal: no event twice, none missed", async () => {
    const burst = [1, 2, 3, 4].map(large);
    const source = new ScriptedSource([() => stretch(0, [...burst, completed(5)], { ended: true })]);
    const client = new Client(streamOf(source, stretch(0, [])));
    expect(await client.take(1)).toEqual(["caught-up 0"]);
    const socket = await source.tail(1);
    socket.tell(...burst);
    expect(socket.closings).toEqual([1000]);
    expect(await client.rest()).toEqual([
      ...burst.map((_, at) => `progress ${at + 1}`),
      "completed 5",
      "end 5",
    ]);
  });
});

describe("an old stream", () => {
  const AGE_MS = 20_000;

  test("ends in time, and says after what to come back", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)]), AGE_MS));
    expect(await client.take(2)).toEqual(["progress 1", "caught-up 1"]);
    (await source.tail(1)).tell(eventAt(2));
    expect(await client.take(1)).toEqual(["progress 2"]);
    await vi.advanceTimersByTimeAsync(AGE_MS - 1);
    expect(client.ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await client.rest()).toEqual(["closing 2"]);
    expect((await source.tail(1)).closings).toEqual([1000]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends though nobody reads it, and says after what was read", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    const client = new SlowClient(streamOf(source, stretch(0, [large(1), large(2)]), 10_000));
    await client.until("progress 1");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(await client.rest()).toEqual(["closing 1"]);
  });

  test("ends though its agent does not answer", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    source.read = () => new Promise(() => {});
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)], { more: true }), 10_000));
    expect(await client.take(1)).toEqual(["progress 1"]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await client.rest()).toEqual(["closing 1"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("when the agent takes no more streams", () => {
  test("the client is told to come back", async () => {
    const source = new ScriptedSource();
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)])));
    (await source.tail(1)).refuse();
    expect(await client.rest()).toEqual(["progress 1", "caught-up 1", "closing 1"]);
  });
});

describe("when the client leaves", () => {
  test("the tail is closed, and nothing goes on", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)])));
    await client.take(2);
    const socket = await source.tail(1);
    await client.leave();
    expect(socket.closings).toEqual([1000]);
    expect(vi.getTimerCount()).toBe(0);
    await passMinutes(1);
    expect(source.asked).toEqual(["tail after 1 with tail-key"]);
  });

  test("while the tail is being opened, that is closed as soon as it is there", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    const gate = Promise.withResolvers<void>();
    const open = source.openTail.bind(source);
    source.openTail = async (after, tailKey) => {
      await gate.promise;
      return open(after, tailKey);
    };
    const client = new Client(streamOf(source, stretch(0, [])));
    await client.take(1);
    await client.leave();
    expect(vi.getTimerCount()).toBe(0);
    gate.resolve();
    const socket = await source.tail(1);
    await passMinutes(1);
    expect(socket.closings).toEqual([1000]);
  });

  test("with something on its way that it did not take, the tail is closed", async () => {
    vi.useFakeTimers();
    const { client, socket } = await unread(new ScriptedSource());
    socket.tell(eventAt(2));
    await client.leave();
    expect(socket.closings).toEqual([1000]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("during the replay, no more of it is read", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource([stretch(2, [eventAt(3)], { more: true })]);
    const client = new SlowClient(streamOf(source, stretch(0, [large(1), large(2)], { more: true })));
    await client.until("progress 1");
    await client.leave();
    await passMinutes(1);
    expect(source.asked).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("between two tries to reach the agent, there is no other", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource([unavailable, unavailable]);
    const client = new Client(streamOf(source, stretch(0, [])));
    (await source.tail(1)).cut();
    await vi.advanceTimersByTimeAsync(0);
    const { length } = source.asked;
    await client.leave();
    expect(vi.getTimerCount()).toBe(0);
    await passMinutes(1);
    expect(source.asked).toHaveLength(length);
  });
});

describe("a silent stream", () => {
  test("has a comment every 15 seconds, and none after its end", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    const client = new Client(streamOf(source, stretch(0, [])));
    await client.take(1);
    const socket = await source.tail(1);
    const sent = client.text;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(client.text).toBe(`${sent}: heartbeat\n\n`);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(client.text).toBe(`${sent}: heartbeat\n\n: heartbeat\n\n`);
    socket.tell(completed(1));
    expect(await client.rest()).toEqual(["completed 1", "end 1"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("has them also while its agent does not answer", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    source.read = () => new Promise(() => {});
    const client = new Client(streamOf(source, stretch(0, [eventAt(1)], { more: true })));
    await client.take(1);
    const sent = client.text;
    await vi.advanceTimersByTimeAsync(45_000);
    expect(client.text).toBe(sent + ": heartbeat\n\n".repeat(3));
    await client.leave();
  });
});

/** Cuts one tail after the other, as each is opened. */
async function cutAll(source: ScriptedSource, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) (await source.tail(n)).cut();
}

async function passMinutes(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) await vi.advanceTimersByTimeAsync(60_000);
}
