import type { AgentPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { StepEvent } from "../contract/step-event";
import type { EventsRequest } from "../port";
import type { AgentDefinition } from "../registry/agent-definition";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import type { ApprovalRow } from "./approvals";
import type { Family } from "./family";
import type { Inspection } from "./inspection";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";
import type { EndedTails } from "./tail";

/** What the service needs of the Agent that it serves. */
export interface ServiceHost {
  readonly definition: AgentDefinition;
  readonly path: AgentPath;
  /** The agents below. */
  readonly family: Family;
  /**
   * Resolves when it is certain that the outbox will be looked at, whatever happens to this process.
   *
   * @param within milliseconds; soon unless it is given.
   */
  ensureAlarm(within?: number): Promise<void>;
  /** Sends the outbox, without being waited for. */
  deliverSoon(): void;
  /** The same once all starts that come together are accepted. */
  deliverStarts(): void;
  /** Sends what an instance is to be told, and resolves when the engine has answered once, or is slow to. */
  deliver(): Promise<void>;
  /** Asks the engine what is true of an instance. */
  readonly inspection: Pick<Inspection, "checkIfStale" | "checkIfUnheard">;
  /** Gives all instances of a binding that was renamed its present name. Inside a change. @returns how many there are. */
  migrateBinding(from: string, to: string): number;
  /** Takes in what was started before there was a gateway. */
  adopt(): void;
  /** Whether somebody who follows the steps of an instance live copies them from the engine. */
  hasPump(instanceId: string): boolean;
  /** Sends what happened to a step to those who follow it live. */
  publishStep(event: StepEvent): void;
  /** @throws ProblemError `too_many_streams` if a stream would be one too many. */
  requireRoom(request: EventsRequest): void;
  closeTails(ended: EndedTails): void;
  /** Calls a method of the author's class. */
  invoke(method: string, input: unknown): Promise<unknown>;
  /** Reads the author's state. */
  state(): unknown;
  /** What the author's state is at first. */
  initialState(): unknown;
  /** Replaces the author's state. */
  setState(state: unknown): void;
}

/** One agent, as everything that answers for it sees it. */
export interface ServiceContext {
  readonly records: Records;
  readonly host: ServiceHost;
}

/** @throws ProblemError `instance_not_found` */
export function requireInstance({ records }: ServiceContext, id: string): InstanceRow {
  const row = records.ledger.find(id);
  if (row === undefined) throw new ProblemError("instance_not_found");
  return row;
}

/** @throws ProblemError `approval_not_found` */
export function requireApproval({ records }: ServiceContext, id: string): ApprovalRow {
  const row = records.approvals.find(id);
  if (row === undefined) throw new ProblemError("approval_not_found");
  return row;
}

/** @throws ProblemError `not_found` if the agent has no such workflow. */
export function requireWorkflow({ host }: ServiceContext, name: string): WorkflowDefinition {
  const workflow = host.definition.workflows.find((candidate) => candidate.name === name);
  if (workflow === undefined) throw new ProblemError("not_found");
  return workflow;
}
