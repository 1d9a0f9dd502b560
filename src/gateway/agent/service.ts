import type { AgentView, ChildView, CreatedChild, DeletedChild } from "../contract/agent";
import type { Approval } from "../contract/approval";
import type { ApprovalWithHistory } from "../contract/approval-history";
import type { AuditEntry, AuditVerification } from "../contract/audit";
import type { Deleted, Instance, Migrated, SentEvent, StartedItem } from "../contract/instance";
import type { ApprovalLink } from "../contract/link";
import { formatAgentPath } from "../contract/names";
import type { Page } from "../contract/page";
import type {
  AgentPort,
  EventsAnswer,
  EventsRequest,
  InstancePage,
  LinkView,
  StateView,
  StepSource,
} from "../port";
import { ANSWERS_KEPT_MS } from "../durable/answers";
import { callMethod } from "./calling";
import { applyControl } from "./controls";
import { decide } from "./deciding";
import { controlOf, revocationOf } from "./deeds";
import { deleteInstance, deleteInstances } from "./deleting";
import { withHistory } from "./gate-history";
import type { Family } from "./family";
import { createLink, decideByLink, listLinks, revokeLink, viewLink } from "./linking";
import { listChildren } from "./listing-children";
import { toInstance } from "./ledger";
import { migrateBinding } from "./migrating";
import type { Records } from "./records";
import { sendEvent } from "./sending";
import { readEvents } from "./reading-events";
import { requireApproval, requireInstance, type ServiceContext, type ServiceHost } from "./service-context";
import { start, startMany } from "./starting";
import { changeState, viewState } from "./state";
import { stepSource, takeSteps } from "./step-taking";
import { StepTurns } from "./step-turns";

type Asked<Method extends keyof AgentPort> = Parameters<AgentPort[Method]>[0];

/** Answers what doors ask of one agent, from its records. */
export class AgentService implements AgentPort {
  readonly #context: ServiceContext;
  readonly #turns = new StepTurns();

  constructor(records: Records, host: ServiceHost) {
    this.#context = { records, host };
  }

  get #family(): Family {
    return this.#context.host.family;
  }

  async describe(): Promise<AgentView> {
    const { records, host } = this.#context;
    const { definition, path } = host;
    return {
      agent: definition.name,
      name: path.at(-1)?.name ?? "",
      path: formatAgentPath(path),
      workflows: definition.workflows.map(({ name }) => name),
      children: definition.children.map(({ name }) => name),
      methods: Object.keys(definition.methods),
      openApprovals: records.approvals.countPending(),
    };
  }

  async listChildren(input: Asked<"listChildren">): Promise<Page<ChildView>> {
    const { records } = this.#context;
    return listChildren(records.store, this.#family.children, records.agent, input);
  }

  createChild(child: Asked<"createChild">): Promise<CreatedChild> {
    return this.#family.create(child);
  }

  deleteChild({ once, ...child }: Asked<"deleteChild">): Promise<DeletedChild> {
    return this.#family.departures.begin(child, once);
  }

  start(input: Asked<"start">): Promise<Instance> {
    return start(this.#context, input);
  }

  startMany(input: Asked<"startMany">): Promise<readonly StartedItem[]> {
    return startMany(this.#context, input);
  }

  async getInstance({ id }: Asked<"getInstance">): Promise<Instance> {
    const found = requireInstance(this.#context, id);
    const looked = await this.#context.host.inspection.checkIfStale(found);
    return toInstance(looked ? requireInstance(this.#context, id) : found, this.#context.records.agent);
  }

  async listInstances({ subtree, ...filter }: Asked<"listInstances">): Promise<InstancePage> {
    const { ledger, agent } = this.#context.records;
    return subtree ? this.#family.subtree.pageInstances(filter) : ledger.list(filter, agent);
  }

  async control({ id, control, once }: Asked<"control">): Promise<Instance> {
    const { records, host } = this.#context;
    await host.ensureAlarm();
    const answer = records.changeOnce(once, (now) => {
      const acted = applyControl(records, requireInstance(this.#context, id), control, now);
      const instance = requireInstance(this.#context, id);
      if (acted) records.note(controlOf(control, instance, records.agent), now);
      return toInstance(instance, records.agent);
    });
    await host.deliver();
    return answer;
  }

  deleteInstance(input: Asked<"deleteInstance">): Promise<Deleted> {
    return deleteInstance(this.#context, input);
  }

  deleteInstances({ subtree, ...input }: Asked<"deleteInstances">): Promise<Deleted> {
    return subtree
      ? this.#family.subtree.sweep({ ...input, cursor: input.cursor })
      : deleteInstances(this.#context, input);
  }

  migrateBinding(input: Asked<"migrateBinding">): Promise<Migrated> {
    return migrateBinding(this.#context, input);
  }

  sendEvent(input: Asked<"sendEvent">): Promise<SentEvent> {
    return sendEvent(this.#context, input);
  }

  async listApprovals({ subtree, ...filter }: Asked<"listApprovals">): Promise<Page<Approval>> {
    const { approvals } = this.#context.records;
    return subtree ? this.#family.subtree.pageApprovals(filter) : approvals.list(filter);
  }

  async getApproval({ id }: Asked<"getApproval">): Promise<ApprovalWithHistory> {
    return withHistory(this.#context.records, requireApproval(this.#context, id));
  }

  decide(input: Asked<"decide">): Promise<Approval> {
    return decide(this.#context, input);
  }

  async createLink(input: Asked<"createLink">): Promise<ApprovalLink> {
    if (input.once !== undefined) await this.#forgetLater();
    return createLink(this.#context, input);
  }

  async listLinks(input: Asked<"listLinks">): Promise<readonly ApprovalLink[]> {
    return listLinks(this.#context, input);
  }

  async revokeLink(input: Asked<"revokeLink">): Promise<ApprovalLink> {
    return revokeLink(this.#context, input);
  }

  async viewLink(input: Asked<"viewLink">): Promise<LinkView> {
    return viewLink(this.#context, input);
  }

  async decideByLink(input: Asked<"decideByLink">): Promise<Approval> {
    return decideByLink(this.#context, input);
  }

  async callMethod(input: Asked<"callMethod">): Promise<unknown> {
    if (input.once !== undefined) await this.#forgetLater();
    return callMethod(this.#context, input);
  }

  async getState(): Promise<StateView> {
    return viewState(this.#context);
  }

  async changeState(input: Asked<"changeState">): Promise<StateView> {
    if (input.once !== undefined) await this.#forgetLater();
    return changeState(this.#context, input);
  }

  /** For what has nothing to send, but an answer to forget. */
  #forgetLater(): Promise<void> {
    return this.#context.host.ensureAlarm(ANSWERS_KEPT_MS);
  }

  async listAudit(request: Asked<"listAudit">): Promise<Page<AuditEntry>> {
    return this.#context.records.audit.page(request);
  }

  async verifyAudit({ cursor }: Asked<"verifyAudit">): Promise<AuditVerification> {
    return this.#context.records.audit.verify(cursor);
  }

  async revokeStreamToken({ tokenId }: Asked<"revokeStreamToken">): Promise<void> {
    const { records, host } = this.#context;
    records.change((now) => {
      if (records.revokedTokens.revoke(tokenId, now)) records.note(revocationOf(tokenId, records.agent), now);
    });
    host.closeTails({ tokenId });
  }

  readEvents(request: EventsRequest): Promise<EventsAnswer> {
    return readEvents(this.#context, this.#turns, request);
  }

  async findSteps({ id }: Asked<"findSteps">): Promise<StepSource | "later" | "over"> {
    return stepSource(this.#context.records, id);
  }

  async takeSteps(batch: Asked<"takeSteps">): Promise<StepSource | "later" | "over"> {
    const { records, host } = this.#context;
    return takeSteps(records, batch, (event) => host.publishStep(event));
  }
}
