import type { AgentView, ChildView, CreatedChild, DeletedChild } from "./contract/agent";
import type { Approval, ApprovalStatus, Decision } from "./contract/approval";
import type { ApprovalWithHistory } from "./contract/approval-history";
import type { Actor, AuditEntry, AuditVerification } from "./contract/audit";
import type { EventType, GatewayEvent } from "./contract/event";
import type { Control } from "./contract/control";
import type {
  Deleted,
  Instance,
  InstanceStatus,
  Metadata,
  Migrated,
  SentEvent,
  StartedItem,
} from "./contract/instance";
import type { AgentPath, AgentStep } from "./contract/names";
import type { Page } from "./contract/page";
import type { ApprovalLink } from "./contract/link";

/** An idempotency key, made unique to its caller and operation, and what it was sent with. */
export interface Once {
  readonly key: string;
  readonly fingerprint: string;
}

/** A state, and the tag that changes with it. */
export interface StateView {
  readonly state: unknown;
  readonly etag: string;
}

/** What becomes of a state. A merge is shallow. */
export type StateChange =
  | { readonly kind: "replace"; readonly state: unknown }
  | { readonly kind: "merge"; readonly patch: Record<string, unknown> }
  | { readonly kind: "reset" };

/** Where a list goes on, and how far. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** A span of time, in milliseconds: not before `from`, and before `to`. */
export interface Span {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** Which instances; what is left out does not matter. */
export interface InstanceFilter {
  /** Any of these; any at all if there are none. */
  readonly status: readonly InstanceStatus[];
  readonly workflow?: string | undefined;
  /** All of these labels; a text, a number and a boolean are never the same. */
  readonly metadata?: Metadata | undefined;
  readonly created?: Span;
  readonly updated?: Span;
  readonly completed?: Span;
}

/** Which approvals; what is left out does not matter. */
export interface ApprovalFilter {
  /** Any of these; any at all if there are none. */
  readonly status: readonly ApprovalStatus[];
  readonly workflow?: string | undefined;
  readonly instanceId?: string | undefined;
  readonly requested?: Span;
}

/** Whether agents below are meant too. */
export interface Reaching {
  readonly subtree?: boolean;
}

/** By when instances were first started. */
export type ListOrder = "newest" | "oldest";

/** A page of instances, with how many match in all, if that was asked for; at least, where there are too many agents. */
export type InstancePage = Page<Instance> & { readonly total?: number; readonly totalAtLeast?: number };

/** How many streams an agent holds open. */
export interface StreamQuota {
  /** Name of the principal whose stream it is. */
  readonly caller: string;
  /** Most streams of one instance, or of the agent as a whole. */
  readonly perInstance: number;
  /** Most streams of one caller. */
  readonly perCaller: number;
}

/** Which events; what is left out does not matter. */
export interface EventFilter {
  /** Any of these types; any at all if there are none. */
  readonly types?: readonly EventType[];
  readonly workflow?: string | undefined;
}

/** What somebody watches. */
export interface Watch extends EventFilter {
  /** Undefined for all instances of the agent. */
  readonly instanceId: string | undefined;
  /** Whether the agents below are watched too. */
  readonly subtree?: boolean;
  /** Whether the steps of that instance are shown too. */
  readonly steps?: boolean | undefined;
  /** Id of the stream token that lets them. */
  readonly tokenId?: string | undefined;
  /** Given if a stream is to follow, or is one: it is refused if it would be one too many. */
  readonly quota?: StreamQuota | undefined;
}

/** Which events of a journal, and after which. */
export interface EventsRequest extends Watch {
  readonly after: string | undefined;
  /** Whether to begin with what is still to come, if there is no cursor; otherwise with what is kept. */
  readonly fromNow?: boolean;
  readonly limit: number;
  /** Whether what the engine had told of steps has just been copied. */
  readonly copied?: boolean;
}

/** Where the engine tells of the steps of an instance; never leaves the Worker. */
export interface StepSource {
  readonly binding: string;
  readonly engineId: string;
  /** The attempt of the instance that it tells of. */
  readonly attempt: number;
  /** The engine's number of the last event that was read of it. */
  readonly after: number;
  /** Whether the instance has ended. */
  readonly ended: boolean;
}

/** What the engine told of an attempt after an event. */
export interface StepBatch {
  readonly id: string;
  readonly attempt: number;
  readonly after: number;
  readonly events: readonly WorkflowInstanceEvent[];
  /** Whether nothing will follow. */
  readonly end: boolean;
}

/** A stretch of a journal. */
export interface EventsAnswer {
  readonly events: readonly GatewayEvent[];
  /** Cursor before the first event of the stretch. */
  readonly from: string;
  /** Cursor after the last event of the stretch, or where it was asked to begin. */
  readonly cursor: string;
  /** Whether more events are kept already. */
  readonly more: boolean;
  /** Whether the instance has ended, so that after these nothing will follow. */
  readonly ended: boolean;
  /** Whether events after the cursor that was given are no longer kept, of which its reader was not told. */
  readonly gap: boolean;
  /** Opens the live tail of this agent; never leaves the Worker. */
  readonly tailKey: string;
  /** What the Worker is to copy from the engine before it reads this again. */
  readonly steps?: StepSource;
}

/** What the holder of a link is shown. */
export interface LinkView {
  readonly approval: Approval;
  /** For whom the link is. */
  readonly holder: string;
  readonly decisions: readonly Decision[];
  /** SHA-256 of what is asked, in base64url: sent along with the decision, it says what was seen. */
  readonly shown: string;
}

/**
 * The one interface behind all doors: what may be asked of one agent.
 * Every method rejects with a `ProblemError` if it cannot answer.
 */
export interface AgentPort {
  /** Describes the agent. */
  describe(): Promise<AgentView>;
  /** Lists its sub-agents by class, in the order in which they are declared, and name. */
  listChildren(input: PageRequest & { readonly agent?: string | undefined }): Promise<Page<ChildView>>;
  /** Brings a sub-agent into being, or leaves it as it is. */
  createChild(input: AgentStep): Promise<CreatedChild>;
  /** Deletes a sub-agent and all below it: at once for all that ask, its storage once its instances have been ended. */
  deleteChild(input: AgentStep & { readonly once?: Once | undefined }): Promise<DeletedChild>;
  /** Accepts an instance: resolves once that is committed; the engine is told right after, surely. */
  start(input: {
    readonly workflow: string;
    readonly params: Record<string, unknown>;
    readonly id: string | undefined;
    readonly metadata: Metadata;
    /** Milliseconds to wait before the engine is told. */
    readonly delay?: number;
    readonly once?: Once | undefined;
  }): Promise<Instance>;
  /** Starts several; each has an answer of its own. */
  startMany(input: {
    readonly workflow: string;
    readonly items: readonly {
      readonly params: Record<string, unknown>;
      readonly id: string | undefined;
      readonly metadata: Metadata;
      /** Milliseconds to wait before the engine is told. */
      readonly delay?: number;
    }[];
    readonly once?: Once | undefined;
  }): Promise<readonly StartedItem[]>;
  /** Pauses, resumes, terminates or restarts an instance. */
  control(input: {
    readonly id: string;
    readonly control: Control;
    readonly once?: Once | undefined;
  }): Promise<Instance>;
  /** Deletes an instance; an active one only if forced. */
  deleteInstance(input: {
    readonly id: string;
    readonly force: boolean;
    readonly once?: Once | undefined;
  }): Promise<Deleted>;
  /** Deletes the instances that match, oldest first, as many as one call may; active ones only if forced. */
  deleteInstances(
    input: Reaching & {
      readonly filter: InstanceFilter;
      readonly force: boolean;
      /** Where a delete over a subtree goes on. */
      readonly cursor?: string | undefined;
      readonly once?: Once | undefined;
    },
  ): Promise<Deleted>;
  /** Gives the instances of a binding that was renamed its present name, which is that of a workflow. */
  migrateBinding(input: {
    readonly workflow: string;
    /** What the binding was called. */
    readonly from: string;
    readonly once?: Once | undefined;
  }): Promise<Migrated>;
  /** Sends an event in. */
  sendEvent(input: {
    readonly id: string;
    readonly type: string;
    readonly payload: unknown;
    readonly requireWaiting: boolean;
    readonly once?: Once | undefined;
  }): Promise<SentEvent>;
  /** Reads one instance. */
  getInstance(input: { readonly id: string }): Promise<Instance>;
  /** Lists instances; they are counted only if that is asked for. */
  listInstances(
    input: PageRequest & Reaching & InstanceFilter & { readonly order?: ListOrder; readonly count?: boolean },
  ): Promise<InstancePage>;
  /** Lists approvals, newest first. */
  listApprovals(input: PageRequest & Reaching & ApprovalFilter): Promise<Page<Approval>>;
  /** Reads one approval, with what happened to it. */
  getApproval(input: { readonly id: string }): Promise<ApprovalWithHistory>;
  /**
   * Decides one approval, or the only open one of an instance, in the name in which the agent is asked. Where several must
   * approve it is a vote, and the approval may stay pending.
   */
  decide(input: {
    readonly target: { readonly approvalId: string } | { readonly instanceId: string };
    readonly decision: Decision;
    readonly reason: string | undefined;
    readonly metadata: unknown;
    /** Digest of what whoever decides was shown. */
    readonly shown?: string | undefined;
    readonly once?: Once | undefined;
  }): Promise<Approval>;
  /** Makes a link by which an approval can be decided once: as long as is asked for, or as long as it may live. */
  createLink(input: {
    readonly approvalId: string;
    readonly holder: string;
    readonly decisions: readonly Decision[];
    /** In milliseconds. */
    readonly expiresAt: number | undefined;
    readonly ttlSeconds: number | undefined;
    readonly once?: Once | undefined;
  }): Promise<ApprovalLink>;
  /** Lists the links of an approval, newest first. */
  listLinks(input: { readonly approvalId: string }): Promise<readonly ApprovalLink[]>;
  /** Ends a link. */
  revokeLink(input: { readonly approvalId: string; readonly id: string }): Promise<ApprovalLink>;
  /** Shows what a link is about. @throws ProblemError `link_not_found` also if it cannot be used any more. */
  viewLink(input: { readonly approvalId: string; readonly id: string }): Promise<LinkView>;
  /**
   * Decides by a link, in the name of whoever it is for.
   *
   * @throws ProblemError `link_not_found` if it cannot be used for this, `approval_changed` if `shown` is not what is asked.
   */
  decideByLink(input: {
    readonly approvalId: string;
    readonly id: string;
    readonly decision: Decision;
    readonly reason: string | undefined;
    readonly metadata: unknown;
    readonly shown?: string | undefined;
    readonly once?: Once | undefined;
  }): Promise<Approval>;
  /** Calls a declared method. */
  callMethod(input: {
    readonly method: string;
    readonly input: unknown;
    readonly once?: Once | undefined;
  }): Promise<unknown>;
  /** Reads the agent's state. */
  getState(): Promise<StateView>;
  /** Replaces, merges or resets the agent's state. */
  changeState(input: {
    readonly change: StateChange;
    /** The state must still have this tag; `*` is any. */
    readonly ifMatch: string | undefined;
    readonly once?: Once | undefined;
  }): Promise<StateView>;
  /** Lists what was done to the agent, newest first. */
  listAudit(input: PageRequest): Promise<Page<AuditEntry>>;
  /** Checks the hashes of that list, from the oldest entry or from a cursor on. */
  verifyAudit(input: { readonly cursor: string | undefined }): Promise<AuditVerification>;
  /** Ends a stream token, and the tails that were opened with it. */
  revokeStreamToken(input: { readonly tokenId: string }): Promise<void>;
  /**
   * Reads a stretch of the journal.
   * @throws ProblemError `unauthorized` if the stream token was revoked.
   */
  readEvents(input: EventsRequest): Promise<EventsAnswer>;
  /** Says where the steps of an instance are to be read on from: `later` before its run begins, `over` if nothing is left. */
  findSteps(input: { readonly id: string }): Promise<StepSource | "later" | "over">;
  /** Takes what the engine told of steps, if that is the next; says where to read on. */
  takeSteps(input: StepBatch): Promise<StepSource | "later" | "over">;
}

/** How doors reach agents by name. */
export interface Port {
  /**
   * @param actor in whose name the agent is asked.
   * @returns the agent at a path of registered classes and valid names. Nothing is contacted yet.
   */
  at(path: AgentPath, actor: Actor): AgentPort;
  /** Opens the live tail of a journal: events after the cursor, in order, as JSON text frames. The socket is not accepted yet. */
  openTail(path: AgentPath, request: Watch & { after: string; tailKey: string }): Promise<WebSocket>;
}
