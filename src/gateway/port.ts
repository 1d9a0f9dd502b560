import type { AgentView } from "./contract/agent";
import type { Approval, ApprovalStatus, Decision } from "./contract/approval";
import type { GatewayEvent } from "./contract/event";
import type { Instance, InstanceStatus, Metadata } from "./contract/instance";
import type { AgentPath } from "./contract/names";
import type { Page } from "./contract/page";

/** Where a list goes on, and how far. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** Which events of a journal, and after which. */
export interface EventsRequest {
  readonly instanceId: string | undefined;
  readonly after: string | undefined;
  readonly limit: number;
}

/** A stretch of a journal. */
export interface EventsAnswer {
  readonly events: readonly GatewayEvent[];
  /** Cursor after the last event of the stretch, or where it was asked to begin. */
  readonly cursor: string;
  /** Whether more events are kept already. */
  readonly more: boolean;
  /** Whether the instance has ended, so that after these nothing will follow. */
  readonly ended: boolean;
  /** Whether events between the cursor that was given and the first one are no longer kept. */
  readonly gap: boolean;
  /** Opens the live tail of this agent; never leaves the Worker. */
  readonly tailKey: string;
}

/**
 * The one interface behind all doors: what may be asked of one agent.
 * Every method rejects with a `ProblemError` if it cannot answer.
 */
export interface AgentPort {
  /** Describes the agent. */
  describe(): Promise<AgentView>;
  /** Accepts an instance: resolves once that is committed; the engine is told right after, surely. */
  start(input: {
    readonly workflow: string;
    readonly params: Record<string, unknown>;
    readonly id: string | undefined;
    readonly metadata: Metadata;
  }): Promise<Instance>;
  /** Reads one instance. */
  getInstance(input: { readonly id: string }): Promise<Instance>;
  /** Lists instances, newest first. */
  listInstances(
    input: PageRequest & {
      readonly status: readonly InstanceStatus[];
      readonly workflow: string | undefined;
    },
  ): Promise<Page<Instance>>;
  /** Lists approvals, newest first. */
  listApprovals(input: PageRequest & { readonly status: readonly ApprovalStatus[] }): Promise<Page<Approval>>;
  /** Reads one approval. */
  getApproval(input: { readonly id: string }): Promise<Approval>;
  /** Decides one approval, or the only open one of an instance. */
  decide(input: {
    readonly target: { readonly approvalId: string } | { readonly instanceId: string };
    readonly decision: Decision;
    readonly decidedBy: string;
    readonly reason: string | undefined;
    readonly metadata: unknown;
  }): Promise<Approval>;
  /** Calls a declared method. */
  callMethod(input: { readonly method: string; readonly input: unknown }): Promise<unknown>;
  /** Reads the agent's state. */
  getState(): Promise<unknown>;
  /** Reads a stretch of the journal. */
  readEvents(input: EventsRequest): Promise<EventsAnswer>;
}

/** How doors reach agents by name. */
export interface Port {
  /** @returns the agent at a path of registered classes and valid names. Nothing is contacted yet. */
  at(path: AgentPath): AgentPort;
  /** Opens the live tail of a journal: events after the cursor, in order, as JSON text frames. The socket is not accepted yet. */
  openTail(
    path: AgentPath,
    request: { instanceId: string | undefined; after: string; tailKey: string },
  ): Promise<WebSocket>;
}
