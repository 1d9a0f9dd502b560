import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AuthorCalls, type KeptNews, type WorkflowNews } from "../../src/gateway/agent/callbacks.ts";
import { type Desk, NOON, openDesk } from "./stand-ins.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

const newsOf = (workflowId: string, event: unknown): WorkflowNews => ({
  type: "event",
  event,
  workflowName: "REFUND",
  workflowId,
  timestamp: NOON,
});

/** An author whose callbacks end when they are told to. */
class StandInAuthor {
  readonly log: string[] = [];
  readonly #running = new Map<string, () => void>();

  call = async (news: WorkflowNews): Promise<void> => {
    const name = `${news.workflowId} ${news.type === "event" ? String(news.event) : news.type}`;
    this.log.push(`began ${name}`);
    await new Promise<void>((resolve) => this.#running.set(name, resolve));
    this.log.push(`ended ${name}`);
  };

  /** Lets a callback end, and what follows from that begin. */
  async end(name: string): Promise<void> {
    const end = this.#running.get(name);
    if (end === undefined) throw new Error(`no callback for ${name} is under way`);
    this.#running.delete(name);
    end();
    await settled();
  }
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

function openCalls(desk: Desk = openDesk()) {
  const { callbacks } = desk.records;
  const author = new StandInAuthor();
  const calls = new AuthorCalls(callbacks, author.call);
  const keep = (id: string, event: unknown): KeptNews =>
    desk.records.change(() => callbacks.keep(newsOf(id, event)));
  return { author, callbacks, calls, desk, keep };
}

describe("news that are kept", () => {
  test("are what the author's class is called with, as it was reported, and are forgotten then", async () => {
    const { callbacks, desk, keep } = openCalls();
    const heard: WorkflowNews[] = [];
    const calls = new AuthorCalls(callbacks, async (news) => {
      heard.push(news);
      expect(callbacks.any()).toBe(true);
    });
    const event = { text: "ünïcödé", list: [1, null, { deep: true }] };
    await calls.deliver(keep("r-1", event));
    expect(heard).toEqual([newsOf("r-1", event)]);
    expect(callbacks.any()).toBe(false);
    expect(desk.query("SELECT * FROM switchyard_callbacks")).toEqual([]);
  });

  test("are not there if the change that they tell of is not", () => {
    const { callbacks, desk } = openCalls();
    const failing = () =>
      desk.records.change(() => {
        callbacks.keep(newsOf("r-1", 1));
        throw new Error("half-way");
      });
    expect(failing).toThrow("half-way");
    expect(callbacks.any()).toBe(false);
  });

  test("are delivered by the next process if this one dies during the call", async () => {
    const before = openCalls();
    void before.calls.deliver(before.keep("r-1", "first"));
    before.keep("r-1", "second");
    await settled();
    expect(before.author.log).toEqual(["began r-1 first"]);

    const after = openCalls(openDesk(before.desk));
    const all = after.calls.deliverAll();
    await settled();
    await after.author.end("r-1 first");
    await after.author.end("r-1 second");
    await all;
    expect(after.author.log).toEqual([
      "began r-1 first",
      "ended r-1 first",
      "began r-1 second",
      "ended r-1 second",
    ]);
    expect(after.callbacks.any()).toBe(false);
  });
});

describe("calls", () => {
  test("of one instance come one after the other, in order, each waited for by its own report alone", async () => {
    const { author, calls, keep } = openCalls();
    const done: string[] = [];
    for (const event of ["first", "second", "third"])
      void calls.deliver(keep("r-1", event)).then(() => done.push(event));
    await settled();
    expect(author.log).toEqual(["began r-1 first"]);
    await author.end("r-1 first");
    expect([author.log.at(-1), done]).toEqual(["began r-1 second", ["first"]]);
    await author.end("r-1 second");
    expect(done).toEqual(["first", "second"]);
  });

  test("of several instances do not wait for each other", async () => {
    const { author, calls, keep } = openCalls();
    void calls.deliver(keep("r-1", "slow"));
    const other = calls.deliver(keep("r-2", "quick"));
    await settled();
    await author.end("r-2 quick");
    await other;
    expect(author.log).toEqual(["began r-1 slow", "began r-2 quick", "ended r-2 quick"]);
  });

  test("are not made a second time while they are under way, whoever asks", async () => {
    const { author, calls, keep } = openCalls();
    const kept = keep("r-1", "only");
    const asked = [calls.deliver(kept), calls.deliverAll(), calls.deliver(kept)];
    await settled();
    asked.push(calls.deliverAll());
    await settled();
    await author.end("r-1 only");
    await Promise.all(asked);
    await calls.deliverAll();
    expect(author.log).toEqual(["began r-1 only", "ended r-1 only"]);
  });

  test("follow what was left of their instance", async () => {
    const { author, calls, keep } = openCalls();
    keep("r-1", "left");
    void calls.deliverAll();
    const next = calls.deliver(keep("r-1", "new"));
    await settled();
    await author.end("r-1 left");
    await author.end("r-1 new");
    await next;
    expect(author.log.filter((line) => line.startsWith("began"))).toEqual([
      "began r-1 left",
      "began r-1 new",
    ]);
  });

  test("go on after one whose records could not be read, which is made later", async () => {
    const { author, callbacks, calls, desk, keep } = openCalls();
    const first = keep("r-1", "first");
    const second = keep("r-1", "second");
    desk.query("ALTER TABLE switchyard_callbacks RENAME TO elsewhere");
    await calls.deliver(first);
    desk.query("ALTER TABLE elsewhere RENAME TO switchyard_callbacks");
    const turn = calls.deliver(second);
    await settled();
    await author.end("r-1 second");
    await turn;
    const all = calls.deliverAll();
    await settled();
    await author.end("r-1 first");
    await all;
    expect(callbacks.any()).toBe(false);
  });
});
