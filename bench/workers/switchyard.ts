import { Agent } from "agents";
import type { AgentWorkflowEvent, AgentWorkflowStep } from "agents/workflows";
import { z } from "zod";
import {
  createGateway,
  defineAgent,
  defineWorkflow,
  GatewayWorkflow,
  type ParamsOf,
  withGateway,
} from "../../src/gateway";

export { GatewayDirectory, WebhookEndpoint } from "../../src/gateway";

const job = defineWorkflow({
  name: "job",
  binding: "JOB",
  params: z.object({ text: z.string() }),
  progress: z.object({ stage: z.enum(["work", "review"]) }),
  output: z.object({ length: z.int() }),
  labels: ["owner"],
});

export class JobWorkflow extends GatewayWorkflow<typeof job> {
  async run({ payload }: AgentWorkflowEvent<ParamsOf<typeof job>>, step: AgentWorkflowStep) {
    await this.reportProgress({ stage: "work" });
    const { length } = await step.do("work", async () => ({ length: payload.text.length }));
    await this.reportProgress({ stage: "review" });
    await this.waitForApproval(step, { timeout: "1 hour" });
    return { length };
  }
}

const ticker = defineWorkflow({
  name: "ticker",
  binding: "TICKER",
  params: z.object({ ticks: z.int(), everyMs: z.int(), waits: z.boolean().optional() }),
  progress: z.object({ tick: z.int(), at: z.int() }),
  output: z.object({}),
});

/** Says what time it is, if need be once it is let. */
export class TickerWorkflow extends GatewayWorkflow<typeof ticker> {
  async run({ payload }: AgentWorkflowEvent<ParamsOf<typeof ticker>>, step: AgentWorkflowStep) {
    if (payload.waits) await this.waitForApproval(step, { timeout: "1 hour" });
    for (let tick = 1; tick <= payload.ticks; tick += 1) {
      if (payload.everyMs > 0) await scheduler.wait(payload.everyMs);
      await this.reportProgress({ tick, at: Date.now() });
    }
    return {};
  }
}

const workflows = [job, ticker] as const;
const Nothing = z.strictObject({});
const seed = { input: z.strictObject({ count: z.int() }), output: Nothing, creates: true };
const life = { input: Nothing, output: z.object({ life: z.string() }), readOnly: true };
const weigh = { input: Nothing, output: z.object({ bytes: z.int() }) };

/** Fills the ledger with instances that have ended, for lists of many. They are as the gateway writes them; only once in an agent. */
function fill({ sql }: DurableObjectStorage, count: number): Record<string, never> {
  sql.exec(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO switchyard_instances (id, engine_id, workflow, binding, attempt, status, voice, created_at, updated_at,
       started_at, completed_at, check_after, metadata, started_by, params, progress, output)
     SELECT 'run-' || i, 'engine-' || i, iif(i % 2, 'job', 'ticker'), iif(i % 2, 'JOB', 'TICKER'), 1,
       iif(i % 10, 'complete', 'terminated'), 'gateway', t, t, t, t, 60000,
       json_object('owner', 'owner-' || (i % 100)), '"api-key"', iif(i % 2, '{"text":"some text"}', '{"ticks":1,"everyMs":0}'),
       iif(i % 2, '{"stage":"review"}', json_object('tick', 1, 'at', t)),
       iif(i % 10, iif(i % 2, '{"length":9}', '{}'), NULL)
     FROM (SELECT i, unixepoch() * 1000 - ? + i AS t FROM n)`,
    count,
    count,
  );
  sql.exec(
    `INSERT INTO switchyard_labels SELECT 'owner', metadata -> '$.owner', ordinal FROM switchyard_instances WHERE true
     ON CONFLICT DO NOTHING`,
  );
  // The index is complete: it is not made anew by the next start.
  sql.exec(`INSERT OR REPLACE INTO switchyard_meta VALUES ('labels', '["owner"]')`);
  return {};
}

export class Bin extends withGateway(Agent) {}
export class Box extends withGateway(Agent) {}
export class Tray extends withGateway(Agent) {
  seed({ count }: { count: number }) {
    return fill(this.ctx.storage, count);
  }
}
export class Desk extends withGateway(Agent) {
  readonly #life = crypto.randomUUID();

  seed({ count }: { count: number }) {
    return fill(this.ctx.storage, count);
  }
  /** Names the time since it woke. */
  life() {
    return { life: this.#life };
  }
  /** How large its database is. */
  weigh() {
    return { bytes: this.ctx.storage.sql.databaseSize };
  }
}

const bin = defineAgent({ name: "bin", agent: Bin, workflows });
const box = defineAgent({ name: "box", agent: Box, workflows, children: [bin] });
const tray = defineAgent({ name: "tray", agent: Tray, workflows, children: [box], methods: { seed } });
const desk = defineAgent({
  name: "desk",
  binding: "DESK",
  agent: Desk,
  workflows,
  children: [tray],
  methods: { seed, life, weigh },
});

/** As shipped: it asks who calls, and writes its log. */
export default createGateway({ agents: [desk] });
