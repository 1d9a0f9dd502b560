import { Agent } from "agents";
import type { WorkflowCallback } from "agents/workflows";
import type { z } from "zod";
import type { Actor } from "../contract/audit";
import { type Instance, Metadata } from "../contract/instance";
import { type AgentPath, type AgentStep, Name } from "../contract/names";
import { ProblemError } from "../contract/problem";
import { type AgentDefinition, definitionOf } from "../registry/agent-definition";
import { DefinitionError } from "../registry/definition-error";
import type { AnyWorkflow, OutputOf, ProgressOf } from "../registry/workflow-definition";
import { actingAsAgent, actingFor } from "./acting";
import { AgentGateway } from "./agent-gateway";
import type { WorkflowNews } from "./callbacks";
import type { Origin } from "./courier";
import { guardChildren } from "./guarded-children";
import { type Outcome, passOn, toOutcome } from "../durable/outcome";
import { GATEWAY_PARAM, type GatewayParam, type Report } from "./reports";
import { inSpan } from "./span";
import { changingState, journalState } from "./state-changes";
import type { AgentMethod, GatewayStub } from "./stub";
import { besideSteps } from "./events-with-steps";
import {
  appointPump,
  closeTails,
  hasPump,
  isTail,
  leaveTail,
  publishStepToTails,
  publishToTails,
  requireRoom,
  startTail,
  wakePump,
} from "./tail";
import type { Rise } from "./upward";
import { keepTailsFromAuthor, type TailHost } from "./tail-hooks";
import { StreamCounts } from "./tail-quota";
import { vacancyOf } from "./vacancy";
import { type AgentBase, withWorkflowApi } from "./with-workflow-api";

/** What `withGateway` adds to an Agent. `gateway…` is for the gateway itself: author code has no need to call it. */
export interface GatewayMembers extends GatewayStub {
  /** Sends what is still to be told; called by the scheduler. */
  gatewayAlarm(): Promise<void>;

  /**
   * Starts a workflow by its contract: `runWorkflow` of the SDK with the types of that contract.
   *
   * @returns the id of the instance.
   * @throws ZodError if the params do not match, ProblemError `instance_exists` if the agent has the id.
   */
  startWorkflow<Workflow extends AnyWorkflow>(
    workflow: Workflow,
    params: z.input<Workflow["params"]>,
    options?: StartOptions,
  ): Promise<string>;

  /**
   * Reads an instance by its contract, so that its progress and its output have their types.
   *
   * @throws ProblemError `instance_not_found` if the agent has none of this workflow and id.
   */
  getInstance<Workflow extends AnyWorkflow>(
    workflow: Workflow,
    id: string,
  ): Promise<Instance<ProgressOf<Workflow>, OutputOf<Workflow>>>;
}

/** How a workflow is started by the author's own code. */
export interface StartOptions {
  /** Unique in the agent; made if left out. */
  readonly id?: string;
  readonly metadata?: Metadata;
}

/** The base class that `withGateway(Agent)` gives, with the type parameters of `Agent`. */
export interface GatewayAgentClass {
  new <Env extends Cloudflare.Env = Cloudflare.Env, State = unknown, Props extends object = object>(
    ctx: DurableObjectState,
    env: Env,
  ): Agent<Env, State, Props> & GatewayMembers;
}

/** Any class of Agents, whatever its environment has. */
type AnyAgent = new (ctx: DurableObjectState, env: never) => Agent;

/**
 * Makes a class of Agents one that the gateway can serve: `class OrderDesk extends withGateway(Agent)<Env, State>`.
 * Everything of the SDK stays as it is; workflows that are declared in `defineAgent` are kept in the gateway's ledger.
 */
export function withGateway(base: typeof Agent): GatewayAgentClass;
export function withGateway<Base extends AnyAgent>(
  base: Base,
): Pick<Base, keyof Base> &
  (new (...args: ConstructorParameters<Base>) => InstanceType<Base> & GatewayMembers);
export function withGateway(base: AgentBase): AgentBase {
  class GatewayAgent extends base implements GatewayMembers {
    static gatewayOf(agent: Agent): AgentGateway {
      return (agent as GatewayAgent).#open();
    }

    static readonly #tails: TailHost = {
      gatewayPath: (agent) => (agent as GatewayAgent).#open().records.agent,
      passesTail: (agent, request) => GatewayAgent.gatewayOf(agent).passesTail(request),
      startTail: (agent, connection, request) => {
        const connections = (tag: string) => agent.getConnections(tag);
        const { records } = GatewayAgent.gatewayOf(agent);
        startTail(connection, request, records, connections, (agent as GatewayAgent).#streamCounts);
        if (request.steps && request.instanceId !== undefined) appointPump(request.instanceId, connections);
      },
      leaveTail: (agent, connection) => leaveTail(connection, (tag) => agent.getConnections(tag)),
    };

    readonly #streamCounts = new StreamCounts();
    #gateway: AgentGateway | undefined;
    #children: Agent["dynamicAgents"] | undefined;

    constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
      keepTailsFromAuthor(new.target.prototype, GatewayAgent.#tails);
      const vacancy = vacancyOf(new.target, ctx, env);
      if (vacancy !== undefined) return vacancy as GatewayAgent;
      super(ctx, env);
      if (definitionOf(this.constructor.name)?.state !== undefined) {
        journalState(this, {
          records: () => this.#open().records,
          afterwards: (work) =>
            this.#gateway === undefined ? work() : this.#gateway.records.afterwards(work),
        });
      }
    }

    async gatewayCall(
      rest: readonly AgentStep[],
      method: AgentMethod,
      input: unknown,
      actor: Actor,
    ): Promise<Outcome> {
      return inSpan(method, actor, async () => {
        await this.__unsafe_ensureInitialized();
        return passOn(() => actingFor(actor, () => this.#open().call(rest, method, input)), actor);
      });
    }

    async gatewayReport(rest: readonly AgentStep[], engineId: string, report: Report): Promise<Outcome> {
      await this.__unsafe_ensureInitialized();
      return toOutcome(() => this.#open().report(rest, engineId, report));
    }

    async gatewayRise(rest: readonly AgentStep[], child: AgentStep, rise: Rise): Promise<Outcome> {
      await this.__unsafe_ensureInitialized();
      return toOutcome(() => this.#open().rise(rest, child, rise));
    }

    async gatewayDissolve(): Promise<Outcome> {
      await this.__unsafe_ensureInitialized();
      return toOutcome(() => this.#open().dissolve());
    }

    async gatewayAlarm(): Promise<void> {
      await this.#open().alarm();
    }

    async startWorkflow<Workflow extends AnyWorkflow>(
      { name, params: contract }: Workflow,
      params: z.input<Workflow["params"]>,
      { id, metadata = {} }: StartOptions = {},
    ): Promise<string> {
      (contract as z.ZodObject).parse(params);
      const started = await this.#open().service.start({
        workflow: name,
        params,
        id: Name.optional().parse(id),
        metadata: Metadata.parse(metadata),
      });
      return started.id;
    }

    async getInstance<Workflow extends AnyWorkflow>(
      { name }: Workflow,
      id: string,
    ): Promise<Instance<ProgressOf<Workflow>, OutputOf<Workflow>>> {
      const gateway = this.#open();
      const instance = gateway.records.store.exists() ? await gateway.service.getInstance({ id }) : undefined;
      if (instance?.workflow !== name) throw new ProblemError("instance_not_found");
      // The ledger keeps what a run of that very contract told.
      return instance as Instance<ProgressOf<Workflow>, OutputOf<Workflow>>;
    }

    override setState(state: unknown): void {
      this.#open().records.store.open();
      super.setState(state);
    }

    override get dynamicAgents(): Agent["dynamicAgents"] {
      this.#children ??= guardChildren(super.dynamicAgents, {
        make: (className, name, make) => this.#open().makingChild(className, name, make),
        end: (className, name) => this.#open().endChild(className, name),
      });
      return this.#children;
    }

    override async _workflow_updateState(
      ...change: Parameters<Agent["_workflow_updateState"]>
    ): Promise<void> {
      await this.__unsafe_ensureInitialized();
      await changingState("workflow", () => super._workflow_updateState(...change));
    }

    override broadcast(message: string | ArrayBuffer | ArrayBufferView, without: string[] = []): void {
      const tails = [...this.getConnections()].filter(isTail).map(({ id }) => id);
      super.broadcast(message, [...without, ...tails]);
    }

    /** Made on first use: what this Agent is called is known only after its start. */
    #open(): AgentGateway {
      this.#gateway ??= this.#create();
      return this.#gateway;
    }

    #create(): AgentGateway {
      const definition = requireDefinition(this.constructor.name);
      const [root = { className: this.constructor.name, name: this.name }, ...below] = this.selfPath;
      const toStep = (step: typeof root) => ({
        agent: requireDefinition(step.className).name,
        name: step.name,
      });
      const path: AgentPath = [toStep(root), ...below.map(toStep)];
      const rootBinding = requireDefinition(root.className).binding ?? "";
      const connections = (tag: string) => this.getConnections(tag);
      return new AgentGateway({
        definition,
        path,
        isSubAgent: path.length > 1,
        storage: this.ctx.storage,
        env: this.env,
        origin: this.#origin(rootBinding, path),
        rootBinding,
        publish: (events, ofSubtree) =>
          publishToTails(events, ofSubtree, connections, (event) => besideSteps(this.#open().records, event)),
        publishStep: (event) => publishStepToTails(event, connections),
        wakePump: (id) => wakePump(id, connections),
        hasPump: (id) => hasPump(id, connections),
        background: (work) => this.ctx.waitUntil(work),
        clock: {
          set: async (at) =>
            (await this.schedule(new Date(at), "gatewayAlarm", undefined, { idempotent: false })).id,
          cancel: (id) => this.cancelSchedule(id),
        },
        requireRoom: (request) => requireRoom(request, connections, this.#streamCounts),
        closeTails: (ended) => closeTails(ended, connections),
        invoke: async (method, input) => {
          const callable: unknown = Reflect.get(this, method);
          if (typeof callable !== "function")
            throw new DefinitionError(`${this.constructor.name} has no method ${method}`);
          return callable.call(this, input) as unknown;
        },
        state: () => this.state,
        initialState: () => this.initialState,
        setState: (state) => changingState("rest", () => this.setState(state)),
        hasChild: ({ agent }, name) => this.dynamicAgents.has(asSdkClass(agent), name),
        // The SDK's type of a stub shows only what an author's class defines itself.
        child: async ({ agent }, name) =>
          (await this.dynamicAgents.get(asSdkClass(agent), name)) as unknown as GatewayStub,
        wipeChild: ({ agent }, name) => super.dynamicAgents.delete(asSdkClass(agent), name),
        hears: (type) => this.#hears(type),
        tellAuthor: (news) => this.#tellAuthor(news),
        broadcast: (message) => this.#broadcast(message),
      });
    }

    #origin(rootBinding: string, path: AgentPath): Origin {
      // What `AgentWorkflow` of the SDK finds its agent by.
      const origin =
        path.length > 1
          ? { kind: "facet", version: 1, rootBinding, path: this.selfPath.map((step) => ({ ...step })) }
          : { kind: "agent", version: 1, binding: rootBinding, name: this.name };
      const [{ name }, ...below] = path;
      const way = { root: { binding: rootBinding, name }, below };
      return (binding, identity) => ({
        __agentName: this.name,
        __agentBinding: rootBinding,
        __workflowName: binding,
        __agentOrigin: { ...origin, [GATEWAY_PARAM]: { ...identity, ...way } satisfies GatewayParam },
      });
    }

    /** Whether the author overrode what the SDK calls with news of this type, or of any. */
    #hears(type?: WorkflowNews["type"]): boolean {
      const hooks = type === undefined ? Object.values(HOOKS) : [HOOKS[type]];
      return [...hooks, "onWorkflowCallback" as const].some((hook) => this[hook] !== Agent.prototype[hook]);
    }

    async #tellAuthor(news: WorkflowNews): Promise<void> {
      try {
        // It may be what was left when this Agent died, and the author's `onStart` still runs.
        await this.__unsafe_ensureInitialized();
        // What was kept of a report is what the workflow reported.
        await actingAsAgent(() => this.onWorkflowCallback(news as WorkflowCallback));
      } catch (failure) {
        console.error(
          `switchyard: ${this.constructor.name} threw in its callback for "${news.type}"`,
          failure,
        );
      }
    }

    #broadcast(message: unknown): void {
      try {
        this.broadcast(JSON.stringify(message));
      } catch (failure) {
        console.error(`switchyard: ${this.constructor.name} could not broadcast a message`, failure);
      }
    }
  }
  return withWorkflowApi(GatewayAgent, (agent) => GatewayAgent.gatewayOf(agent));
}

/** Classes of definitions were made with `withGateway`, from one of the SDK's. */
function asSdkClass(agent: AgentDefinition["agent"]): typeof Agent {
  return agent as unknown as typeof Agent;
}
/** What the SDK calls with news of each type. */
const HOOKS = {
  progress: "onWorkflowProgress",
  complete: "onWorkflowComplete",
  error: "onWorkflowError",
  event: "onWorkflowEvent",
} as const satisfies Record<WorkflowNews["type"], keyof Agent>;

function requireDefinition(className: string): AgentDefinition {
  const definition = definitionOf(className);
  if (definition !== undefined) return definition;
  throw new DefinitionError(
    `The class ${className} extends withGateway() and has no definition. Call defineAgent({ agent: ${className}, … }).`,
  );
}
