import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until, untilStatus } from "../support/until.ts";

const AGENT = "/agents/workshop/author";
const SELF = `${AGENT}/instances/by-author`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
});
afterAll(() => gateway.harness.close());

const author = async (call: string, id?: string): Promise<unknown> => {
  const answer = await gateway.post(`${AGENT}/methods/author`, { call, ...(id === undefined ? {} : { id }) });
  expect(answer.status, answer.text).toBe(200);
  return answer.json<{ result?: unknown }>().result;
};
const fresh = async (id: string): Promise<string> => {
  await author("run", id);
  const self = `${AGENT}/instances/${id}`;
  await untilStatus(() => gateway.get(self), "waiting");
  return self;
};

test("what the author's code starts is an instance like the others, and the SDK's methods work on it", async () => {
  expect(await author("run")).toBe("by-author");
  const waiting = await untilStatus(() => gateway.get(SELF), "waiting");
  expect(waiting.json()).toMatchObject({
    workflow: "gated",
    metadata: { owner: "ada", "not declared": "x" },
  });
  expect(await author("get")).toMatchObject({
    workflowId: "by-author",
    workflowName: "GATED",
    status: "waiting",
  });
  expect(await author("status")).toMatchObject({ status: "waiting" });
  expect(await author("list")).toMatchObject({
    total: 1,
    nextCursor: null,
    workflows: [{ workflowId: "by-author" }],
  });
  expect(await author("list-as-text")).toMatchObject({ total: 0, workflows: [] });

  await author("pause");
  await untilStatus(() => gateway.get(SELF), "paused");
  await author("resume");
  await untilStatus(() => gateway.get(SELF), "waiting");
  await author("restart");
  const again = await untilStatus(() => gateway.get(SELF), "waiting");
  expect(again.json()).toMatchObject({ attempt: 2 });

  await author("approve");
  const ended = await untilStatus(() => gateway.get(SELF), "complete");
  expect(ended.json()).toMatchObject({ output: { signatures: ["code"] } });
  expect(await author("callbacks")).toEqual([`complete GATED by-author {"signatures":["code"]}`]);
  expect(await author("delete")).toBe(true);
  expect((await gateway.get(SELF)).status).toBe(404);
  expect(await author("get")).toBeUndefined();
  expect(await author("delete")).toBe(false);
});

test("a rejection and a termination by the author's code end the instance, and the callback tells once", async () => {
  const rejected = await fresh("rejected");
  await author("reject", "rejected");
  await untilStatus(() => gateway.get(rejected), "errored");
  const terminated = await fresh("terminated");
  await author("terminate", "terminated");
  await untilStatus(() => gateway.get(terminated), "terminated");
  const callbacks = (await author("callbacks")) as string[];
  expect(callbacks.filter((told) => told.startsWith("error"))).toEqual([
    "error GATED rejected Workflow rejected: by code",
  ]);
});

test("the id and the metadata of the author's code keep the rules of the API", async () => {
  const answer = await gateway.post(`${AGENT}/methods/author`, { call: "run", id: "a/b c" });
  expect(answer.status).toBe(500);
  expect((await gateway.get(`${AGENT}/instances`)).text).not.toContain("a/b c");
});

test("every callback passes by the one that the author may override for all, and progress has its own", async () => {
  const agent = `${AGENT}/sub/bench/b/sub/drawer/d/sub/tool/t`;
  await gateway.post(`${agent}/workflows/chatty`, { params: { rounds: 1 }, id: "c" });
  await untilStatus(() => gateway.get(`${agent}/instances/c`), "complete");
  const heard = await until(
    async () => (await gateway.post(`${agent}/methods/heard`, {})).json<{ heard: string[] }>().heard,
    (so) => so.includes("complete"),
  );
  expect(heard).toEqual([
    "progress",
    `CHATTY c {"round":1,"where":"run"}`,
    "progress",
    `CHATTY c {"round":1,"where":"step"}`,
    "event",
    "complete",
  ]);
});

test("only what the author's class overrides is kept for it", async () => {
  const agent = "/agents/workshop/deaf";
  await gateway.post(`${agent}/workflows/chatty`, { params: { rounds: 3 }, id: "c" });
  await untilStatus(() => gateway.get(`${agent}/instances/c`), "complete");
  const storage = await gateway.harness.getWorker().getDurableObjectStorage("WORKSHOP", { name: "deaf" });
  const ever = await storage.exec("SELECT seq FROM sqlite_sequence WHERE name = 'switchyard_callbacks'");
  // One event and the end; of six reports of progress, which it does not hear, none.
  expect(ever).toEqual([{ seq: 2 }]);
  expect(await storage.exec("SELECT * FROM switchyard_callbacks")).toEqual([]);
});
