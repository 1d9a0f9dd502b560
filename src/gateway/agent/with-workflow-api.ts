import type { Agent } from "agents";
import type {
  RunWorkflowOptions,
  WorkflowCallback,
  WorkflowInfo,
  WorkflowPage,
  WorkflowQueryCriteria,
} from "agents/workflows";
import type { Control } from "../contract/control";
import { type InstanceError, isTerminal, Metadata } from "../contract/instance";
import { Name } from "../contract/names";
import { ProblemError } from "../contract/problem";

import type { AgentGateway } from "./agent-gateway";
import { deletionOf, sweepOf } from "./deeds";
import type { InstanceRow } from "./ledger";
import { remove } from "./removing";
import { type Criteria, toWorkflowInfo } from "./workflow-records";

/** Any class of Agents whose constructor is the platform's. */
export type AgentBase = new (ctx: DurableObjectState, env: Cloudflare.Env) => Agent;

/**
 * Makes the SDK's own methods work on the ledger: what an author wrote from Cloudflare's page runs unchanged. Instances and
 * bindings that the gateway does not know are left to the SDK.
 */
export function withWorkflowApi<Base extends AgentBase>(
  base: Base,
  gatewayOf: (agent: Agent) => AgentGateway,
): AgentBase {
  return class WorkflowApiAgent extends (base as AgentBase) {
    override async runWorkflow(
      binding: string,
      params: unknown,
      options?: RunWorkflowOptions,
    ): Promise<string> {
      const gateway = gatewayOf(this);
      const workflow = gateway.definition.workflows.find((declared) => declared.binding === binding);
      if (workflow === undefined) return super.runWorkflow(binding, params, options);
      workflow.params.parse(params);
      const { id } = await gateway.service.start({
        workflow: workflow.name,
        params: params as Record<string, unknown>,
        id: Name.optional().parse(options?.id),
        metadata: Metadata.parse(options?.metadata ?? {}),
      });
      return id;
    }

    override async sendWorkflowEvent(
      binding: string,
      id: string,
      event: { type: string; payload: unknown },
    ): Promise<void> {
      const row = this.#find(id);
      if (row === undefined) return super.sendWorkflowEvent(binding, id, event);
      await gatewayOf(this).tell(row, event);
    }

    override async approveWorkflow(
      id: string,
      { reason, metadata }: { reason?: string; metadata?: Record<string, unknown> } = {},
    ): Promise<void> {
      const row = this.#find(id);
      if (row === undefined)
        return super.approveWorkflow(id, { ...(reason && { reason }), ...(metadata && { metadata }) });
      const target = { instanceId: row.id };
      await gatewayOf(this).service.decide({
        target,
        decision: "approve",
        reason,
        metadata,
      });
    }

    override async rejectWorkflow(id: string, { reason }: { reason?: string } = {}): Promise<void> {
      const row = this.#find(id);
      if (row === undefined) return super.rejectWorkflow(id, { ...(reason && { reason }) });
      const target = { instanceId: row.id };
      await gatewayOf(this).service.decide({
        target,
        decision: "reject",
        reason,
        metadata: undefined,
      });
    }

    override async terminateWorkflow(id: string): Promise<void> {
      if (!(await this.#control(id, { action: "terminate", rollback: false })))
        await super.terminateWorkflow(id);
    }

    override async pauseWorkflow(id: string): Promise<void> {
      if (!(await this.#control(id, { action: "pause" }))) await super.pauseWorkflow(id);
    }

    override async resumeWorkflow(id: string): Promise<void> {
      if (!(await this.#control(id, { action: "resume" }))) await super.resumeWorkflow(id);
    }

    override async restartWorkflow(id: string, options: { resetTracking?: boolean } = {}): Promise<void> {
      const control: Control = { action: "restart", resetClock: options.resetTracking ?? true };
      if (!(await this.#control(id, control))) await super.restartWorkflow(id, options);
    }

    override async getWorkflowStatus(binding: string, id: string): Promise<InstanceStatus> {
      const row = this.#find(id);
      if (row === undefined) return super.getWorkflowStatus(binding, id);
      const { status, output, error } = row;
      return {
        status,
        ...(output === null ? {} : { output: JSON.parse(output) as unknown }),
        ...(error === null ? {} : { error: JSON.parse(error) as InstanceError }),
      };
    }

    override getWorkflow(id: string): WorkflowInfo | undefined {
      const row = this.#find(id);
      return row === undefined ? super.getWorkflow(id) : toWorkflowInfo(row);
    }

    override getWorkflows(criteria: WorkflowQueryCriteria = {}): WorkflowPage {
      return this.#serves(criteria)
        ? gatewayOf(this).records.workflows.page(criteria)
        : super.getWorkflows(criteria);
    }

    override deleteWorkflow(id: string): boolean {
      const row = this.#find(id);
      if (row === undefined) return super.deleteWorkflow(id);
      this.#remove([row]);
      return true;
    }

    override deleteWorkflows(criteria: Omit<Criteria, "limit" | "orderBy"> = {}): number {
      if (!this.#serves(criteria)) return super.deleteWorkflows(criteria);
      const rows = gatewayOf(this).records.workflows.all(criteria);
      this.#remove(rows);
      return rows.length;
    }

    override migrateWorkflowBinding(from: string, to: string): number {
      const migrated = super.migrateWorkflowBinding(from, to);
      return migrated + gatewayOf(this).migrateBinding(from, to);
    }

    override async _workflow_handleCallback(callback: WorkflowCallback): Promise<void> {
      await this.__unsafe_ensureInitialized();
      if (!(await gatewayOf(this).hear(callback))) await super._workflow_handleCallback(callback);
    }

    /** Also by the id that it had before there was a gateway. */
    #find(id: string): InstanceRow | undefined {
      const gateway = gatewayOf(this);
      const { store, ledger } = gateway.records;
      return store.exists() ? (ledger.find(id) ?? gateway.findByEngineId(id)) : undefined;
    }

    /** Whether a question is about workflows that the gateway serves. */
    #serves({ workflowName }: Criteria): boolean {
      const { records, definition } = gatewayOf(this);
      const declared = definition.workflows.some(({ binding }) => binding === workflowName);
      return records.store.exists() && (workflowName === undefined || declared);
    }

    async #control(id: string, control: Control): Promise<boolean> {
      const row = this.#find(id);
      if (row === undefined) return false;
      await gatewayOf(this).service.control({ id: row.id, control });
      return true;
    }

    #remove(rows: readonly InstanceRow[]): void {
      const gateway = gatewayOf(this);
      const active = rows.find(({ status }) => !isTerminal(status));
      if (active !== undefined) {
        throw new ProblemError("status_conflict", {
          detail: `The instance "${active.id}" is ${active.status}: terminate it before it is deleted.`,
          instanceStatus: active.status,
        });
      }
      gateway.records.change((now) => {
        const { records } = gateway;
        for (const row of rows) remove(records, row, now);
        const [only, another] = rows;
        if (only !== undefined && another === undefined) records.note(deletionOf(only, records.agent), now);
        else if (another !== undefined) records.note(sweepOf(rows.length, false, records.agent), now);
      });
      gateway.deliverSurely();
    }
  };
}
