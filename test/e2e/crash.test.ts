import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { untilStatus } from "../support/until.ts";

const CONFIG = "test/fixtures/workshop/wrangler.jsonc";
const AGENTS = ["/agents/workshop/crash", "/agents/workshop/crash/sub/bench/b"];

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
});
afterAll(() => rm(storage, { recursive: true, force: true }));

const start = async (runtime: Runtime, agent: string, workflow: string, params: object): Promise<string> => {
  const answer = await runtime.post(`${agent}/workflows/${workflow}`, { params });
  expect(answer.status, answer.text).toBe(202);
  return answer.json<{ links: { self: string } }>().links.self;
};

test("what was acknowledged survives a kill: a start, an open gate, a decision", async () => {
  const gates: string[] = [];
  const starts: string[] = [];
  {
    await using runtime = await startRuntime(CONFIG, storage);
    for (const agent of AGENTS) {
      const self = await start(runtime, agent, "gated", { gates: ["before", "after"] });
      await untilStatus(() => runtime.get(self), "waiting");
      gates.push(self);
    }
    const decisions = await Promise.all(
      gates.map((self) => runtime.post(`${self}/approve`, { metadata: { signature: "b" } })),
    );
    expect(decisions.map(({ status }) => status)).toEqual([200, 200]);
    for (const agent of AGENTS) starts.push(await start(runtime, agent, "silent", { answer: 4 }));
    await runtime.kill();
  }
  await using runtime = await startRuntime(CONFIG, storage);
  for (const self of starts) {
    expect((await untilStatus(() => runtime.get(self), "complete")).json()).toMatchObject({
      output: { answer: 8 },
    });
  }
  for (const self of gates) {
    const waiting = await untilStatus(() => runtime.get(self), "waiting");
    expect(waiting.json()).toMatchObject({ waitingFor: { stepName: "after" } });
    await runtime.post(`${self}/approve`, { metadata: { signature: "a" } });
    expect((await untilStatus(() => runtime.get(self), "complete")).json()).toMatchObject({
      output: { signatures: ["b", "a"] },
    });
  }
});
