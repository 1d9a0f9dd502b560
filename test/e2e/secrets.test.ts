import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, startGateway, type TestGateway } from "../support/gateway.ts";
import { openStream } from "../support/stream.ts";
import { untilStatus } from "../support/until.ts";

const NAME = "discreet";
const AGENT = `/agents/workshop/${NAME}`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

/** What is in no pattern: values that only the tables of this agent have. */
async function secrets(): Promise<string[]> {
  const storage = await gateway.harness.getWorker().getDurableObjectStorage("WORKSHOP", { name: NAME });
  const queries = [
    "SELECT value AS secret FROM switchyard_meta WHERE key = 'tail_key'",
    "SELECT engine_id AS secret FROM switchyard_instances",
    "SELECT event_type AS secret FROM switchyard_approvals",
    "SELECT key AS secret FROM switchyard_events WHERE length(key) > 20",
  ];
  const rows = await Promise.all(queries.map((query) => storage.exec(query)));
  expect(rows.map(({ length }) => length > 0)).toEqual([true, true, true, true]);
  return rows.flat().map(({ secret }) => String(secret));
}

test("nobody is shown a key of a tail, an id of the engine, the event type of a gate or the key of a report", async () => {
  const received: string[] = [];
  const kept = async (asking: Promise<Answer>): Promise<Answer> => {
    const answer = await asking;
    received.push(answer.text, JSON.stringify([...answer.headers]));
    return answer;
  };
  const start = async (workflow: string, body: object): Promise<string> => {
    const answer = await kept(gateway.post(`${AGENT}/workflows/${workflow}`, body));
    return answer.json<{ links: { self: string } }>().links.self;
  };
  const gated = await start("gated", { params: {} });
  const chatty = await start("chatty", { params: { rounds: 2 } });
  const failing = await start("silent", { params: { answer: 1, failWith: "it" } });
  await using all = await openStream(gateway, `${AGENT}/events`);
  await using one = await openStream(gateway, `${gated}/events`);
  await untilStatus(() => kept(gateway.get(gated)), "waiting");
  await kept(gateway.post(`${gated}/restart`, {}));
  await untilStatus(() => kept(gateway.get(gated)), "waiting");
  await kept(gateway.post(`${gated}/approve`, {}));
  await kept(gateway.post(`${gated}/approve`, {}));
  await untilStatus(() => kept(gateway.get(chatty)), "complete");
  await untilStatus(() => kept(gateway.get(failing)), "errored");
  await one.closed;
  await kept(gateway.post(`${gated}/terminate`, {}));
  await kept(gateway.get(`${AGENT}/instances`));
  await kept(gateway.get(`${AGENT}/approvals`));
  await kept(gateway.get(`${AGENT}/events`, { accept: "application/json" }));
  await kept(gateway.get(AGENT));
  await kept(gateway.get(`${gated}x`));
  await kept(gateway.post(`${gated}/events`, { type: "approval", payload: {} }));
  received.push(JSON.stringify(all.received), JSON.stringify(one.received));

  const text = received.join("\n");
  expect((await secrets()).filter((secret) => text.includes(secret))).toEqual([]);
});

test.each([
  ["method-throws", "Error", "the author's method failed at /secret/place"],
  ["method-is-missing", "TypeError", 'The RPC receiver does not implement the method "missing".'],
  ["step-times-out", "WorkflowTimeoutError", "Execution timed out after 200ms"],
  ["step-gives-up", "NonRetryableError", "it is of no use"],
  ["event-times-out", "WorkflowTimeoutError", "Execution timed out after 100ms"],
  ["output-is-no-data", "TypeError", "Do not know how to serialize a BigInt"],
])("what a run failed of is told in a name and a sentence: %s", async (how, name, message) => {
  const started = await gateway.post(`${AGENT}/workflows/faulty`, { params: { how } });
  const { links } = started.json<{ links: { self: string; events: string } }>();
  const ended = await untilStatus(() => gateway.get(links.self), "errored");
  expect(ended.json<{ error: object }>().error).toEqual({ name, message });
  const events = await gateway.get(links.events, { accept: "application/json" });
  expect(events.text).toContain(JSON.stringify(message));
});
