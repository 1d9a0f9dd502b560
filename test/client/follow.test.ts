import { describe, expect, test } from "vitest";
import { GatewayProblem, StreamFailed, UnexpectedAnswer } from "../../src/gateway/client/errors.ts";
import { follow, type FollowOptions } from "../../src/gateway/client/follow.ts";
import { cut, frame, json, problem, type Reply, stand, type Standing, stream } from "./stand-ins.ts";

const PATH = "/agents/desk/berlin/instances/r-1/events";
const OPENING = "retry: 1000\n\n";

async function read(standing: Standing, options: FollowOptions = {}, query = {}): Promise<string[]> {
  const told: string[] = [];
  for await (const { type } of follow(standing.transport, PATH, query, options)) told.push(type);
  return told;
}
const lastIds = ({ asked }: Standing) => asked.map(({ headers }) => headers.get("last-event-id"));
const told = (replies: readonly Reply[], options?: FollowOptions) => {
  const standing = stand(replies);
  return { standing, types: read(standing, options) };
};

/** An answer that does not come. */
const silent: Reply = ({ signal }) =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
/** A stream that has nothing to tell for a while. */
const beating: Reply = ({ signal }) => {
  let beats = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resume) => setTimeout(resume, 15));
      signal?.throwIfAborted();
      beats += 1;
      const text = beats < 12 ? ": heartbeat\n\n" : frame("a-1", "stream.end");
      controller.enqueue(new TextEncoder().encode(text));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
};
const closing = (id: string) =>
  stream(["retry: 3000\n\n", frame(id, "stream.caught-up"), frame(id, "stream.closing")]);
const endless = () => stream([OPENING, frame("a-1", "one"), frame("a-2", "two")], "hangs");

describe("a stream", () => {
  test("is asked for with the key, the query and the place to begin, and ends with stream.end", async () => {
    const standing = stand([
      stream([OPENING, frame("a-1", "one"), frame("a-2", "two"), frame("a-2", "stream.end")]),
    ]);
    expect(await read(standing, { after: "a-0" }, { type: ["one", "two"], from: "now" })).toEqual([
      "one",
      "two",
    ]);
    const [asked] = standing.asked;
    expect(asked?.url.href).toBe(`https://desk.example.com/base${PATH}?type=one&type=two`);
    expect(asked?.headers.get("authorization")).toBe("Bearer the-key");
    expect(asked?.headers.get("accept")).toBe("text/event-stream");
    expect(lastIds(standing)).toEqual(["a-0"]);
  });

  test("is over when the gateway says that nothing will follow", async () => {
    const standing = stand([() => new Response(null, { status: 204 })]);
    expect(await read(standing, { after: "a-5" })).toEqual([]);
  });

  test("says `from` only as long as it has no place of its own", async () => {
    const standing = stand([stream([OPENING, frame("a-1", "one")]), stream([frame("a-1", "stream.end")])]);
    await read(standing, {}, { from: "now" });
    expect(standing.asked.map(({ url }) => url.search)).toEqual(["?from=now", ""]);
    expect(lastIds(standing)).toEqual([null, "a-1"]);
  });

  test.each([
    ["ends without a word", "ends"],
    ["breaks off", "breaks"],
    ["falls silent", "hangs"],
  ] as const)("that %s is gone on with after what was received", async (_, then) => {
    const { standing, types } = told(
      [
        stream([OPENING, frame("a-1", "one"), "id: a-2\nda"], then),
        stream([frame("a-2", "two"), frame("a-2", "stream.end")]),
      ],
      { heartbeatMs: 20 },
    );
    expect(await types).toEqual(["one", "two"]);
    expect(lastIds(standing)).toEqual([null, "a-1"]);
  });

  test("whose answer does not begin is opened anew", async () => {
    const { standing, types } = told([silent, stream([frame("a-1", "stream.end")])], { heartbeatMs: 20 });
    expect(await types).toEqual([]);
    expect(standing.asked).toHaveLength(2);
  });

  test("is not silent while heartbeats come", async () => {
    const { standing, types } = told([beating], { heartbeatMs: 40 });
    expect(await types).toEqual([]);
    expect(standing.asked).toHaveLength(1);
  });

  test("that closes in order is come back to with jitter, after what was received, and that is no failure", async () => {
    const { standing, types } = told(
      [closing("a-1"), closing("a-2"), closing("a-3"), stream([frame("a-3", "stream.end")])],
      { failures: 1 },
    );
    // That it has caught up is told once.
    expect(await types).toEqual(["stream.caught-up"]);
    expect(lastIds(standing)).toEqual([null, "a-1", "a-2", "a-3"]);
    expect(standing.pauses).toEqual([1500, 1500, 1500]);
  });

  test("gives a gap to the reader", async () => {
    const { types } = told([
      stream([frame("a-7~2", "stream.gap"), frame("a-8", "one"), frame("a-8", "stream.end")]),
    ]);
    expect(await types).toEqual(["stream.gap", "one"]);
  });
});

describe("a stream that fails", () => {
  test.each([
    ["is unauthorized", problem("unauthorized", 401, false), GatewayProblem],
    ["is not there", problem("instance_not_found", 404, false), GatewayProblem],
    ["is asked after a cursor that is none", problem("invalid_cursor", 400, false), GatewayProblem],
    ["is of a gateway without a key", problem("gateway_not_configured", 503, false), GatewayProblem],
    ["is refused by something else", () => new Response("no", { status: 403 }), UnexpectedAnswer],
    [
      "is to be asked again in an hour",
      problem("too_many_streams", 429, true, { "retry-after": "3600" }),
      GatewayProblem,
    ],
  ])("because it %s is not tried again", async (_, reply, kind) => {
    const { standing, types } = told([reply]);
    await expect(types).rejects.toBeInstanceOf(kind);
    expect(standing.asked).toHaveLength(1);
  });

  test("otherwise is tried again, later each time, not before it may be, and from the start after a success", async () => {
    const { standing, types } = told([
      cut,
      problem("agent_unavailable", 503, true, { "retry-after": "1" }),
      problem("too_many_streams", 429, true, { "retry-after": "10" }),
      () => new Response("bad gateway", { status: 502 }),
      () => new Response("timeout", { status: 408 }),
      stream([OPENING, frame("a-1", "one")]),
      cut,
      stream([frame("a-1", "stream.end")]),
    ]);
    expect(await types).toEqual(["one"]);
    expect(standing.pauses).toEqual([250, 1_500, 11_000, 2_000, 4_000, 500, 250]);
    expect(lastIds(standing).slice(5)).toEqual([null, "a-1", "a-1"]);
  });

  test("gives up after so many failures in a row, and says where to go on", async () => {
    const { standing, types } = told([stream([OPENING, frame("a-1", "one")]), cut, cut, cut, cut], {
      failures: 3,
    });
    const failure = await types.catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(StreamFailed);
    expect(failure).toMatchObject({ after: "a-1", cause: { name: "ConnectionFailed" } });
    expect(standing.asked).toHaveLength(5);
  });

  test("gives up on a gateway that opens streams and brings nothing", async () => {
    const empty = stream([OPENING, frame("a-1", "stream.caught-up")]);
    const { types } = told([empty, empty, empty], { failures: 2 });
    await expect(types).rejects.toBeInstanceOf(StreamFailed);
  });

  test("gives up on what is no event stream, and no JSON", async () => {
    const { types: noStream } = told([json({}), json({})], { failures: 1 });
    await expect(noStream).rejects.toMatchObject({
      cause: { message: "Not an event stream, but application/json." },
    });
    const broken = stream(["id: a-1\ndata: {\n\n"]);
    const { standing, types } = told([broken, broken], { failures: 1 });
    await expect(types).rejects.toMatchObject({ cause: { message: "A frame of the stream is not JSON." } });
    expect(lastIds(standing)).toEqual([null, null]);
  });
});

describe("a reader who leaves", () => {
  test("by its signal ends the connection, and gets its reason", async () => {
    const leaving = new AbortController();
    const standing = stand([endless()]);
    const reason = new Error("enough");
    const types: string[] = [];
    const reading = (async () => {
      for await (const { type } of follow(standing.transport, PATH, {}, { signal: leaving.signal })) {
        types.push(type);
        if (type === "two") leaving.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(types).toEqual(["one", "two"]);
    expect(standing.asked[0]?.signal?.aborted).toBe(true);
  });

  test("before it begins asks for nothing", async () => {
    const standing = stand([]);
    await expect(read(standing, { signal: AbortSignal.abort("never mind") })).rejects.toBe("never mind");
    expect(standing.asked).toEqual([]);
  });

  test("by breaking its loop ends the connection", async () => {
    const standing = stand([endless()]);
    for await (const { type } of follow(standing.transport, PATH, {}, {})) {
      if (type === "one") break;
    }
    expect(standing.asked[0]?.signal?.aborted).toBe(true);
  });
});
