import { afterEach, describe, expect, test, vi } from "vitest";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import type { EventsAnswer } from "../../src/gateway/port.ts";
import { eventStream, type JournalSource } from "../../src/gateway/stream/event-stream.ts";
import { Client, EPOCH, eventAt, StandInSocket, stretch } from "./stand-ins.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** A journal that answers by script. What is asked of it beyond the script fails. */
class ScriptedSource implements JournalSource {
  readonly ofInstance: boolean;
  readonly asked: string[] = [];
  readonly sockets: StandInSocket[] = [];
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

const completed = (n: number) => eventAt(n, "instance.completed", { output: {} });

describe("what is kept", () => {
  test("is sent page after page, and the stream of an instance that has ended is over", async () => {
    const source = new ScriptedSource([
      stretch(2, [eventAt(3), eventAt(4)], { more: true, ended: true }),
      stretch(4, [completed(5)], { ended: true }),
    ]);
    const client = new Client(
      eventStream(source, stretch(0, [eventAt(1), eventAt(2)], { more: true, ended: true })),
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
    const reader = eventStream(new ScriptedSource(), stretch(0, [])).getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe("retry: 1000\n\n");
    await reader.cancel();
  });

  test("says first that something is missing, at the place where it is, so that a reader who leaves there loses nothing", async () => {
    const client = new Client(
      eventStream(new ScriptedSource(), stretch(0, [eventAt(8), completed(9)], { gap: true, ended: true })),
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
    const reader = eventStream(source, stretch(0, [eventAt(1)], { more: true })).getReader();
    for (let taken = 0; taken < 3; taken += 1) await reader.read();
    await new Promise((resume) => setTimeout(resume));
    expect(pages).toBeLessThan(6);
    await reader.cancel();
  });
});

describe("what is live", () => {
  test("follows what is kept, after the word that all of that was sent; the end of the instance ends it", async () => {
    const source = new ScriptedSource();
    const client = new Client(eventStream(source, stretch(0, [eventAt(1)])));
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
    const client = new Client(eventStream(source, stretch(0, [])));
    (await source.tail(1)).tell(eventAt(1, "instance.errored", { error: { name: "Error", message: "no" } }));
    expect(await client.rest()).toEqual(["caught-up 0", "errored 1", "end 1"]);
  });

  test("goes on after the end of one instance, if it is of a whole agent", async () => {
    const source = new ScriptedSource([], false);
    const client = new Client(eventStream(source, stretch(0, [])));
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
    const client = new Client(eventStream(source, stretch(0, [])));
    expect(await client.take(2)).toEqual(["caught-up 0", "progress 1"]);
    await client.leave();
  });

  test("is only what the journal has: other words of an Agent to its connections are not passed on", async () => {
    const source = new ScriptedSource();
    const client = new Client(eventStream(source, stretch(0, [])));
    const socket = await source.tail(1);
    socket.tell(
      '{"type":"cf_agent_state","state":{}}',
      "null",
      "1",
      '"text"',
      '{"id":"x","type":"error"}',
      '{"type":"instance.progress"}',
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
      const client = new Client(eventStream(source, stretch(0, [eventAt(1)])));
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
    const client = new Client(eventStream(source, stretch(0, [])));
    const socket = await source.tail(1);
    socket.tell(eventAt(1), eventAt(2), eventAt(3));
    socket.cut();
    expect(await client.rest()).toEqual(["caught-up 0", "progress 1", "progress 2", "progress 3", "end 3"]);
  });

  test("and the instance has ended meanwhile, its end is read from the journal", async () => {
    const source = new ScriptedSource([stretch(1, [completed(2)], { ended: true })]);
    const client = new Client(eventStream(source, stretch(0, [eventAt(1)])));
    (await source.tail(1)).cut();
    expect(await client.rest()).toEqual(["progress 1", "caught-up 1", "completed 2", "end 2"]);
  });

  test("because the client fell far behind, it reads pages of the journal instead", async () => {
    const behind = Array.from({ length: 1_001 }, (_, at) => eventAt(at + 1));
    const source = new ScriptedSource([() => stretch(0, [...behind, completed(1_002)], { ended: true })]);
    const client = new Client(eventStream(source, stretch(0, [])));
    expect(await client.take(1)).toEqual(["caught-up 0"]);
    const socket = await source.tail(1);
    socket.tell(...behind);
    expect(await client.rest()).toEqual([
      ...behind.map((_, at) => `progress ${at + 1}`),
      "completed 1002",
      "end 1002",
    ]);
    expect(socket.closings).toEqual([1000]);
  });

  test("and the agent is gone, the client is told to come back with its cursor", async () => {
    const source = new ScriptedSource([
      () => {
        throw new ProblemError("agent_not_found");
      },
    ]);
    const client = new Client(eventStream(source, stretch(0, [eventAt(1)])));
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
    const client = new Client(eventStream(source, stretch(0, [eventAt(1)])));
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
      const client = new Client(eventStream(source, stretch(0, [])));
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
    const client = new Client(eventStream(source, stretch(0, [])));
    void cutAll(source, cuts);
    await passMinutes(10);
    expect(client.ended).toBe(true);
    expect(["end 1", "closing 0"]).toContain((await client.rest()).at(-1));
  });
});

describe("when the client leaves", () => {
  test("the tail is closed, and nothing goes on", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    const client = new Client(eventStream(source, stretch(0, [eventAt(1)])));
    await client.take(2);
    const socket = await source.tail(1);
    await client.leave();
    await passMinutes(1);
    expect(socket.closings).toEqual([1000]);
    expect(source.asked).toEqual(["tail after 1 with tail-key"]);
    expect(vi.getTimerCount()).toBe(0);
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
    const client = new Client(eventStream(source, stretch(0, [])));
    await client.take(1);
    await client.leave();
    gate.resolve();
    const socket = await source.tail(1);
    await passMinutes(1);
    expect(socket.closings).toEqual([1000]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a silent stream", () => {
  test("has a comment every 15 seconds, and none after its end", async () => {
    vi.useFakeTimers();
    const source = new ScriptedSource();
    const client = new Client(eventStream(source, stretch(0, [])));
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
});

/** Cuts one tail after the other, as each is opened. */
async function cutAll(source: ScriptedSource, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) (await source.tail(n)).cut();
}

async function passMinutes(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) await vi.advanceTimersByTimeAsync(60_000);
}
