import { Agent, getAgentByName } from "agents";
import { AgentWorkflow, type AgentWorkflowEvent, type AgentWorkflowStep } from "agents/workflows";
import { type Context, Hono } from "hono";
import { type Sink, sse } from "./sse";

interface Bindings {
  readonly DESK: DurableObjectNamespace<Desk>;
  readonly JOB: Workflow;
  readonly TICKER: Workflow;
}
type Env = Bindings & Cloudflare.Env;

interface JobParams {
  readonly text: string;
}
interface TickerParams {
  readonly ticks: number;
  readonly everyMs: number;
  /** Whether it begins once it is approved. */
  readonly waits?: boolean;
}
/** So many messages, to be sent to a receiver. */
interface DeliveryParams {
  readonly url: string;
  readonly count: number;
  readonly atOnce: number;
}
/** What a page of `getWorkflows` is asked for. */
type Criteria = NonNullable<Parameters<Agent["getWorkflows"]>[0]>;

/** An Agent with what the SDK gives, and nothing else. */
export class Desk extends Agent<Env> {
  readonly #sinks = new Set<Sink>();
  readonly #life = crypto.randomUUID();

  override shouldSendProtocolMessages(): boolean {
    return false;
  }

  start(params: JobParams): Promise<string> {
    return this.runWorkflow("JOB", params, { metadata: { owner: "ada" } });
  }
  tick(params: TickerParams): Promise<string> {
    return this.runWorkflow("TICKER", params);
  }
  approve(id: string): Promise<void> {
    return this.approveWorkflow(id, { reason: "seen" });
  }
  look(id: string) {
    return this.getWorkflow(id);
  }
  async list(criteria: Criteria): Promise<object> {
    return this.getWorkflows(criteria);
  }

  /** {@link look} and {@link start} for who comes without `getAgentByName`, and so must see to it that the Agent is awake. */
  async lookAtOnce(id: string) {
    await this.__unsafe_ensureInitialized();
    return this.getWorkflow(id);
  }
  async startAtOnce(params: JobParams): Promise<string> {
    await this.__unsafe_ensureInitialized();
    return this.start(params);
  }

  override async onWorkflowProgress(_workflow: string, id: string, progress: unknown): Promise<void> {
    this.#tell({ type: "progress", id, progress });
  }
  override async onWorkflowComplete(_workflow: string, id: string, result: unknown): Promise<void> {
    this.#tell({ type: "complete", id, result });
  }
  #tell(news: {
    readonly type: string;
    readonly id?: string;
    readonly progress?: unknown;
    readonly result?: unknown;
  }): void {
    const text = JSON.stringify(news);
    this.broadcast(text);
    for (const sink of this.#sinks) sink.say(news.type, text);
  }
  say(): void {
    this.#tell({ type: "said" });
  }

  /** Signs messages, sends them, and keeps nothing of them: whoever does not take one has missed it. */
  async deliver({ url, count, atOnce }: DeliveryParams): Promise<void> {
    const secret = new TextEncoder().encode("a secret of thirty-two bytes, no less");
    const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    let next = 0;
    const work = async (): Promise<void> => {
      for (let n = next++; n < count; n = next++) await deliverOne(url, key, n);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  /** Names the time since it woke. */
  life(): string {
    return this.#life;
  }

  /** A stream that the Agent itself holds, which keeps it awake. */
  override async onRequest(): Promise<Response> {
    return sse((sink) => {
      this.#sinks.add(sink);
      sink.say("stream.caught-up");
      return () => this.#sinks.delete(sink);
    });
  }

  /** How large its database is, in bytes. */
  weigh(): number {
    return this.ctx.storage.sql.databaseSize;
  }
  /** Fills the SDK's table, for lists of many. */
  seed(count: number): void {
    this.ctx.storage.sql.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO cf_agents_workflows (id, workflow_id, workflow_name, status, metadata, created_at)
       SELECT 'row-' || i, 'run-' || i, iif(i % 2, 'JOB', 'TICKER'), iif(i % 10, 'complete', 'terminated'),
         json_object('owner', 'owner-' || (i % 100)), unixepoch() - ? + i FROM n`,
      count,
      count,
    );
  }
}

export class JobWorkflow extends AgentWorkflow<Desk, JobParams, { stage: string }> {
  override async run({ payload }: AgentWorkflowEvent<JobParams>, step: AgentWorkflowStep) {
    await this.reportProgress({ stage: "work" });
    const { length } = await step.do("work", async () => ({ length: payload.text.length }));
    await this.reportProgress({ stage: "review" });
    await this.waitForApproval(step, { timeout: "1 hour" });
    const result = { length };
    await step.reportComplete(result);
    return result;
  }
}

/** Says what time it is. */
export class TickerWorkflow extends AgentWorkflow<Desk, TickerParams, { tick: number; at: number }> {
  override async run({ payload }: AgentWorkflowEvent<TickerParams>, step: AgentWorkflowStep) {
    if (payload.waits) await this.waitForApproval(step, { timeout: "1 hour" });
    for (let tick = 1; tick <= payload.ticks; tick += 1) {
      if (payload.everyMs > 0) await scheduler.wait(payload.everyMs);
      await this.reportProgress({ tick, at: Date.now() });
    }
    await step.reportComplete({});
    return {};
  }
}

async function deliverOne(url: string, key: CryptoKey, n: number): Promise<void> {
  const timestamp = new Date();
  const id = `msg-${n}`;
  const body = JSON.stringify({ type: "instance.progress", timestamp: timestamp.toISOString(), data: { n } });
  const seconds = String(Math.floor(timestamp.getTime() / 1_000));
  const signed = new TextEncoder().encode(`${id}.${seconds}.${body}`);
  const signature = btoa(
    String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, signed))),
  );
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": seconds,
      "webhook-signature": `v1,${signature}`,
    },
    body,
  });
  await response.text();
}

/** A stream that the Worker holds, and feeds from a socket of its own to the Agent. */
async function overSocket(desk: DurableObjectStub<Desk>): Promise<Response> {
  const { webSocket } = await desk.fetch("http://desk/", { headers: { upgrade: "websocket" } });
  if (webSocket === null) return new Response("no socket", { status: 503 });
  return sse(({ say, close }) => {
    webSocket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") say((JSON.parse(data) as { type: string }).type, data);
    });
    webSocket.addEventListener("close", close);
    webSocket.accept();
    say("stream.caught-up");
    return () => webSocket.close(1000);
  });
}

type In = Context<{ Bindings: Env }>;
/** As the SDK documents it: one round trip to initialise the Agent, then that of the call. */
const deskOf = ({ env, req }: In) => getAgentByName<Env, Desk>(env.DESK, req.param("name") ?? "");
/** Without the first round trip. */
const nearDeskOf = ({ env, req }: In) => env.DESK.get(env.DESK.idFromName(req.param("name") ?? ""));
const parameter = ({ req }: In, name: string): string => req.param(name) ?? "";

/** What a user would write without the gateway: no cursor, no replay, nothing kept of what was told, nobody asked who they are. */
export default new Hono<{ Bindings: Env }>()
  .post("/:name/jobs", async (c) => c.json({ id: await (await deskOf(c)).start(await c.req.json()) }, 202))
  .post("/:name/at-once/jobs", async (c) =>
    c.json({ id: await nearDeskOf(c).startAtOnce(await c.req.json()) }, 202),
  )
  .get("/:name/jobs/:id", async (c) => {
    // Structured clones of promises over RPC have types that do not end.
    const shown: unknown = await (await deskOf(c)).look(parameter(c, "id"));
    return c.json(shown);
  })
  .get("/:name/at-once/jobs/:id", async (c) => {
    const shown: unknown = await nearDeskOf(c).lookAtOnce(parameter(c, "id"));
    return c.json(shown);
  })
  .post("/:name/list", async (c) => {
    const page: unknown = await (await deskOf(c)).list(await c.req.json());
    return c.json(page);
  })
  .post("/:name/tick", async (c) => c.json({ id: await (await deskOf(c)).tick(await c.req.json()) }, 202))
  .post("/:name/jobs/:id/approve", async (c) => {
    await (await deskOf(c)).approve(parameter(c, "id"));
    return c.body(null, 204);
  })
  .post("/:name/say", async (c) => {
    await (await deskOf(c)).say();
    return c.body(null, 204);
  })
  .post("/:name/deliver", async (c) => {
    await (await deskOf(c)).deliver(await c.req.json());
    return c.body(null, 204);
  })
  .get("/:name/life", async (c) => c.json({ life: await (await deskOf(c)).life() }))
  .post("/:name/seed/:count", async (c) => {
    await (await deskOf(c)).seed(Number(parameter(c, "count")));
    return c.body(null, 204);
  })
  .get("/:name/weigh", async (c) => c.json({ bytes: await (await deskOf(c)).weigh() }))
  .get("/:name/socket", async (c) => (await deskOf(c)).fetch(c.req.raw))
  .get("/:name/direct", async (c) => (await deskOf(c)).fetch(new Request("http://desk/")))
  .get("/:name/events", async (c) => overSocket(await deskOf(c)));
