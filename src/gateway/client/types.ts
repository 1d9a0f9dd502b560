import type { AgentView, ChildView, CreatedChild, DeletedChild } from "../contract/agent";
import type { Approval } from "../contract/approval";
import type { ApprovalWithHistory } from "../contract/approval-history";
import type { EventType, InstanceEventType } from "../contract/event";
import type { Deleted, Migrated, SentEvent } from "../contract/instance";
import type { StepEvent } from "../contract/step-event";
import type { StreamToken } from "../contract/stream-token";
import type { AnyAgent } from "../registry/agent-definition";
import type { AnyWorkflow } from "../registry/workflow-definition";
import type {
  ApprovalFilters,
  ApprovalInput,
  ChildrenOf,
  EventInputs,
  EventOf,
  FoundStateOf,
  InstanceFilters,
  InstanceOf,
  InstancePage,
  MethodInput,
  MethodOutput,
  Named,
  Output,
  ParamsInput,
  Reach,
  RestartOptions,
  StartedOf,
  StartOptions,
  StateInput,
  StateUpdatedEvent,
  StateViewOf,
  StreamNotice,
  WorkflowsBelow,
  WorkflowsOf,
} from "../registry/wire";
import type { FollowOptions } from "./follow";
import type { List } from "./list";
import type { CallOptions, ChangeOptions } from "./transport";

/** How a list is read. */
export interface ListOptions extends CallOptions {
  /** Items on a page, 100 at most. */
  readonly limit?: number | undefined;
}

/** Which instances; times are instants or ISO 8601. */
type Filters = InstanceFilters<Date | string>;

export interface InstanceListOptions extends Filters, ListOptions {
  readonly order?: "newest" | "oldest" | undefined;
  /** Whether the pages say how many there are in all. */
  readonly count?: boolean | undefined;
}

/** How an instance is waited for. */
export interface WaitOptions extends CallOptions {
  /** Milliseconds after which it is given up; never unless given. */
  readonly timeoutMs?: number | undefined;
}

/** A decision, with the metadata that the workflow's contract asks for. */
export type DecisionArguments<Sent> = undefined extends Sent
  ? [decision?: { readonly reason?: string; readonly metadata?: Sent } & ChangeOptions]
  : [decision: { readonly reason?: string; readonly metadata: Sent } & ChangeOptions];

/** What a rejection may say. */
export type Rejection<Sent> = { readonly reason?: string; readonly metadata?: Sent } & ChangeOptions;

/** Which events; what is left out does not matter. */
export interface EventsOptions<Type extends string> extends FollowOptions {
  /** Where to begin without a cursor: with what is kept, which is so unless given, or with what is still to come. */
  readonly from?: "start" | "now" | undefined;
  readonly types?: readonly Type[] | undefined;
}

export interface WorkflowEventsOptions extends EventsOptions<InstanceEventType> {
  /** Only of this instance: then the iterator ends with it. */
  readonly instance?: string | undefined;
  /** `steps` shows also how the steps of the instance go. */
  readonly include?: "steps" | undefined;
}

/** How one instance is read, decided and controlled. */
export interface InstanceClient<Shown, Sent> {
  get(id: string, options?: CallOptions): Promise<Shown>;
  pause(id: string, options?: ChangeOptions): Promise<Shown>;
  resume(id: string, options?: ChangeOptions): Promise<Shown>;
  /** Ends it; with `rollback` the rollback handlers of its steps run first. */
  terminate(id: string, options?: { readonly rollback?: boolean } & ChangeOptions): Promise<Shown>;
  /** Begins a new attempt, from a step if one is named. */
  restart(id: string, options?: RestartOptions & ChangeOptions): Promise<Shown>;
  /** Deletes it; an active one only with `force`. */
  delete(id: string, options?: { readonly force?: boolean } & ChangeOptions): Promise<Deleted>;
  /** Approves the only open approval of an instance. */
  approveInstance(id: string, ...decision: DecisionArguments<Sent>): Promise<Approval>;
  /** Rejects the only open approval of an instance. */
  rejectInstance(id: string, decision?: Rejection<Sent>): Promise<Approval>;
}

/** One workflow of one agent. */
export interface WorkflowClient<Workflow extends AnyWorkflow> extends InstanceClient<
  InstanceOf<Workflow>,
  ApprovalInput<Workflow>
> {
  /** Accepts an instance: it will run, whatever happens to the gateway. */
  start(params: ParamsInput<Workflow>, options?: StartOptions & ChangeOptions): Promise<InstanceOf<Workflow>>;
  /** Starts up to 100; each has an answer of its own. */
  startMany(
    items: readonly ({ readonly params: ParamsInput<Workflow> } & StartOptions)[],
    options?: ChangeOptions,
  ): Promise<readonly StartedOf<Workflow>[]>;
  /**
   * Waits until an instance has ended, and returns its output.
   * @throws InstanceErrored, InstanceTerminated, WaitTimedOut
   */
  wait(id: string, options?: WaitOptions): Promise<Output<Workflow>>;
  list(options?: InstanceListOptions): List<InstanceOf<Workflow>, InstancePage<InstanceOf<Workflow>>>;
  /** Follows one instance to its end, or all instances of the workflow for as long as they are wanted. */
  events<const Options extends WorkflowEventsOptions>(
    options?: Options,
  ): AsyncGenerator<
    EventOf<Workflow> | StreamNotice | (Options extends { include: "steps" } ? StepEvent : never),
    void
  >;
  approve(approvalId: string, ...decision: DecisionArguments<ApprovalInput<Workflow>>): Promise<Approval>;
  reject(approvalId: string, decision?: Rejection<ApprovalInput<Workflow>>): Promise<Approval>;
  /** Sends an event in; with `requireWaiting` only if the instance waits for it. */
  sendEvent<Type extends keyof EventInputs<Workflow> & string>(
    id: string,
    type: Type,
    payload: EventInputs<Workflow>[Type],
    options?: { readonly requireWaiting?: boolean } & ChangeOptions,
  ): Promise<SentEvent>;
  /** Gives instances of a binding that was renamed its present name. */
  migrateBinding(from: string, options?: ChangeOptions): Promise<Migrated>;
}

/** The instances of one agent, whatever their workflow. */
export interface InstancesClient<Agent extends AnyAgent> extends InstanceClient<
  InstanceOf<WorkflowsOf<Agent>>,
  unknown
> {
  list<const Options extends AgentListOptions<Agent>>(
    options?: Options,
  ): List<ListedOf<Agent, Options>, InstancePage<ListedOf<Agent, Options>>>;
  /** Deletes those that match: up to 500 of one agent in a call, `more` says whether there may be others. */
  deleteMatching(
    options: Filters & {
      readonly workflow?: WorkflowsBelow<Agent>["name"] | undefined;
      readonly scope?: Reach | undefined;
      /** Whether active instances are terminated for it. */
      readonly force?: boolean | undefined;
      /** `nextCursor` of the call before. */
      readonly cursor?: string | undefined;
    } & ChangeOptions,
  ): Promise<Deleted>;
}

export interface AgentListOptions<Agent extends AnyAgent> extends InstanceListOptions {
  readonly workflow?: WorkflowsBelow<Agent>["name"] | undefined;
  /** `subtree` lists all agents below too. */
  readonly scope?: Reach | undefined;
}

type ListedOf<Agent extends AnyAgent, Options> = InstanceOf<
  Options extends { scope: "subtree" } ? WorkflowsBelow<Agent> : WorkflowsOf<Agent>
>;

/** The approvals of one agent. */
export interface ApprovalsClient<Agent extends AnyAgent> {
  list(
    options?: {
      readonly scope?: Reach | undefined;
    } & ApprovalFilters<WorkflowsBelow<Agent>["name"], Date | string> &
      ListOptions,
  ): List<Approval>;
  /** An approval with what happened to it. */
  get(approvalId: string, options?: CallOptions): Promise<ApprovalWithHistory>;
  approve(
    approvalId: string,
    decision?: { readonly reason?: string; readonly metadata?: unknown } & ChangeOptions,
  ): Promise<Approval>;
  reject(approvalId: string, decision?: Rejection<unknown>): Promise<Approval>;
}

/** The state of one agent. With `ifMatch` it is changed only if it still has that entity tag. */
export interface StateClient<Agent extends AnyAgent> {
  get(options?: CallOptions): Promise<FoundStateOf<Agent>>;
  put(state: StateInput<Agent>, options?: StateChangeOptions): Promise<StateViewOf<Agent>>;
  /** Merges fields. */
  patch(fields: Partial<StateInput<Agent>>, options?: StateChangeOptions): Promise<StateViewOf<Agent>>;
  /** Makes it what it was at first. */
  reset(options?: StateChangeOptions): Promise<FoundStateOf<Agent>>;
}

export interface StateChangeOptions extends ChangeOptions {
  readonly ifMatch?: string | undefined;
}

export interface AgentEventsOptions<Agent extends AnyAgent> extends EventsOptions<EventType> {
  readonly workflow?: WorkflowsBelow<Agent>["name"] | undefined;
  /** `subtree` tells of all agents below too. Its cursors are its own. */
  readonly scope?: Reach | undefined;
}

/** One agent. Nothing is asked before one of its methods is called. */
export interface AgentClient<Agent extends AnyAgent> {
  /** Its path, e.g. `/agents/catalog/acme`. */
  readonly path: string;
  describe(options?: CallOptions): Promise<AgentView>;
  workflow<Name extends WorkflowsOf<Agent>["name"]>(
    name: Name,
  ): WorkflowClient<Named<WorkflowsOf<Agent>, Name>>;
  /** One of its sub-agents. */
  sub<Name extends ChildrenOf<Agent>["name"]>(
    agent: Name,
    name: string,
  ): AgentClient<Named<ChildrenOf<Agent>, Name>>;
  /** Lists its sub-agents. */
  children(
    options?: { readonly agent?: ChildrenOf<Agent>["name"] | undefined } & ListOptions,
  ): List<ChildView>;
  /** Brings it into being, if it is a sub-agent. */
  create(options?: CallOptions): Promise<CreatedChild>;
  /** Ends it and all below it, if it is a sub-agent. */
  delete(options?: ChangeOptions): Promise<DeletedChild>;
  /** Calls one of its methods. */
  call<Method extends keyof Agent["methods"] & string>(
    method: Method,
    input: MethodInput<Agent, Method>,
    options?: ChangeOptions,
  ): Promise<MethodOutput<Agent, Method>>;
  readonly state: StateClient<Agent>;
  readonly instances: InstancesClient<Agent>;
  readonly approvals: ApprovalsClient<Agent>;
  /** Follows all its instances, and its state, for as long as they are wanted. */
  events(
    options?: AgentEventsOptions<Agent>,
  ): AsyncGenerator<EventOf<WorkflowsBelow<Agent>> | StateUpdatedEvent | StreamNotice, void>;
  readonly streamTokens: {
    /** Makes a token for the events of one instance, or of the agent. */
    create(
      options?: { readonly instance?: string; readonly ttlSeconds?: number } & ChangeOptions,
    ): Promise<StreamToken>;
    revoke(tokenId: string, options?: ChangeOptions): Promise<void>;
  };
}
