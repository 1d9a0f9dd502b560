import type { z } from "zod";
import type { Approval, ApprovalStatus } from "../contract/approval";
import type { ControlFrame, InstanceEventType, StateSource } from "../contract/event";
import type { Instance, InstanceError, InstanceStatus, Metadata, WaitingFor } from "../contract/instance";
import type { Page } from "../contract/page";
import type { AnySchema } from "./any-schema";
import type { AnyAgent } from "./agent-definition";
import type { AnyWorkflow } from "./workflow-definition";

// What crosses the wire, as types that follow from the definitions of a gateway. Doors and clients share them; nothing of this
// file is there when they run.

declare const AGENTS: unique symbol;

/** A gateway as its clients know it: by the types of its root agents. */
export interface TypedGateway<Agents extends readonly AnyAgent[] = readonly AnyAgent[]> {
  readonly [AGENTS]?: Agents;
}

/** The root agents of a gateway, as a union. */
export type RootsOf<App extends TypedGateway> = NonNullable<App[typeof AGENTS]>[number];

/** A value as JSON leaves it: what has a `toJSON`, such as a date, is what that returns. */
export type Json<Value> = unknown extends Value
  ? unknown
  : Value extends string | number | boolean | null | undefined
    ? Value
    : Value extends { toJSON(): infer Shown }
      ? Shown
      : Value extends object
        ? { [Key in keyof Value]: Json<Value[Key]> }
        : never;

/** The member of a union of definitions that has this name. */
export type Named<Definition extends { readonly name: string }, Name extends string> = Extract<
  Definition,
  { readonly name: Name }
>;

/** The workflows of an agent, as a union. */
export type WorkflowsOf<Agent extends AnyAgent> = Agent["workflows"][number];
/** The classes of the sub-agents of an agent, as a union. */
export type ChildrenOf<Agent extends AnyAgent> = Agent["children"][number];

/** The workflows of an agent and of all below it. What is not known more closely is not walked: it has no end. */
export type WorkflowsBelow<Agent extends AnyAgent> = Agent extends AnyAgent
  ? string extends Agent["name"]
    ? AnyWorkflow
    : WorkflowsOf<Agent> | WorkflowsBelow<ChildrenOf<Agent>>
  : never;

/** What a start takes. */
export type ParamsInput<Workflow extends AnyWorkflow> = z.input<Workflow["params"]>;
/** What a complete instance shows. */
export type Output<Workflow extends AnyWorkflow> = Json<z.input<Workflow["output"]>>;
/** What an instance shows of how far it is. */
export type Progress<Workflow extends AnyWorkflow> = Json<z.input<Workflow["progress"]>>;
/** What an approver may send along. */
export type ApprovalInput<Workflow extends AnyWorkflow> = z.input<Workflow["approval"]>;
/** What an event that is sent in carries, by type. */
export type EventInputs<Workflow extends AnyWorkflow> = {
  [Type in keyof Workflow["events"]]: z.input<Workflow["events"][Type]>;
};

/** One run of a workflow, as it is shown; of several workflows `workflow` says which. */
export type InstanceOf<Workflow extends AnyWorkflow> = Workflow extends AnyWorkflow
  ? Instance<Progress<Workflow>, Output<Workflow>> & { readonly workflow: Workflow["name"] }
  : never;

/** What became of one item of a batch. */
export type StartedOf<Workflow extends AnyWorkflow> =
  | { readonly started: true; readonly instance: InstanceOf<Workflow> }
  | { readonly started: false; readonly code: "instance_exists"; readonly detail: string };

interface DataOf<Workflow extends AnyWorkflow> extends Record<InstanceEventType, unknown> {
  "instance.queued": { readonly metadata: Metadata };
  "instance.started": object;
  "instance.progress": { readonly progress: Progress<Workflow> };
  "instance.waiting": { readonly waitingFor: WaitingFor };
  "instance.paused": object;
  "instance.resumed": object;
  "instance.restarted": { readonly from: string | null };
  "instance.event": { readonly event: unknown };
  "instance.message": { readonly message: unknown };
  "instance.completed": { readonly output: Output<Workflow> };
  "instance.errored": { readonly error: InstanceError };
  "instance.terminated": object;
  "approval.requested": { readonly approval: Approval };
  "approval.voted": { readonly approval: Approval };
  "approval.decided": { readonly approval: Approval };
  "approval.expired": { readonly approval: Approval };
  "approval.cancelled": { readonly approval: Approval };
}

/** What happened to an instance: a union by `type`; of several workflows `workflow` says which. */
export type EventOf<Workflow extends AnyWorkflow> = Workflow extends AnyWorkflow
  ? {
      [Type in InstanceEventType]: {
        /** Opaque cursor; a stream goes on after it. */
        readonly id: string;
        readonly type: Type;
        readonly agent: string;
        readonly instanceId: string;
        readonly workflow: Workflow["name"];
        readonly attempt: number;
        readonly time: string;
        readonly data: DataOf<Workflow>[Type];
      };
    }[InstanceEventType]
  : never;

/** The state of an agent changed. */
export interface StateUpdatedEvent {
  readonly id: string;
  readonly type: "state.updated";
  readonly agent: string;
  readonly time: string;
  readonly data: { readonly etag: string; readonly source: StateSource };
}

/** What a stream says of itself that its reader should know; to come back and to end is the business of clients. */
export type StreamNotice = Extract<ControlFrame, { type: "stream.gap" | "stream.caught-up" }>;

/** A stretch of a journal. */
export interface EventPage<Event> {
  readonly items: readonly Event[];
  /** Goes on from here, now or later. */
  readonly nextCursor: string;
  /** Whether nothing will follow. */
  readonly ended: boolean;
  /** Whether events after the cursor that was given are no longer kept. */
  readonly gap: boolean;
}

/** A page of instances; `total` if it was asked for, `totalAtLeast` where there are too many agents to count. */
export type InstancePage<Item> = Page<Item> & { readonly total?: number; readonly totalAtLeast?: number };

/** What a start takes beside its params. */
export interface StartOptions {
  /** Id of your own, unique in the agent; made if left out. */
  readonly id?: string | undefined;
  readonly metadata?: Metadata | undefined;
  /** Seconds to wait before it begins. */
  readonly delay?: number | undefined;
}

/** Where a restart begins, and whether the clock of the instance begins anew too. */
export interface RestartOptions {
  readonly from?:
    | {
        readonly name: string;
        readonly count?: number | undefined;
        readonly type?: "do" | "sleep" | "waitForEvent" | undefined;
      }
    | undefined;
  readonly resetClock?: boolean | undefined;
}

/** Which instances; what is left out does not matter. Times are ISO 8601. */
export interface InstanceFilters<Time = string> {
  readonly status?: readonly InstanceStatus[] | undefined;
  /** By labels that a workflow of the agent declares. */
  readonly metadata?: Metadata | undefined;
  readonly createdFrom?: Time | undefined;
  readonly createdTo?: Time | undefined;
  readonly updatedFrom?: Time | undefined;
  readonly updatedTo?: Time | undefined;
  readonly completedFrom?: Time | undefined;
  readonly completedTo?: Time | undefined;
}

/** Which approvals; what is left out does not matter. Times are ISO 8601. */
export interface ApprovalFilters<Workflow extends string, Time = string> {
  readonly status?: readonly ApprovalStatus[] | undefined;
  readonly workflow?: Workflow | undefined;
  readonly instanceId?: string | undefined;
  readonly requestedFrom?: Time | undefined;
  readonly requestedTo?: Time | undefined;
}

/** Whether agents below are meant too. */
export type Reach = "self" | "subtree";

/** The state of an agent as it is read. */
export type StateOf<Agent extends AnyAgent> = Agent["state"] extends AnySchema
  ? Json<z.output<Agent["state"]>>
  : unknown;
/** The state of an agent as it is replaced. */
export type StateInput<Agent extends AnyAgent> = Agent["state"] extends AnySchema
  ? z.input<Agent["state"]>
  : unknown;

/** A state, and the tag that changes with it. */
export interface StateViewOf<Agent extends AnyAgent> {
  readonly state: StateOf<Agent>;
  readonly etag: string;
}

/** A state as it is found: null where none was set, and the class has no first one. */
export type FoundStateOf<Agent extends AnyAgent> =
  | StateViewOf<Agent>
  | { readonly state: null; readonly etag: string };

/** What a method takes. */
export type MethodInput<Agent extends AnyAgent, Method extends keyof Agent["methods"]> = z.input<
  Agent["methods"][Method]["input"]
>;
/** What a method returns. */
export type MethodOutput<Agent extends AnyAgent, Method extends keyof Agent["methods"]> = Json<
  z.output<Agent["methods"][Method]["output"]>
>;
