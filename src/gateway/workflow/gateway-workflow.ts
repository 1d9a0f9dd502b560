import type { Agent } from "agents";
import {
  AgentWorkflow,
  type AgentWorkflowEvent,
  type AgentWorkflowStep,
  type WaitForApprovalOptions,
  type WorkflowCallback,
  WorkflowRejectedError,
} from "agents/workflows";
import type { z } from "zod";
import { Engine } from "../agent/engine";
import { fromOutcome } from "../agent/outcome";
import {
  type DecisionPayload,
  GATEWAY_PARAM,
  type GatewayParam,
  type GateReport,
  type OpenedGate,
  type Report,
} from "../agent/reports";
import { toInstanceError } from "../agent/shown-error";
import { rootStub } from "../agent/stub";
import type { GatewayMembers } from "../agent/with-gateway";
import { ProblemError, PROBLEMS } from "../contract/problem";
import {
  type ApprovalOf,
  type EventsOf,
  type OutputOf,
  type ParamsOf,
  type ProgressOf,
  type WorkflowDefinition,
  workflowOn,
} from "../registry/workflow-definition";
import { toMilliseconds } from "../registry/duration";
import { Breath } from "./breath";
import { DEFAULT_TIMEOUT_MS, engineMethod, extendStep } from "./extend-step";
import { ReportKeys } from "./report-keys";
import type { Run } from "./run";
import { type RunMethod, wrapRun } from "./wrap-run";

const MOST_TRIES = 4;
const FIRST_DELAY_MS = 100;

/** What a gate asks, beside what the SDK's `waitForApproval` takes. */
export interface GateOptions extends WaitForApprovalOptions {
  /** What is asked, in a sentence. */
  summary?: string;
  /** What an approver should see before deciding: any JSON. */
  details?: unknown;
}

/**
 * Base class of workflows that the gateway serves; everything that Cloudflare documents for `AgentWorkflow` works on it.
 *
 * What `run` returns is recorded as the output and what it throws as the error, both durably, without being asked. Progress,
 * messages and events reach the journal once, however often the engine replays them. Each approval is a gate of its own.
 */
export abstract class GatewayWorkflow<
  Definition extends WorkflowDefinition,
  AgentType extends Agent & GatewayMembers = Agent & GatewayMembers,
  Env extends Cloudflare.Env = Cloudflare.Env,
> extends AgentWorkflow<AgentType, ParamsOf<Definition>, ProgressOf<Definition>, Env> {
  #run: Run | undefined;
  readonly #breath = new Breath();

  constructor(ctx: ExecutionContext, env: Env) {
    wrapRun(new.target.prototype as { run: RunMethod }, (workflow, run, event, step) =>
      (workflow as GatewayWorkflow<WorkflowDefinition>).#record(run, event, step),
    );
    super(ctx, env);
  }

  abstract override run(
    event: AgentWorkflowEvent<ParamsOf<Definition>>,
    step: AgentWorkflowStep,
  ): Promise<OutputOf<Definition>>;

  /** Id of the instance, as its agent and all doors know it. */
  get instanceId(): string {
    return this.#run?.gateway.id ?? super.workflowId;
  }

  /** The same as {@link instanceId}: the id that the agent's methods take. */
  override get workflowId(): string {
    return this.instanceId;
  }

  /**
   * Opens a gate and waits until somebody decides. The gate has an event type of its own; `eventType` is not used.
   *
   * @returns the metadata of the approval.
   * @throws WorkflowRejectedError with the reason, if it was rejected.
   * @throws what the engine throws, if nobody decided in time (24 hours unless `timeout` says otherwise).
   */
  protected override async waitForApproval<Metadata = ApprovalOf<Definition>>(
    step: AgentWorkflowStep,
    options: GateOptions = {},
  ): Promise<Metadata> {
    const run = this.#run;
    if (run === undefined) return super.waitForApproval(step, options);
    const { stepName = "wait-for-approval", summary = null } = options;
    const occurrence = run.keys.occurrenceOf(`gate:${stepName}`);
    const timeoutMs = options.timeout === undefined ? DEFAULT_TIMEOUT_MS : toMilliseconds(options.timeout);
    const question = { stepName, occurrence, summary, details: toJson(options.details), timeoutMs };

    const gate = await step.do(`__gateway_ask_${stepName}`, async () => {
      return (await this.#tell(run, { type: "gate-opened", gate: question })) as OpenedGate;
    });
    const { approved, metadata, reason } = await this.#decision(run, step, question, gate);
    if (!approved) throw new WorkflowRejectedError(reason, run.gateway.id);
    return parsed(workflowOn(this.workflowName)?.approval, metadata) as Metadata;
  }

  /**
   * Waits for an event of a declared type: `step.waitForEvent` with the types of the contract.
   *
   * @param options.stepName name of the step; the type of the event unless it is given.
   * @param options.timeout how long it waits: 24 hours unless it is given.
   * @throws what the engine throws, if none came in time.
   */
  protected async waitForEvent<Type extends keyof EventsOf<Definition> & string>(
    step: AgentWorkflowStep,
    type: Type,
    options: { readonly stepName?: string; readonly timeout?: WaitForApprovalOptions["timeout"] } = {},
  ): Promise<EventsOf<Definition>[Type]> {
    const { stepName = type, timeout } = options;
    const event = await step.waitForEvent<string>(stepName, {
      type,
      ...(timeout === undefined ? {} : { timeout }),
    });
    return parsed(workflowOn(this.workflowName)?.events[type], event.payload) as EventsOf<Definition>[Type];
  }

  protected override broadcastToClients(message: unknown): void {
    const run = this.#run;
    if (run === undefined) return super.broadcastToClients(message);
    this.#tellInBackground(run, {
      type: "message",
      key: run.keys.keyOf("message", message),
      message: toJson(message),
    });
  }

  protected override async notifyAgent(callback: WorkflowCallback): Promise<void> {
    const run = this.#run;
    if (run === undefined) return super.notifyAgent(callback);
    // Once the outcome is told, the SDK would tell a failure again.
    if (run.over) return;
    switch (callback.type) {
      case "progress": {
        const { progress } = callback;
        await this.#tell(run, {
          type: "progress",
          key: run.keys.keyOf("progress", progress),
          progress: toJson(progress),
        });
        return;
      }
      case "event": {
        const { event } = callback;
        await this.#tell(run, { type: "event", key: run.keys.keyOf("event", event), event: toJson(event) });
        return;
      }
      case "error":
        await this.#tell(run, { type: "error", message: callback.error });
        return;
      case "complete":
        return;
    }
  }

  protected override extendStep(
    step: AgentWorkflowStep,
    event: AgentWorkflowEvent<ParamsOf<Definition>>,
  ): AgentWorkflowStep {
    const gateway = gatewayParamOf(event.payload);
    if (gateway !== undefined) {
      this.#run = {
        engineId: event.instanceId,
        gateway,
        keys: new ReportKeys(),
        waitForEvent: engineMethod(step, "waitForEvent"),
        background: [],
        entered: false,
        reported: undefined,
        announced: false,
        over: false,
      };
      const run = this.#run;
      extendStep(step, run, {
        tell: (report) => this.#tell(run, report),
        isStopped: (failure) => this.#isStopped(run, failure),
      });
    }
    return super.extendStep(step, event);
  }

  /** Runs the author's code and records how it ends. The engine replays the record as it replays everything in a step. */
  async #record(
    authorRun: RunMethod,
    event: AgentWorkflowEvent<ParamsOf<Definition>>,
    step: AgentWorkflowStep,
  ): Promise<unknown> {
    const run = this.#run;
    const execute = authorRun.bind(this) as (given: typeof event, steps: typeof step) => Promise<unknown>;
    if (run === undefined || run.entered) return execute(event, step);
    run.entered = true;
    this.#tellInBackground(run, { type: "started" });
    try {
      const returned = await execute({ ...event, payload: this.#params(event.payload) }, step);
      const output = returned ?? run.reported;
      // Outside of the step: what is no JSON never will be, however often the engine tries.
      const report: Report = { type: "completed", output: toJson(output) };
      await Promise.all(run.background);
      await step.do("__gateway_completed", async () => {
        await this.#tell(run, report);
      });
      return output;
    } catch (failure) {
      await this.#recordFailure(run, step, failure);
      throw failure;
    } finally {
      run.over = true;
    }
  }

  /** The binding as it is called now: the run may have begun under a former name. */
  #binding(): string {
    return workflowOn(this.workflowName)?.binding ?? this.workflowName;
  }

  #params(payload: object): ParamsOf<Definition> {
    const { [GATEWAY_PARAM]: _, ...sent } = payload as { readonly [GATEWAY_PARAM]?: GatewayParam };
    return parsed(workflowOn(this.workflowName)?.params, sent) as ParamsOf<Definition>;
  }

  /** @throws what the engine stopped the run with in the meantime, if it did. */
  async #recordFailure(run: Run, step: AgentWorkflowStep, failure: unknown): Promise<void> {
    if (await this.#isStopped(run, failure)) return;
    await Promise.all(run.background);
    const report: Report = { type: "failed", error: toInstanceError(failure), announced: run.announced };
    try {
      await step.do("__gateway_failed", async () => {
        await this.#tell(run, report);
      });
    } catch (unrecorded) {
      if (await this.#isStopped(run, unrecorded)) throw unrecorded;
      // No step is to be had any more, as when a run has used up its steps: then it is told without one.
      await this.#tell(run, report);
    }
  }

  /**
   * Whether the engine itself ends this run by throwing, which is no failure: the run may go on later. The engine tells
   * its own errors by this text alone; and what it is asked to do next it would do and remember.
   */
  async #isStopped({ engineId }: Run, failure: unknown): Promise<boolean> {
    if (failure instanceof Error && failure.message.startsWith("Aborting engine:")) return true;
    const view = await new Engine(this.env).view(this.#binding(), engineId);
    return view === undefined || view.status === "paused" || view.status === "terminated";
  }

  /**
   * Waits at an open gate. When the engine stops waiting the gate says what holds: somebody may have decided in that
   * very moment.
   */
  async #decision(
    run: Run,
    step: AgentWorkflowStep,
    { stepName, timeoutMs }: GateReport,
    { approvalId, eventType }: OpenedGate,
  ): Promise<DecisionPayload> {
    try {
      const event = await run.waitForEvent<string>(stepName, { type: eventType, timeout: timeoutMs });
      return event.payload as unknown as DecisionPayload;
    } catch (failure) {
      if (await this.#isStopped(run, failure)) throw failure;
      const standing = await step.do(`__gateway_settle_${stepName}`, async () => {
        return JSON.stringify((await this.#tell(run, { type: "gate-timed-out", approvalId })) ?? null);
      });
      if (standing === "null") throw failure;
      return JSON.parse(standing) as DecisionPayload;
    }
  }

  #tellInBackground(run: Run, report: Report): void {
    const told = this.#tell(run, report).then(
      () => undefined,
      (failure: unknown) => console.warn(`switchyard: a report (${report.type}) was not delivered`, failure),
    );
    run.background.push(told);
  }

  /** Tells the agent, over a fresh stub each time: the one from before may be of an agent that was evicted since. */
  async #tell({ gateway, engineId }: Run, report: Report): Promise<unknown> {
    const [root, ...rest] = gateway.path;
    for (let tried = 1; ; tried += 1) {
      try {
        const stub = rootStub(this.env, gateway.rootBinding, root.name);
        const answer = fromOutcome(await stub.gatewayReport(rest, engineId, report));
        await this.#breath.take();
        return answer;
      } catch (failure) {
        const final = failure instanceof ProblemError && !PROBLEMS[failure.code].retryable;
        if (final || tried === MOST_TRIES) throw failure;
        await new Promise((resume) => setTimeout(resume, FIRST_DELAY_MS * 2 ** tried));
      }
    }
  }
}

function gatewayParamOf(payload: object): GatewayParam | undefined {
  return (payload as { readonly [GATEWAY_PARAM]?: GatewayParam })[GATEWAY_PARAM];
}

/**
 * What was sent, as its contract makes it. It was checked when it was sent; if the contract has become another since, a run
 * that goes on gets it as it was sent.
 */
function parsed(contract: z.ZodType | undefined, sent: unknown): unknown {
  const result = contract?.safeParse(sent);
  return result?.success === true ? result.data : sent;
}

/** What is told is JSON: that something is not shows here, as the author's error. */
function toJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? "null") as unknown;
}
