import type { GatewayEvent } from "../contract/event";
import { isTerminal } from "../contract/instance";
import { type AgentPath, type AgentStep, formatAgentPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { StepEvent } from "../contract/step-event";
import type { AgentPort, EventsAnswer, EventsRequest } from "../port";
import { type AgentDefinition, labelsOf } from "../registry/agent-definition";
import { DEFAULT_KEEP_EVENTS } from "../registry/workflow-definition";
import { Courier, type Origin } from "./courier";
import type { Dissolved } from "./departures";
import { Engine, type EngineEvent } from "./engine";
import { Family, type FamilyHost } from "./family";
import { fromOutcome } from "./outcome";
import { Alarm, type AlarmClock } from "./alarm";
import { reconcile } from "./controls";
import { fail } from "./endings";
import { AuthorCalls, type WorkflowNews } from "./callbacks";
import { receive, type Told } from "./reception";
import type { InstanceRow } from "./ledger";
import { Records } from "./records";
import type { Report } from "./reports";
import { remove } from "./removing";
import { Retention } from "./retention";
import { AgentService } from "./service";
import type { AgentMethod } from "./stub";
import { finishAttempt } from "./step-taking";
import { isSubtreeCall } from "./subtree";
import { passesTail } from "./tail";

/** What the gateway needs of the Agent that it lives in. */
export interface AgentHost extends Omit<FamilyHost, "ensureAlarm" | "deliver" | "deliverSoon"> {
  /** Root first, this Agent last. */
  readonly path: AgentPath;
  readonly isSubAgent: boolean;
  readonly storage: DurableObjectStorage;
  readonly env: object;
  readonly origin: Origin;
  publish(events: readonly GatewayEvent[]): void;
  publishStep(event: StepEvent): void;
  hasPump(instanceId: string): boolean;
  /** Tells the one that copies the steps of an instance that its run has begun. */
  wakePump(instanceId: string): void;
  background(work: Promise<unknown>): void;
  readonly clock: AlarmClock;
  requireRoom(request: EventsRequest): void;
  invoke(method: string, input: unknown): Promise<unknown>;
  state(): unknown;
  initialState(): unknown;
  setState(state: unknown): void;
  /** Whether the author's class does anything with news of this type, or of any type. */
  hears(type?: WorkflowNews["type"]): boolean;
  /** Calls the author's class; what that throws is logged. */
  tellAuthor(news: WorkflowNews): Promise<void>;
  /** Sends a message to the author's clients. */
  broadcast(message: unknown): void;
}

/** What was committed and could not be told at once is told within this time. */
const SOON_MS = 20_000;
const SOONEST_MS = 1_000;
/** How long a caller waits for the engine to follow. */
const PATIENCE_MS = 2_000;
const STALE_MS = 30_000;
const CHECKS_AT_ONCE = 50;
const SWEPT_AT_ONCE = 100;

/** The gateway inside one Agent: its records, what doors ask of them, and what its workflows tell it. */
export class AgentGateway {
  readonly records: Records;
  readonly service: AgentService;
  readonly #host: AgentHost;
  readonly #engine: Engine;
  readonly #alarm: Alarm;
  readonly #retention: Retention;
  readonly #courier: Courier;
  readonly #calls: AuthorCalls;
  readonly #family: Family;

  constructor(host: AgentHost) {
    this.#host = host;
    this.records = new Records(host.storage, formatAgentPath(host.path), (events) => host.publish(events), {
      keepEvents: (workflow) => keepEventsOf(host.definition, workflow),
      labels: labelsOf(host.definition),
    });
    this.#engine = new Engine(host.env);
    this.#retention = new Retention(this.records.store, host.definition.workflows);
    this.#alarm = new Alarm(this.records.store, host.clock);
    this.#courier = new Courier(this.records, this.#engine, () => host.origin, {
      finishAttempt: (id) =>
        finishAttempt(this.records, this.#engine, id, (event) => host.publishStep(event)),
      failed: (id, failure) => this.#failStart(id, failure),
      dissolve: (child) => this.#family.departures.proceed(child),
    });
    this.#calls = new AuthorCalls(this.records.callbacks, (news) => host.tellAuthor(news));
    const messages = {
      ensureAlarm: (within = SOON_MS) => this.#alarm.ensure(Date.now() + within),
      deliverSoon: () => host.background(this.#courier.deliver()),
      deliver: () => Promise.race([this.#courier.deliver(), delay(PATIENCE_MS)]),
    };
    this.#family = new Family(this.records, { ...ofFamily(host), ...messages });
    this.service = new AgentService(this.records, {
      ...messages,
      family: this.#family,
      definition: host.definition,
      path: host.path,
      checkIfStale: (instance) => this.#checkIfStale(instance),
      hasPump: (id) => host.hasPump(id),
      publishStep: (event) => host.publishStep(event),
      requireRoom: (request) => host.requireRoom(request),
      closeTails: (ended) => host.closeTails(ended),
      invoke: (method, input) => host.invoke(method, input),
      state: () => host.state(),
      initialState: () => host.initialState(),
      setState: (state) => host.setState(state),
    });
    // A sub-agent exists by being there; a root agent, which any name would bring into being, by having been written to.
    if (host.isSubAgent || this.records.store.exists()) {
      this.records.store.open();
      this.records.change(() => this.records.labels.bringUpToDate());
      this.#takeOverRenamed();
      if (this.records.outbox.nextDueAt() !== undefined) host.background(this.#courier.deliver());
      if (this.records.callbacks.any()) host.background(this.#calls.deliverAll());
    }
  }

  /** Answers a call that is meant for this agent, or for one below it. */
  async call(rest: readonly AgentStep[], method: AgentMethod, input: unknown): Promise<unknown> {
    const [next, ...further] = rest;
    if (next === undefined) {
      if (!this.records.store.exists() && !this.#creates(method, input))
        throw new ProblemError("agent_not_found");
      // Whoever calls a method does so with that method's own input: both sides are made from the same types.
      const callee = isSubtreeCall(method) ? this.#family.subtree : this.service;
      const answer = Reflect.get(callee, method) as (input: unknown) => Promise<unknown>;
      return answer.call(callee, input);
    }
    const create = this.#creates(method, input, this.#family.definitionBelow(rest));
    const child = await this.#family.reach(next, create);
    const answer = fromOutcome(await child.gatewayCall(further, method, input));
    return method === "readEvents" ? this.#withOwnKey(answer as EventsAnswer) : answer;
  }

  /** Ends a sub-agent, for the author's own code. @returns false if there is no such one. */
  endChild(className: string, name: string): Promise<boolean> {
    return this.#family.end(className, name);
  }

  /** Ends this sub-agent, for its parent, which deletes it then. */
  dissolve(): Promise<Dissolved> {
    return this.#family.departures.dissolve();
  }

  /** Whether a request opens a tail of an agent below this one. */
  passesTail(request: Request): boolean {
    const { store } = this.records;
    return store.exists() && passesTail(request, this.#host.path.length - 1, store.meta("tail_key"));
  }

  /** A socket to a sub-agent passes through its parents: each is opened by its own key. */
  #withOwnKey(answer: EventsAnswer): EventsAnswer {
    return { ...answer, tailKey: `${this.records.store.meta("tail_key")} ${answer.tailKey}` };
  }

  /** Takes the report of a workflow of this agent, or of one below it. */
  async report(rest: readonly AgentStep[], engineId: string, report: Report): Promise<unknown> {
    const [next, ...further] = rest;
    if (next !== undefined) {
      const child = await this.#family.reach(next, false);
      return fromOutcome(await child.gatewayReport(further, engineId, report));
    }
    if (!this.records.store.exists()) throw new ProblemError("agent_not_found");
    // Before any report, so that none overtakes another.
    if (this.#host.hears()) await this.#alarm.ensure(Date.now() + SOON_MS);
    const found = this.records.ledger.findByEngineId(engineId);
    if (found === undefined) throw new ProblemError("instance_not_found");
    const { answer, tellAuthor } = this.records.change((now) => {
      const { answer: given, callback } = receive(this.records, found, report, now);
      return { answer: given, tellAuthor: callback && this.#toAuthor(found, callback, now) };
    });
    if (report.type === "started") this.#host.wakePump(found.id);
    await tellAuthor?.();
    return answer;
  }

  /** Sees to it that the author hears of something. Inside a change. @returns what is to be done after it. */
  #toAuthor({ id, binding }: InstanceRow, callback: Told, now: number): () => Promise<void> {
    if (callback.type === "broadcast") return async () => this.#host.broadcast(callback.message);
    const news: WorkflowNews = { ...callback, workflowName: binding, workflowId: id, timestamp: now };
    // The SDK's own callbacks only log.
    if (!this.#host.hears(callback.type)) return () => this.#host.tellAuthor(news);
    const kept = this.records.callbacks.keep(news);
    return () => this.#calls.deliver(kept);
  }

  get definition(): AgentDefinition {
    return this.#host.definition;
  }

  /** Sends an event to an instance, of any type: the author's own code answers for it. */
  async tell({ id }: InstanceRow, event: EngineEvent): Promise<void> {
    await this.#alarm.ensure(Date.now() + SOON_MS);
    this.records.change((now) =>
      this.records.outbox.add({ kind: "event", instanceId: id, payload: event }, now),
    );
    this.#host.background(this.#courier.deliver());
  }

  /** Sends what was just committed, and sees to it that it is sent if this process dies. */
  deliverSurely(): void {
    this.#host.background(this.#alarm.ensure(Date.now() + SOON_MS));
    this.#host.background(this.#courier.deliver());
  }

  /** Sends what is still to be told, and asks the engine about what was not heard of for long. */
  async alarm(): Promise<void> {
    this.#alarm.rang();
    if (!this.records.store.exists()) return;
    // An author's callback may take its time: nothing waits for it.
    this.#host.background(this.#calls.deliverAll());
    await this.#courier.deliver();
    for (const instance of this.records.ledger.dueForCheck(Date.now(), CHECKS_AT_ONCE))
      await this.#check(instance);
    this.records.change((now) => {
      for (const instance of this.#retention.over(now, SWEPT_AT_ONCE)) remove(this.records, instance, now);
    });
    await this.#courier.deliver();
    this.records.answers.sweep(Date.now());
    const next = Math.min(
      this.records.outbox.nextDueAt() ?? Number.POSITIVE_INFINITY,
      this.records.ledger.nextCheckAt() ?? Number.POSITIVE_INFINITY,
      this.#retention.nextAt() ?? Number.POSITIVE_INFINITY,
      this.records.answers.nextSweepAt() ?? Number.POSITIVE_INFINITY,
      this.records.callbacks.any() ? Date.now() + SOON_MS : Number.POSITIVE_INFINITY,
    );
    if (next < Number.POSITIVE_INFINITY) await this.#alarm.ensure(Math.max(next, Date.now() + SOONEST_MS));
  }

  /** A look at the engine costs a request: readers of one instance share one in half a minute. */
  async #checkIfStale(instance: InstanceRow): Promise<void> {
    if (instance.check_at === null || isTerminal(instance.status)) return;
    const lastLook = instance.check_at - instance.check_after;
    if (Date.now() - lastLook >= STALE_MS) await this.#check(instance);
  }

  /** Asks the engine whether the ledger is still true. What is under way, in the outbox, is left to come about. */
  async #check(instance: InstanceRow): Promise<void> {
    const { records } = this;
    try {
      const view = await this.#engine.view(instance.binding, instance.engine_id);
      records.change((now) => {
        const row = records.ledger.find(instance.id);
        if (row === undefined || isTerminal(row.status)) return;
        const underWay =
          row.intent !== null || row.updated_at !== instance.updated_at || records.outbox.hasAny(row.id);
        if (underWay || !reconcile(records, row, view, now)) records.ledger.checked(row, now);
      });
    } catch (failure) {
      console.warn("switchyard: the engine could not be asked about an instance", failure);
      records.change((now) => records.ledger.checked(instance, now));
    }
  }

  /** Instances that were started under a former name of a binding go on under the present one. */
  #takeOverRenamed(): void {
    for (const { binding, formerBindings } of this.definition.workflows) {
      for (const former of formerBindings) {
        this.records.change(() => this.records.workflows.rename(former, binding));
      }
    }
  }

  #failStart(id: string, failure: unknown): void {
    console.error(`switchyard: instance ${id} could not be begun`, failure);
    const error = { name: "StartError", message: "The workflow engine refused the instance." };
    this.records.change((now) => {
      const instance = this.records.ledger.find(id);
      if (instance?.status !== "queued") return;
      fail(this.records, instance, error, now);
      // A restart that was refused leaves the run of the attempt before, which nobody hears any more.
      this.records.outbox.add({ kind: "terminate", instanceId: id, payload: { rollback: false } }, now);
    });
  }

  /** Whether a call may bring its agent into being: a start may, and a method that says so. */
  #creates(
    method: AgentMethod,
    input: unknown,
    definition: AgentDefinition = this.#host.definition,
  ): boolean {
    if (method === "start" || method === "startMany" || method === "createChild") return true;
    if (method !== "callMethod") return false;
    const { method: name } = input as Parameters<AgentPort["callMethod"]>[0];
    return Object.hasOwn(definition.methods, name) && definition.methods[name]?.creates === true;
  }
}

function ofFamily(host: AgentHost): Omit<FamilyHost, "ensureAlarm" | "deliver" | "deliverSoon"> {
  return {
    definition: host.definition,
    path: host.path,
    hasChild: (definition, name) => host.hasChild(definition, name),
    child: (definition, name) => host.child(definition, name),
    wipeChild: (definition, name) => host.wipeChild(definition, name),
    closeTails: (ended) => host.closeTails(ended),
  };
}

/** Also of a workflow that is not declared any more, of which instances are left. */
function keepEventsOf({ workflows }: AgentDefinition, workflow: string): number {
  return workflows.find(({ name }) => name === workflow)?.keepEvents ?? DEFAULT_KEEP_EVENTS;
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
