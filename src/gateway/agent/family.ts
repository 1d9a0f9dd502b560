import type { CreatedChild, AgentView } from "../contract/agent";
import { type AgentStep, childPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { AgentDefinition } from "../registry/agent-definition";
import { currentActor } from "./acting";
import { childOf } from "./creating";
import { Children } from "./children";
import { creationOf } from "./deeds";
import { Departures, type Dissolved, isLeaving } from "./departures";
import { fromOutcome } from "../durable/outcome";
import { type ChildPlatform, KnownChildren } from "./known-children";
import type { Records } from "./records";
import type { GatewayStub } from "./stub";
import { Subtree } from "./subtree";
import type { EndedTails } from "./tail";

/** What the agents below need of the Agent that they are below of. */
export interface FamilyHost {
  readonly definition: AgentDefinition;
  readonly path: readonly AgentStep[];
  hasChild(definition: AgentDefinition, name: string): boolean;
  /** How those are reached that are known. */
  readonly platform: ChildPlatform;
  /** Gives a child, which it brings into being if it is not there. */
  child(definition: AgentDefinition, name: string): Promise<GatewayStub>;
  /** Wipes the storage of a child and all below it. */
  wipeChild(definition: AgentDefinition, name: string): Promise<void>;
  ensureAlarm(): Promise<void>;
  deliver(): Promise<void>;
  deliverSoon(): void;
  /** Tells webhook endpoints what is still to be told; resolves when that is done, or failed for now. */
  announce(): Promise<void>;
  closeTails(ended: EndedTails): void;
}

/** The agents below one: how they are reached, listed, walked over, made and deleted. */
export class Family {
  readonly children: Children;
  readonly subtree: Subtree;
  readonly departures: Departures;
  readonly #records: Records;
  readonly #host: FamilyHost;
  readonly #known: KnownChildren;
  /** Paths of children that are just being made. */
  readonly #beingMade = new Set<string>();

  constructor(records: Records, host: FamilyHost) {
    this.#records = records;
    this.#host = host;
    this.#known = new KnownChildren(records.store, host.platform);
    this.children = new Children(records.store, host.definition, (child) => isLeaving(records, child));
    this.subtree = new Subtree(records, this.children, {
      below: async (child, method, input) => {
        const stub = await this.reach(child, false);
        return fromOutcome(await stub.gatewayCall([], method, input, currentActor()));
      },
      swept: (ids) => {
        for (const instanceId of ids) host.closeTails({ instanceId });
        host.deliverSoon();
      },
      ensureAlarm: () => host.ensureAlarm(),
    });
    this.departures = new Departures(records, this.children, {
      path: host.path,
      ensureAlarm: () => host.ensureAlarm(),
      deliver: () => host.deliver(),
      announce: () => host.announce(),
      hasChild: (child) => this.#isThere(child),
      dissolveChild: async (child) => {
        const stub = await host.child(this.#definitionOf(child), child.name);
        return fromOutcome(await stub.gatewayDissolve()) as Dissolved;
      },
      wipeChild: (child) => host.wipeChild(this.#definitionOf(child), child.name),
      closeTails: () => host.closeTails("all"),
    });
  }

  /**
   * Gives the stub of a child.
   *
   * @param create whether it may be brought into being.
   * @throws ProblemError `agent_not_found` if it is not there, `agent_unavailable` if one of its name is just being deleted.
   */
  async reach(step: AgentStep, create: boolean): Promise<GatewayStub> {
    const definition = this.#definitionOf(step);
    if (isLeaving(this.#records, step)) {
      if (!create) throw new ProblemError("agent_not_found");
      throw new ProblemError("agent_unavailable", { detail: "An agent of this name is just being deleted." });
    }
    const child =
      this.#known.find(definition.agent.name, step.name) ?? (await this.#meet(definition, step.name, create));
    if (create) this.#records.store.open();
    return child;
  }

  /**
   * Notes that a child is made, whoever makes it; one of a class that the gateway does not serve is none of its business. It is
   * noted before: that the SDK makes it cannot be part of the same change.
   */
  async making<Child>(className: string, name: string, make: () => Promise<Child>): Promise<Child> {
    const definition = this.#host.definition.children.find(({ agent }) => agent.name === className);
    if (definition === undefined || this.#host.hasChild(definition, name)) return make();
    const child = { agent: definition.name, name };
    const path = childPath(this.#records.agent, child);
    if (this.#beingMade.has(path)) return make();
    this.#beingMade.add(path);
    this.#known.forget(className, name);
    try {
      this.#records.change((now) => this.#records.note(creationOf(child, this.#records.agent), now));
      return await make();
    } finally {
      this.#beingMade.delete(path);
    }
  }

  /** Brings a child into being, or leaves it as it is. */
  async create(step: AgentStep): Promise<CreatedChild> {
    const created = !this.#isThere(step);
    const stub = await this.reach(step, true);
    const view = fromOutcome(await stub.gatewayCall([], "describe", undefined, currentActor())) as AgentView;
    return { ...view, created };
  }

  /** Ends a child of a class, and all below it. @returns false if there is none of that class and name. */
  async end(className: string, name: string): Promise<boolean> {
    const definition = this.#host.definition.children.find(({ agent }) => agent.name === className);
    if (definition === undefined || !this.#host.hasChild(definition, name)) return false;
    const child = { agent: definition.name, name };
    if (!isLeaving(this.#records, child)) await this.departures.begin(child, undefined);
    return true;
  }

  async #meet(definition: AgentDefinition, name: string, create: boolean): Promise<GatewayStub> {
    if (!create && !this.#host.hasChild(definition, name)) throw new ProblemError("agent_not_found");
    const child = await this.#host.child(definition, name);
    this.#known.met(definition.agent.name, name);
    return child;
  }

  #definitionOf(step: AgentStep): AgentDefinition {
    return childOf(this.#host.definition, step);
  }

  #isThere(step: AgentStep): boolean {
    return this.#host.hasChild(this.#definitionOf(step), step.name);
  }
}
