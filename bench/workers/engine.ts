import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { Hono } from "hono";

interface Env {
  readonly JOB: Workflow<JobParams>;
}
interface JobParams {
  readonly text: string;
}

/** The job as the engine knows it: a step, a wait, an end. It has nobody to report to. */
export class JobWorkflow extends WorkflowEntrypoint<Env, JobParams> {
  override async run({ payload }: WorkflowEvent<JobParams>, step: WorkflowStep) {
    const { length } = await step.do("work", async () => ({ length: payload.text.length }));
    await step.waitForEvent("wait", { type: "approval", timeout: "1 hour" });
    return { length };
  }
}

/** The engine alone, without the SDK of Agents. */
export default new Hono<{ Bindings: Env }>()
  .post("/jobs", async ({ env, req, json }) => {
    const { id } = await env.JOB.create({ params: await req.json<JobParams>() });
    return json({ id }, 202);
  })
  .get("/jobs/:id", async ({ env, req, json }) => json(await (await env.JOB.get(req.param("id"))).status()))
  .post("/jobs/:id/approve", async ({ env, req, body }) => {
    await (await env.JOB.get(req.param("id"))).sendEvent({ type: "approval", payload: { approved: true } });
    return body(null, 204);
  });
