import type { WorkflowCallback } from "agents/workflows";
import { type AgentPath, type AgentStep, formatAgentPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { StepEvent } from "../contract/step-event";
import type { EventsAnswer, EventsRequest } from "../port";
import { type AgentDefinition, labelsOf } from "../registry/agent-definition";
import { type JsonSchema, metadataSchemaOf } from "../registry/json-schema";
import { DEFAULT_KEEP_EVENTS } from "../registry/workflow-definition";
import { currentActor } from "./acting";
import { Adoption } from "./adoption";
import { Burst } from "./burst";
import { Chores, SOON_MS } from "./chores";
import { Courier, type Origin } from "./courier";
import { creates, definitionBelow } from "./creating";
import { eventTo, migrationOf } from "./deeds";
import { type Dissolved, isLeaving } from "./departures";
import { Engine, type EngineEvent } from "./engine";
import { Family, type FamilyHost } from "./family";
import { fromOutcome, type Outcome, toOutcome } from "../durable/outcome";
import { Alarm, type AlarmClock } from "./alarm";
import { fail } from "./endings";
import { Hearing, type HearingHost } from "./hearing";
import { Inspection } from "./inspection";
import type { InstanceRow } from "./ledger";
import { type Publish, Records } from "./records";
import type { Report } from "./reports";
import { Riser } from "./riser";
import { endpointCalls, endpointDirectory, hasEndpoints } from "../webhook/reach";
import { Announcer } from "./announcer";
import { webhookLink } from "./webhook-link";
import { AgentService } from "./service";
import { finishAttempt } from "./step-taking";
import { type AgentMethod, rootStub } from "./stub";
import { isSubtreeCall } from "./subtree";
import { passesTail } from "./tail";
import type { Rise } from "./upward";

/** What the agents below need that the gateway itself has. */
type OwnOfFamily = "ensureAlarm" | "deliver" | "deliverSoon" | "announce";

/** What the gateway needs of the Agent that it lives in. */
export interface AgentHost
  extends Omit<FamilyHost, OwnOfFamily>, Omit<HearingHost, "ensureAlarm" | "announces"> {
  /** Root first, this Agent last. */
  readonly path: AgentPath;
  readonly isSubAgent: boolean;
  readonly storage: DurableObjectStorage;
  readonly env: object;
  readonly origin: Origin;
  /** Name of the Durable Object binding of the root. */
  readonly rootBinding: string;
  readonly publish: Publish;
  publishStep(event: StepEvent): void;
  hasPump(instanceId: string): boolean;
  readonly clock: AlarmClock;
  requireRoom(request: EventsRequest): void;
  invoke(method: string, input: unknown): Promise<unknown>;
  state(): unknown;
  initialState(): unknown;
  setState(state: unknown): void;
}

/** How long a caller waits for the engine to follow. */
const PATIENCE_MS = 2_000;

/** The gateway inside one Agent: its records, what doors ask of them, and what its workflows tell it. */
export class AgentGateway {
  readonly records: Records;
  readonly service: AgentService;
  readonly #host: AgentHost;
  readonly #alarm: Alarm;
  readonly #courier: Courier;
  readonly #hearing: Hearing;
  readonly #family: Family;
  readonly #riser: Riser;
  readonly #announcer: Announcer;
  readonly #adoption: Adoption;
  readonly #chores: Chores;

  constructor(host: AgentHost) {
    this.#host = host;
    const publish: Publish = (events, ofSubtree) => {
      host.publish(events, ofSubtree);
      this.#riser.soon();
      this.#announcer.soon();
    };
    this.records = new Records(host.storage, formatAgentPath(host.path), publish, {
      keepEvents: (workflow) => keepEventsOf(host.definition, workflow),
      labels: labelsOf(host.definition),
      metadataSchema: (workflow) => metadataSchemaIn(host.definition, workflow),
      isParent: host.definition.children.length > 0,
      isChild: host.isSubAgent,
      isAnnouncing: hasEndpoints(host.env),
    });
    const { workflows } = host.definition;
    const engine = new Engine(host.env);
    const inspection = new Inspection(this.records, engine, workflows);
    const adoption = new Adoption(this.records, workflows);
    this.#adoption = adoption;
    this.#alarm = new Alarm(this.records.store, host.clock);
    const burst = new Burst();
    this.#courier = new Courier(this.records, engine, host.origin, {
      burst: { quiet: () => burst.over(), settled: () => burst.settled() },
      finishAttempt: (id) => finishAttempt(this.records, engine, id, (event) => host.publishStep(event)),
      failed: (id, failure) => this.#failStart(id, failure),
      dissolve: (child) => this.#family.departures.proceed(child),
    });
    const background = (work: Promise<unknown>): void => host.background(work);
    const messages = {
      ensureAlarm: (within = SOON_MS) => this.#alarm.ensure(Date.now() + within),
      deliverSoon: () => background(this.#courier.deliver()),
      deliver: () => Promise.race([this.#courier.deliver(), delay(PATIENCE_MS)]),
    };
    this.#riser = new Riser(this.records, { ...messages, background, passUp: (rise) => passUp(host, rise) });
    this.#announcer = new Announcer(this.records, {
      ...messages,
      background,
      directory: endpointDirectory(host.env),
      callsOf: (endpointId) => endpointCalls(host.env, endpointId),
      linkTo: (approvalId, messageId, links) =>
        webhookLink(this.service, host.env, { agent: this.records.agent, approvalId, messageId }, links),
    });
    this.#hearing = new Hearing(
      this.records,
      { inspection, adoption },
      {
        ...messages,
        background,
        hears: (type) => host.hears(type),
        announces: () => this.#announcer.mayFollow(),
        tellAuthor: (news) => host.tellAuthor(news),
        broadcast: (message) => host.broadcast(message),
        wakePump: (instanceId) => host.wakePump(instanceId),
      },
    );
    this.#chores = new Chores(this.records, workflows, {
      alarm: this.#alarm,
      courier: this.#courier,
      hearing: this.#hearing,
      riser: this.#riser,
      announcer: this.#announcer,
      inspection,
      adoption,
      background,
    });
    this.#family = new Family(this.records, {
      ...ofFamily(host),
      ...messages,
      announce: () => this.#announcer.tell(),
    });
    this.service = new AgentService(this.records, {
      ...messages,
      deliverStarts: () => {
        burst.note(Date.now());
        // The answer goes out when the commit is on disk, and what the engine has to do comes behind it.
        background(host.storage.sync().then(() => this.#courier.deliver()));
      },
      family: this.#family,
      definition: host.definition,
      path: host.path,
      inspection,
      migrateBinding: (from, to) => this.#rename(from, to),
      adopt: () => adoption.takeBatch(),
      hasPump: (id) => host.hasPump(id),
      publishStep: (event) => host.publishStep(event),
      requireRoom: (request) => host.requireRoom(request),
      closeTails: (ended) => host.closeTails(ended),
      invoke: (method, input) => host.invoke(method, input),
      state: () => host.state(),
      initialState: () => host.initialState(),
      setState: (state) => host.setState(state),
    });
    if (this.#exists()) this.#chores.wake();
  }

  /**
   * A sub-agent exists by being there; a root agent, which any name would bring into being, by having been written to: by
   * the gateway, or before there was one, so that the SDK has instances or sub-agents of it on record.
   */
  #exists(): boolean {
    return (
      this.#host.isSubAgent ||
      this.records.store.exists() ||
      this.#adoption.isAny() ||
      this.#family.children.isAny()
    );
  }

  /** An instance by the id that the engine knows it by. */
  findByEngineId(engineId: string): InstanceRow | undefined {
    return this.#hearing.findByEngineId(engineId);
  }

  /** Answers a call that is meant for this agent, or for one below it, whose answer it passes on. */
  async call(rest: readonly AgentStep[], method: AgentMethod, input: unknown): Promise<Outcome> {
    const [next, ...further] = rest;
    if (next === undefined) return toOutcome(() => this.#answer(method, input), currentActor());
    const create = creates(definitionBelow(this.definition, rest), method, input);
    const child = await this.#family.reach(next, create);
    const outcome = await child.gatewayCall(further, method, input, currentActor());
    return method === "readEvents"
      ? toOutcome(async () => this.#withOwnKey(fromOutcome(outcome) as EventsAnswer))
      : // A copy: what came by RPC itself, and is passed on, keeps awake whoever it came from.
        { ...outcome };
  }

  async #answer(method: AgentMethod, input: unknown): Promise<unknown> {
    if (!this.records.store.exists() && !creates(this.definition, method, input))
      throw new ProblemError("agent_not_found");
    this.#adoption.takeNamed(input);
    // Whoever calls a method does so with that method's own input: both sides are made from the same types.
    const callee = isSubtreeCall(method) ? this.#family.subtree : this.service;
    const answer = Reflect.get(callee, method) as (input: unknown) => Promise<unknown>;
    return answer.call(callee, input);
  }

  /** Notes that a sub-agent is made, if it is not there, be it by the author's own code. */
  makingChild<Child>(className: string, name: string, make: () => Promise<Child>): Promise<Child> {
    return this.#family.making(className, name, make);
  }

  /** Ends a sub-agent, for the author's own code. @returns false if there is no such one. */
  endChild(className: string, name: string): Promise<boolean> {
    return this.#family.end(className, name);
  }

  /** Takes what happened in a sub-agent of this agent, or of one below it. */
  async rise(rest: readonly AgentStep[], child: AgentStep, rise: Rise): Promise<void> {
    const [next, ...further] = rest;
    if (next !== undefined) {
      const stub = await this.#family.reach(next, false);
      fromOutcome(await stub.gatewayRise(further, child, rise));
      return;
    }
    // What leaves is forgotten already.
    if (!isLeaving(this.records, child)) this.records.change(() => this.records.take(child, rise));
  }

  /** Ends this sub-agent, for its parent, which deletes it then. */
  async dissolve(): Promise<Dissolved> {
    return this.#adoption.takeBatch() ? "more" : this.#family.departures.dissolve();
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
    return this.#hearing.report(engineId, report);
  }

  /** Takes what a run of the SDK's own class tells. @returns false if the ledger has no such instance. */
  hear(callback: WorkflowCallback): Promise<boolean> {
    return this.#hearing.hear(callback);
  }

  /** Instances of a binding that was renamed go on under its present name, and are adopted if they were not. */
  migrateBinding(from: string, to: string): number {
    const migrated = this.#exists() ? this.records.change((now) => this.#migrate(from, to, now)) : 0;
    this.#adoption.takeBatch();
    return migrated;
  }

  /** As the author's own code asks for it. Inside a change. */
  #migrate(from: string, to: string, now: number): number {
    const migrated = this.#rename(from, to);
    this.records.note(migrationOf(from, to, migrated, this.records.agent), now);
    return migrated;
  }

  /** Inside a change. */
  #rename(from: string, to: string): number {
    return this.records.renameBinding(from, to) + this.#adoption.rename(from, to);
  }

  get definition(): AgentDefinition {
    return this.#host.definition;
  }

  /** Sends an event to an instance, of any type: the author's own code answers for it. */
  async tell(instance: InstanceRow, event: EngineEvent): Promise<void> {
    await this.#alarm.ensure(Date.now() + SOON_MS);
    this.records.change((now) => {
      this.records.outbox.add({ kind: "event", instanceId: instance.id, payload: event }, now);
      this.records.note(eventTo(instance, event.type, this.records.agent), now);
    });
    this.#host.background(this.#courier.deliver());
  }

  /** Sends what was just committed, and sees to it that it is sent if this process dies. */
  deliverSurely(): void {
    this.#host.background(this.#alarm.ensure(Date.now() + SOON_MS));
    this.#host.background(this.#courier.deliver());
  }

  /** Does what is due. */
  alarm(): Promise<void> {
    return this.#chores.ring();
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
}

/** What a sub-agent passes up goes by the root, which leads to the parent. */
async function passUp({ env, rootBinding, path }: AgentHost, rise: Rise): Promise<void> {
  const [root, ...below] = path;
  const child = below.at(-1);
  if (child === undefined) return;
  fromOutcome(await rootStub(env, rootBinding, root.name).gatewayRise(below.slice(0, -1), child, rise));
}

function ofFamily(host: AgentHost): Omit<FamilyHost, OwnOfFamily> {
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

/** Null of a workflow that is not declared any more. */
function metadataSchemaIn({ workflows }: AgentDefinition, workflow: string): JsonSchema | null {
  const declared = workflows.find(({ name }) => name === workflow);
  return declared === undefined ? null : metadataSchemaOf(declared);
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
