import type { Agent } from "agents";
import {
  AgentWorkflow,
  type AgentWorkflowEvent,
  type AgentWorkflowStep,
  type WaitForApprovalOptions,
  type WorkflowCallback,
  WorkflowRejectedError,
} from "agents/workflows";
import { Engine, isEngineStop } from "../agent/engine";
import type {
  DecisionPayload,
  GatewayParam,
  GateReport,
  Identity,
  OpenedGate,
  PassedGate,
  Report,
} from "../agent/reports";
import { toInstanceError } from "../agent/shown-error";
import type { GatewayMembers } from "../agent/with-gateway";
import { ProblemError, PROBLEMS } from "../contract/problem";
import {
  type ApprovalOf,
  type EventsOf,
  type OutputOf,
  type ParamsOf,
  type ProgressOf,
  SDK_APPROVAL_TYPE,
  type AnyWorkflow,
  type WorkflowDefinition,
  workflowNamed,
  workflowOn,
} from "../registry/workflow-definition";
import { toMilliseconds } from "../registry/duration";
import { Breath } from "./breath";
import { DEFAULT_TIMEOUT_MS, engineMethod, extendStep, occurrenceOf } from "./extend-step";
import { gateTerms, type TermsOptions } from "./gate-terms";
import { originOf, type RunOrigin } from "./origin";
import { ReportKeys } from "./report-keys";
import type { Run } from "./run";
import { tell } from "./tell";
import { parsed, toJson } from "./values";
import { type RunMethod, wrapRun, wrapWholeRun } from "./wrap-run";

/** What a gate asks, beside what the SDK's `waitForApproval` takes. */
export interface GateOptions extends WaitForApprovalOptions, TermsOptions {
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
  Definition extends AnyWorkflow,
  AgentType extends Agent & GatewayMembers = Agent & GatewayMembers,
  Env extends Cloudflare.Env = Cloudflare.Env,
> extends AgentWorkflow<AgentType, ParamsOf<Definition>, ProgressOf<Definition>, Env> {
  #run: Run | undefined;
  #whose: (RunOrigin & { readonly gateway: GatewayParam }) | undefined;
  readonly #breath = new Breath();

  constructor(ctx: ExecutionContext, env: Env) {
    wrapRun(new.target.prototype as { run: RunMethod }, (workflow, run, event, step) =>
      (workflow as GatewayWorkflow<WorkflowDefinition>).#record(run, event, step),
    );
    super(ctx, env);
    wrapWholeRun(new.target.prototype as { run: RunMethod }, async (workflow, run, event, step) => {
      await (workflow as GatewayWorkflow<WorkflowDefinition>).#findOut(event);
      return run.call(workflow, event, step);
    });
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
   * Opens a gate and waits until somebody decides. The gate has an event type of its own; `eventType` is used only where the
   * engine waits under it already, since before there was a gateway.
   *
   * @returns the metadata of the approval; where several must approve, of the last one.
   * @throws DefinitionError if what it says of those who decide has no meaning, or would let nobody decide.
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
    const occurrence = occurrenceOf(run, "event", stepName);
    const timeoutMs = options.timeout === undefined ? DEFAULT_TIMEOUT_MS : toMilliseconds(options.timeout);
    const sdkEventType = options.eventType ?? SDK_APPROVAL_TYPE;
    const details = toJson(options.details);
    const terms = gateTerms(stepName, options);
    const question = { stepName, occurrence, summary, details, timeoutMs, sdkEventType, terms };

    const gate = await step.do(`__gateway_ask_${stepName}`, async () => {
      return (await this.#tell(run, { type: "gate-opened", gate: question })) as OpenedGate | PassedGate;
    });
    const { approved, metadata, reason } = await this.#decision(run, step, question, gate);
    if (!approved) throw new WorkflowRejectedError(reason, run.gateway.id);
    return parsed(this.#contract()?.approval, metadata) as Metadata;
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
    return parsed(this.#contract()?.events[type], event.payload) as EventsOf<Definition>[Type];
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
    const whose = this.#whose;
    if (whose !== undefined) {
      this.#run = {
        engineId: event.instanceId,
        gateway: whose.gateway,
        adopted: whose.given === undefined,
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

  /**
   * Finds out whose the run is. One that was begun before there was a gateway, or whose workflow has another name by now,
   * asks its agent, by the engine's id.
   */
  async #findOut({ payload, instanceId: engineId }: AgentWorkflowEvent<object>): Promise<void> {
    const origin = originOf(payload);
    // The author's class called on with what the SDK had made of it.
    if (origin === undefined) return;
    const { given, way, binding } = origin;
    const gateway = given ?? { id: engineId, workflow: workflowOn(binding)?.name ?? binding, ...way };
    this.#whose = { ...origin, gateway };
    if (given !== undefined && workflowNamed(given.workflow) !== undefined) return;
    try {
      const identity = await this.#tell({ engineId, gateway }, { type: "started" });
      this.#whose = { ...origin, gateway: { ...gateway, ...(identity as Identity | undefined) } };
    } catch (failure) {
      const isUnknown = failure instanceof ProblemError && PROBLEMS[failure.code].status === 404;
      // Nobody's instance at the gateway: then it runs as with the SDK's own class.
      if (isUnknown && given === undefined) this.#whose = undefined;
      else console.warn("switchyard: a run could not ask whose it is", failure);
    }
  }

  /** By public name, since the binding may have been renamed. */
  #contract(): WorkflowDefinition | undefined {
    return workflowNamed(this.#run?.gateway.workflow ?? "") ?? workflowOn(this.workflowName);
  }

  /** The binding as it is called now. */
  #binding(): string {
    return this.#contract()?.binding ?? this.workflowName;
  }

  #params(sent: object): ParamsOf<Definition> {
    return parsed(this.#contract()?.params, sent) as ParamsOf<Definition>;
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
   * Whether the engine itself ends this run by throwing, which is no failure: the run may go on later. What it is
   * asked to do next it would do and remember.
   */
  async #isStopped({ engineId }: Run, failure: unknown): Promise<boolean> {
    if (failure instanceof Error && isEngineStop(failure.message)) return true;
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
    gate: OpenedGate | PassedGate,
  ): Promise<DecisionPayload> {
    const approvalId = "approvalId" in gate ? gate.approvalId : undefined;
    try {
      const event = await run.waitForEvent<string>(stepName, { type: gate.eventType, timeout: timeoutMs });
      const decision = event.payload as unknown as DecisionPayload;
      // It may have been decided before there was a gateway, or past it.
      if (run.adopted && approvalId !== undefined)
        this.#tellInBackground(run, { type: "gate-passed", approvalId, decision });
      return decision;
    } catch (failure) {
      if (approvalId === undefined || (await this.#isStopped(run, failure))) throw failure;
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

  async #tell(run: Pick<Run, "gateway" | "engineId">, report: Report): Promise<unknown> {
    const answer = await tell(this.env, run, report);
    await this.#breath.take();
    return answer;
  }
}
