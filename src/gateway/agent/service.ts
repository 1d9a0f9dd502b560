import type { AgentView } from "../contract/agent";
import type { Approval } from "../contract/approval";
import { type Instance, isTerminal } from "../contract/instance";
import { type AgentPath, formatAgentPath } from "../contract/names";
import type { Page } from "../contract/page";
import { placesOf, ProblemError } from "../contract/problem";
import type { AgentPort, EventsAnswer, EventsRequest } from "../port";
import type { AgentDefinition } from "../registry/agent-definition";
import type { WorkflowDefinition } from "../registry/workflow-definition";
import { type ApprovalRow, toApproval, toStandingDecision } from "./approvals";
import { closeGate, expireGate } from "./gates";
import { type InstanceRow, toInstance } from "./ledger";
import type { Records } from "./records";
import type { DecisionPayload } from "./reports";

type Asked<Method extends keyof AgentPort> = Parameters<AgentPort[Method]>[0];

/** What the service needs of the Agent that it serves. */
export interface ServiceHost {
  readonly definition: AgentDefinition;
  readonly path: AgentPath;
  /** Resolves when it is certain that the outbox will be looked at, whatever happens to this process. */
  ensureAlarm(): Promise<void>;
  /** Sends the outbox, without being waited for. */
  deliverSoon(): void;
  /** Calls a method of the author's class. */
  invoke(method: string, input: unknown): Promise<unknown>;
  /** Reads the author's state. */
  state(): unknown;
}

/** Answers what doors ask of one agent, from its records. */
export class AgentService implements AgentPort {
  readonly #records: Records;
  readonly #host: ServiceHost;

  constructor(records: Records, host: ServiceHost) {
    this.#records = records;
    this.#host = host;
  }

  async describe(): Promise<AgentView> {
    const { definition, path } = this.#host;
    return {
      agent: definition.name,
      name: path.at(-1)?.name ?? "",
      path: formatAgentPath(path),
      workflows: definition.workflows.map(({ name }) => name),
      children: definition.children.map(({ name }) => name),
      methods: Object.keys(definition.methods),
      openApprovals: this.#records.approvals.countPending(),
    };
  }

  async start({ workflow: name, params, id, metadata }: Asked<"start">): Promise<Instance> {
    const workflow = this.#workflow(name);
    await this.#host.ensureAlarm();
    const instance = this.#records.change((now) => {
      const instanceId = id ?? crypto.randomUUID();
      const inserted = this.#records.ledger.insert({
        id: instanceId,
        engineId: `sy_${crypto.randomUUID()}`,
        workflow: workflow.name,
        binding: workflow.binding,
        params,
        metadata,
        now,
      });
      if (!inserted)
        throw new ProblemError("instance_exists", { detail: `The agent has an instance "${instanceId}".` });
      const row = this.#instance(instanceId);
      this.#records.journal.append(row, "instance.queued", { metadata }, now, "queued");
      this.#records.outbox.add({ kind: "create", instanceId, payload: { params } }, now);
      return row;
    });
    this.#host.deliverSoon();
    return toInstance(instance, this.#records.agent);
  }

  async getInstance({ id }: Asked<"getInstance">): Promise<Instance> {
    return toInstance(this.#instance(id), this.#records.agent);
  }

  async listInstances(filter: Asked<"listInstances">): Promise<Page<Instance>> {
    return this.#records.ledger.list(filter, this.#records.agent);
  }

  async listApprovals(filter: Asked<"listApprovals">): Promise<Page<Approval>> {
    return this.#records.approvals.list(filter, this.#records.agent);
  }

  async getApproval({ id }: Asked<"getApproval">): Promise<Approval> {
    return toApproval(this.#approval(id), this.#records.agent);
  }

  async decide(asked: Asked<"decide">): Promise<Approval> {
    const { decision, decidedBy, reason } = asked;
    const target =
      "approvalId" in asked.target ? this.#approval(asked.target.approvalId) : this.#onlyOpen(asked.target);
    const metadata = this.#decisionMetadata(target, asked);
    await this.#host.ensureAlarm();
    const status = decision === "approve" ? "approved" : "rejected";

    const closed = this.#records.change((now) => {
      const instance = this.#instance(target.instance_id);
      if (expireGate(this.#records, instance, target.id, now)) return undefined;
      const closing = { status, decidedBy, reason: reason ?? null, metadata } as const;
      const gate = closeGate(this.#records, instance, target.id, closing, now);
      if (gate === undefined) return undefined;
      const payload: DecisionPayload = { approved: decision === "approve", reason, metadata };
      this.#records.outbox.add(
        { kind: "event", instanceId: instance.id, payload: { type: gate.event_type, payload } },
        now,
      );
      return gate;
    });

    if (closed === undefined) {
      const standing = toStandingDecision(this.#approval(target.id));
      throw new ProblemError("approval_closed", standing === undefined ? {} : { decision: standing });
    }
    this.#host.deliverSoon();
    return toApproval(closed, this.#records.agent);
  }

  async callMethod({ method, input }: Asked<"callMethod">): Promise<unknown> {
    const { methods } = this.#host.definition;
    const contract = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (contract === undefined) throw new ProblemError("not_found");
    if (contract.creates) this.#records.store.open();
    return contract.output.parse(await this.#host.invoke(method, input));
  }

  async getState(): Promise<unknown> {
    return this.#host.state() ?? null;
  }

  async readEvents(request: EventsRequest): Promise<EventsAnswer> {
    const instance = request.instanceId === undefined ? undefined : this.#instance(request.instanceId);
    return {
      ...this.#records.journal.read(request),
      ended: instance !== undefined && isTerminal(instance.status),
      tailKey: this.#records.store.meta("tail_key"),
    };
  }

  #workflow(name: string): WorkflowDefinition {
    const workflow = this.#host.definition.workflows.find((candidate) => candidate.name === name);
    if (workflow === undefined) throw new ProblemError("not_found");
    return workflow;
  }

  #instance(id: string): InstanceRow {
    const row = this.#records.ledger.find(id);
    if (row === undefined) throw new ProblemError("instance_not_found");
    return row;
  }

  #approval(id: string): ApprovalRow {
    const row = this.#records.approvals.find(id);
    if (row === undefined) throw new ProblemError("approval_not_found");
    return row;
  }

  #onlyOpen({ instanceId }: { readonly instanceId: string }): ApprovalRow {
    const instance = this.#instance(instanceId);
    const [gate, another] = this.#records.approvals.pendingOf(instance.id);
    if (gate !== undefined && another === undefined) return gate;
    throw new ProblemError("approval_ambiguous", {
      detail:
        gate === undefined
          ? `No approval of the instance is open; it is ${instance.status}.`
          : "Several approvals of the instance are open: decide each by its own id.",
    });
  }

  /** What the approver sent, checked against the contract of the workflow. A rejection may come without. */
  #decisionMetadata(target: ApprovalRow, { decision, metadata }: Asked<"decide">): unknown {
    const workflow = this.#host.definition.workflows.find(({ name }) => name === target.workflow);
    if (workflow === undefined || (decision === "reject" && metadata === undefined)) return metadata;
    const checked = workflow.approval.safeParse(metadata);
    if (checked.success) return checked.data;
    throw new ProblemError("invalid_request", {
      detail: `The metadata does not match the approval contract of "${workflow.name}".`,
      errors: placesOf(checked.error, "body", ["metadata"]),
    });
  }
}
