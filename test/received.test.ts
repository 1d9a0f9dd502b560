import { afterEach, describe, expect, test, vi } from "vitest";
import { ask, inspect, sends, takeLeaks } from "./support/received.ts";

afterEach(() => vi.restoreAllMocks());

const UUID = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9";
const HASH = "e414c3c500fd3f13cef718a8429238202646fd8fa13ea067bf61fb2188bd7a34";

describe("a text is found that shows", () => {
  test.each([
    ["a reserved key", '{"__agentName":"x"}'],
    ["a reserved key", "the step __gateway_ask_manager failed"],
    ["a stack frame", String.raw`TypeError: no\n    at Workshop.fail (index.js:120:11)`],
    ["a stack frame", "at async file:///srv/app/index.ts:3:1"],
    ["a stack frame", new Error("a real one").stack ?? ""],
    ["SQL", "near SELECT * FROM things: syntax error"],
    ["SQL", "UNIQUE constraint failed: SQLITE_CONSTRAINT"],
    ["a table", "UNIQUE constraint failed: switchyard_instances.id"],
    ["a table", "no such table: cf_agents_workflows"],
    ["an id of the engine", `{"id":"sy_${UUID}"}`],
    ["an id of a Durable Object", `{"id":"${HASH}"}`],
    ["the event type of a gate", `{"eventType":"approval-${UUID}"}`],
    ["the key of a tail", `{"tailKey":"${UUID}"}`],
    ["an API key", "sy_test_4f1c2b7d9e0a6358"],
    ["the engine's own words", "Aborting engine: User called pause"],
    ["the engine's own words", "(instance.not_found) no such instance"],
    ["a path of this machine", "cannot open /home/ada/switchyard"],
    ["a path of this machine", "node_modules"],
  ])("%s: %s", (what, text) => {
    inspect("a test", text);
    expect(takeLeaks()).toContainEqual(expect.stringContaining(`a test shows ${what}: `));
  });
});

test.each([
  `{"id":"apr_${UUID}","instanceId":"${UUID}","checksum":"${HASH}"}`,
  '{"type":"urn:switchyard:problem:status_conflict","type2":"instance.queued"}',
  '{"self":"/agents/catalog/tmp/sub/dataset/home/instances/var"}',
  "at once (there and then), at 12:30:45, by the agent",
  "Delete the instances of one catalog that match; update state, select from the list",
])("nothing is found in what clients may see: %s", (text) => {
  inspect("a test", text);
  expect(takeLeaks()).toEqual([]);
});

test("what a test says that it sends may come back, just so and only in that test", () => {
  sends("__agentName");
  inspect("a test", "/params/__agentName");
  expect(takeLeaks()).toEqual([]);
  sends("__agentName");
  inspect("a test", "/params/__agentOrigin");
  expect(takeLeaks()).toHaveLength(1);
  inspect("a test", "/params/__agentName");
  expect(takeLeaks()).toHaveLength(1);
});

test("a leak is found in a header, in a body, and in a stream that is cut within it", async () => {
  const answers = [
    new Response("", { headers: { location: `/instances/sy_${UUID}` } }),
    new Response("SQLITE_BUSY", { status: 500 }),
    new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of ["data: {}\n\ndata: __age", "ntName\n\n"])
            controller.enqueue(new TextEncoder().encode(piece));
          controller.close();
        },
      }),
    ),
    new Response(null, { status: 204 }),
  ];
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => answers.shift() ?? Response.error());
  const url = new URL("http://gateway/x?y=z");
  const bodies = [];
  for (const method of ["GET", "POST", "PUT", "DELETE"])
    bodies.push(await (await ask(url, { method })).text());
  expect(bodies).toEqual(["", "SQLITE_BUSY", "data: {}\n\ndata: __agentName\n\n", ""]);
  expect(takeLeaks()).toEqual([
    `GET /x shows an id of the engine: sy_${UUID}`,
    "POST /x shows SQL: SQLITE_BUSY",
    "PUT /x shows a reserved key: __agentName",
  ]);
});
