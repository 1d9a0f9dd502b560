import type { AgentView } from "../contract/agent";
import type { Approval } from "../contract/approval";
import {
  type Deleted,
  type Instance,
  isTerminal,
  type SentEvent,
  type StartedItem,
} from "../contract/instance";
import { formatAgentPath } from "../contract/names";
import type { Page } from "../contract/page";
import { ProblemError } from "../contract/problem";
import type { AgentPort, EventsAnswer, EventsRequest, StateView } from "../port";
import { toApproval } from "./approvals";
import { applyControl } from "./controls";
import { decide } from "./deciding";
import { toInstance } from "./ledger";
import type { Records } from "./records";
import { deleteInstance, deleteInstances } from "./removing";
import { sendEvent } from "./sending";
import { requireApproval, requireInstance, type ServiceContext, type ServiceHost } from "./service-context";
import { start, startMany } from "./starting";
import { changeState, viewState } from "./state";

type Asked<Method extends keyof AgentPort> = Parameters<AgentPort[Method]>[0];

/** Answers what doors ask of one agent, from its records. */
export class AgentService implements AgentPort {
  readonly #context: ServiceContext;

  constructor(records: Records, host: ServiceHost) {
    this.#context = { records, host };
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

  start(input: Asked<"start">): Promise<Instance> {
    return start(this.#context, input);
  }

  startMany(input: Asked<"startMany">): Promise<readonly StartedItem[]> {
    return startMany(this.#context, input);
  }

  async getInstance({ id }: Asked<"getInstance">): Promise<Instance> {
    await this.#context.host.checkIfStale(requireInstance(this.#context, id));
    return toInstance(requireInstance(this.#context, id), this.#context.records.agent);
  }

  async listInstances(filter: Asked<"listInstances">): Promise<Page<Instance>> {
    const { ledger, agent } = this.#context.records;
    return ledger.list(filter, agent);
  }

  async control({ id, control, once }: Asked<"control">): Promise<Instance> {
    const { records, host } = this.#context;
    await host.ensureAlarm();
    records.changeOnce(once, (now) => {
      applyControl(records, requireInstance(this.#context, id), control, now);
      return id;
    });
    await host.deliver();
    return toInstance(requireInstance(this.#context, id), records.agent);
  }

  deleteInstance(input: Asked<"deleteInstance">): Promise<Deleted> {
    return deleteInstance(this.#context, input);
  }

  deleteInstances(input: Asked<"deleteInstances">): Promise<Deleted> {
    return deleteInstances(this.#context, input);
  }

  sendEvent(input: Asked<"sendEvent">): Promise<SentEvent> {
    return sendEvent(this.#context, input);
  }

  async listApprovals(filter: Asked<"listApprovals">): Promise<Page<Approval>> {
    const { approvals, agent } = this.#context.records;
    return approvals.list(filter, agent);
  }

  async getApproval({ id }: Asked<"getApproval">): Promise<Approval> {
    return toApproval(requireApproval(this.#context, id), this.#context.records.agent);
  }

  decide(input: Asked<"decide">): Promise<Approval> {
    return decide(this.#context, input);
  }

  async callMethod({ method, input }: Asked<"callMethod">): Promise<unknown> {
    const { records, host } = this.#context;
    const { methods } = host.definition;
    const contract = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (contract === undefined) throw new ProblemError("not_found");
    if (contract.creates) records.store.open();
    return contract.output.parse(await host.invoke(method, input));
  }

  async getState(): Promise<StateView> {
    return viewState(this.#context);
  }

  async changeState(input: Asked<"changeState">): Promise<StateView> {
    return changeState(this.#context, input);
  }

  async readEvents(request: EventsRequest): Promise<EventsAnswer> {
    const { records, host } = this.#context;
    const instance =
      request.instanceId === undefined ? undefined : requireInstance(this.#context, request.instanceId);
    const ended = instance !== undefined && isTerminal(instance.status);
    // What has ended is read, and not followed.
    if (!ended) host.requireRoom(request);
    return {
      ...records.journal.read(request),
      ended,
      tailKey: records.store.meta("tail_key"),
    };
  }
}
