import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { until, untilStatus } from "../support/until.ts";

const CONFIG = "test/fixtures/workshop/wrangler.jsonc";
const AGENTS = ["/agents/workshop/three-gates", "/agents/workshop/three-gates/sub/bench/b"];
const GATES = ["one", "two", "three"];

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
});
afterAll(() => rm(storage, { recursive: true, force: true }));

interface Listed {
  readonly items: readonly { readonly stepName: string; readonly status: string; readonly reason: string }[];
}

/** The gates that were asked so far, oldest first, each with its own decision. */
async function asked(runtime: Runtime, self: string): Promise<readonly string[]> {
  const [agent = "", id = ""] = self.split("/instances/");
  const list = (await runtime.get(`${agent}/approvals?instanceId=${id}`)).json<Listed>();
  return list.items.map(({ stepName, status, reason }) => `${stepName} ${status} ${reason}`).toReversed();
}

async function waitingAt(runtime: Runtime, self: string, stepName: string): Promise<void> {
  await until(
    () => runtime.get(self),
    (answer) => answer.json<{ waitingFor?: { stepName: string } }>().waitingFor?.stepName === stepName,
  );
}

test("killed at each of three gates, before and after its decision: none opens without its own", async () => {
  const selves = AGENTS.map((agent) => `${agent}/instances/job`);
  const decided: string[] = [];
  {
    await using runtime = await startRuntime(CONFIG, storage);
    for (const agent of AGENTS) {
      const start = { params: { gates: GATES, timeoutMs: 3_600_000 }, id: "job" };
      expect((await runtime.post(`${agent}/workflows/gated`, start)).status).toBe(202);
    }
    await runtime.kill();
  }
  for (const gate of GATES) {
    {
      await using runtime = await startRuntime(CONFIG, storage);
      for (const self of selves) await waitingAt(runtime, self, gate);
      await runtime.kill();
    }
    await using runtime = await startRuntime(CONFIG, storage);
    for (const self of selves) {
      await waitingAt(runtime, self, gate);
      expect(await asked(runtime, self)).toEqual([...decided, `${gate} pending null`]);
    }
    const decisions = await Promise.all(
      selves.map((self) =>
        runtime.post(`${self}/approve`, { reason: `of ${gate}`, metadata: { signature: gate } }),
      ),
    );
    expect(decisions.map(({ status }) => status)).toEqual([200, 200]);
    decided.push(`${gate} approved of ${gate}`);
    await runtime.kill();
  }

  await using runtime = await startRuntime(CONFIG, storage);
  for (const self of selves) {
    expect((await untilStatus(() => runtime.get(self), "complete")).json()).toMatchObject({
      output: { signatures: GATES },
      attempt: 1,
    });
    expect(await asked(runtime, self)).toEqual(decided);
  }
}, 200_000);
