import { describe, expect, test } from "vitest";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import type { EventsAnswer } from "../../src/gateway/port.ts";
import { waitForEnd, waitForNews } from "../../src/gateway/stream/wait.ts";
import { EPOCH, eventAt, StandInSocket, stretch } from "./stand-ins.ts";

/** A journal that gives these stretches one after the other, and a socket each time its tail is opened. */
function openSource(...answers: EventsAnswer[]) {
  const log: string[] = [];
  const sockets: StandInSocket[] = [];
  let opened = Promise.withResolvers<StandInSocket>();
  return {
    log,
    sockets,
    /** The next tail that is opened. */
    nextSocket: async (): Promise<StandInSocket> => {
      const socket = await opened.promise;
      opened = Promise.withResolvers();
      return socket;
    },
    source: {
      ofInstance: true,
      async read(after: string | undefined): Promise<EventsAnswer> {
        log.push(`read ${after?.slice(EPOCH.length + 1)}`);
        const answer = answers.shift();
        if (answer === undefined) throw new Error("the journal has no more");
        return answer;
      },
      async openTail(after: string, tailKey: string): Promise<WebSocket> {
        log.push(`tail ${after.slice(EPOCH.length + 1)} with ${tailKey}`);
        const socket = new StandInSocket();
        sockets.push(socket);
        opened.resolve(socket);
        return socket.asWebSocket();
      },
    },
  };
}
const never = new AbortController().signal;
/** Whether work is over after all that can happen by itself has happened. */
async function isOver(work: Promise<unknown>): Promise<boolean> {
  let over = false;
  const mark = () => {
    over = true;
  };
  work.then(mark, mark);
  await new Promise((resume) => setImmediate(resume));
  return over;
}

describe("waiting for the end of an instance", () => {
  test("is over at once if it has ended, and opens no tail", async () => {
    const { log, source } = openSource();
    await waitForEnd(source, stretch(0, [eventAt(1, "instance.completed")], { ended: true }), never);
    expect(log).toEqual([]);
  });

  test.each(["instance.completed", "instance.errored", "instance.terminated"] as const)(
    "is over when the tail says %s, and not before",
    async (type) => {
      const { log, nextSocket, source } = openSource();
      const waiting = waitForEnd(source, stretch(0, [eventAt(1)]), never);
      const socket = await nextSocket();
      socket.tell(eventAt(2), eventAt(3, "instance.waiting"), eventAt(4, "instance.paused"));
      expect(await isOver(waiting)).toBe(false);
      socket.tell(eventAt(5, type));
      await waiting;
      expect(log).toEqual(["tail 1 with tail-key"]);
      expect(socket.closings).toEqual([1000]);
    },
  );

  test("reads on before it opens a tail if more is kept, also of an instance that has ended", async () => {
    const { log, source, sockets } = openSource(
      stretch(2, [eventAt(3), eventAt(4)], { more: true, ended: true }),
      stretch(4, [eventAt(5, "instance.completed")], { ended: true }),
    );
    await waitForEnd(source, stretch(0, [eventAt(1), eventAt(2)], { more: true, ended: true }), never);
    expect(log).toEqual(["read 2", "read 4"]);
    expect(sockets).toEqual([]);
  });

  test.each(["close", "error"] as const)(
    "goes on after a tail was cut (%s): what was missed is in the journal",
    async (how) => {
      const { log, nextSocket, source } = openSource(
        stretch(1, [eventAt(2), eventAt(3, "instance.completed")], { ended: true }),
      );
      const waiting = waitForEnd(source, stretch(0, [eventAt(1)]), never);
      (await nextSocket()).cut(how);
      await waiting;
      expect(log).toEqual(["tail 1 with tail-key", "read 1"]);
    },
  );

  test("opens the next tail after what it has read, with the key that came with it", async () => {
    const { log, nextSocket, source } = openSource(stretch(1, [eventAt(2)], { tailKey: "another-key" }));
    const waiting = waitForEnd(source, stretch(0, [eventAt(1)]), never);
    (await nextSocket()).cut();
    (await nextSocket()).tell(eventAt(3, "instance.errored"));
    await waiting;
    expect(log).toEqual(["tail 1 with tail-key", "read 1", "tail 2 with another-key"]);
  });

  test("is not over by what is no event", async () => {
    const { nextSocket, source } = openSource();
    const waiting = waitForEnd(source, stretch(0, []), never);
    const socket = await nextSocket();
    socket.tell(
      '{"type":"instance.completed"}',
      '"instance.completed"',
      '{"id":"1","type":"cf_agent_state"}',
    );
    expect(await isOver(waiting)).toBe(false);
    socket.tell(eventAt(1, "instance.completed"));
    await waiting;
  });

  test("is over when the client has waited long enough, and closes the tail", async () => {
    const { log, nextSocket, source } = openSource();
    const patience = new AbortController();
    const waiting = waitForEnd(source, stretch(0, [eventAt(1)]), patience.signal);
    const socket = await nextSocket();
    expect(await isOver(waiting)).toBe(false);
    patience.abort();
    await waiting;
    expect(socket.closings).toEqual([1000]);
    expect(log).toEqual(["tail 1 with tail-key"]);
  });

  test("does nothing for a client that does not wait any more", async () => {
    const { log, source } = openSource();
    await waitForEnd(source, stretch(0, []), AbortSignal.abort());
    expect(log).toEqual([]);
  });

  test("gives up on an instance that is gone, or that as many watch as may: who waits reads how it stands", async () => {
    const gone = openSource();
    gone.source.read = () => Promise.reject(new ProblemError("instance_not_found"));
    const waiting = waitForEnd(gone.source, stretch(0, []), never);
    (await gone.nextSocket()).cut();
    expect(await waiting).toBe(false);

    const full = openSource();
    const refused = waitForEnd(full.source, stretch(0, []), never);
    (await full.nextSocket()).refuse();
    expect(await refused).toBe(false);
    expect(full.log).toEqual(["tail 0 with tail-key"]);
  });

  test("has waited as long as was asked, whether or not it has ended", async () => {
    const { nextSocket, source } = openSource();
    const patience = new AbortController();
    const waiting = waitForEnd(source, stretch(0, []), patience.signal);
    await nextSocket();
    patience.abort();
    expect(await waiting).toBe(true);
    expect(await waitForEnd(source, stretch(0, [], { ended: true }), never)).toBe(true);
  });
});

describe("waiting for news", () => {
  test("is over with the first event of any type, and closes the tail", async () => {
    const { log, nextSocket, source } = openSource();
    const waiting = waitForNews(source, stretch(3, []), never);
    const socket = await nextSocket();
    expect(await isOver(waiting)).toBe(false);
    socket.tell('{"type":"cf_agent_state"}');
    expect(await isOver(waiting)).toBe(false);
    socket.tell(eventAt(4));
    expect(await waiting).toBe(true);
    expect(socket.closings).toEqual([1000]);
    expect(log).toEqual(["tail 3 with tail-key"]);
  });

  test("is over when what was missed while a tail was cut is in the journal", async () => {
    const { nextSocket, source } = openSource(stretch(0, [eventAt(1)]));
    const waiting = waitForNews(source, stretch(0, []), never);
    (await nextSocket()).cut();
    expect(await waiting).toBe(true);
  });
});
