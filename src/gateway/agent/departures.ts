import type { DeletedChild } from "../contract/agent";
import { type AgentStep, formatAgentPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { Once } from "../port";
import type { Children } from "./children";
import type { Records } from "./records";
import { remove, SWEPT_AT_ONCE } from "./removing";

/** How far the end of an agent has come: all is told; there is more to do at once; the engine does not answer yet. */
export type Dissolved = "done" | "more" | "waits";

/** Children that one call ends, at most. */
const CHILDREN_AT_ONCE = 20;

/** What a departure needs of the agent that it happens in. */
export interface DepartureHost {
  readonly path: readonly AgentStep[];
  ensureAlarm(): Promise<void>;
  /** Sends the outbox; resolves when that is done, or takes long. */
  deliver(): Promise<void>;
  /** Whether there is such a child at all. */
  hasChild(child: AgentStep): boolean;
  dissolveChild(child: AgentStep): Promise<Dissolved>;
  /** Wipes the storage of a child and all below it. */
  wipeChild(child: AgentStep): Promise<void>;
  /** Ends all tails of this agent. */
  closeTails(): void;
}

/**
 * How sub-agents end. The parent notes that a child is leaving, and from then on it is there for nobody; then the child
 * has the engine end and delete its instances, those below first; only then its storage goes. Whatever dies in between,
 * the note in the parent's outbox stays until all is done.
 */
export class Departures {
  readonly #records: Records;
  readonly #children: Children;
  readonly #host: DepartureHost;

  constructor(records: Records, children: Children, host: DepartureHost) {
    this.#records = records;
    this.#children = children;
    this.#host = host;
  }

  /** @throws ProblemError `agent_not_found` if there is no such child. */
  async begin(child: AgentStep, once: Once | undefined): Promise<DeletedChild> {
    await this.#host.ensureAlarm();
    const path = formatAgentPath([...this.#host.path, child]);
    this.#records.changeOnce(once, (now) => {
      if (!this.#host.hasChild(child) || isLeaving(this.#records, child))
        throw new ProblemError("agent_not_found");
      this.#records.outbox.add({ kind: "dissolve", instanceId: laneOf(child), payload: child }, now);
      return path;
    });
    await this.#host.deliver();
    return { path, status: isLeaving(this.#records, child) ? "deleting" : "deleted" };
  }

  /** Goes on with the end of a child. @returns whether it is done. */
  async proceed(child: AgentStep): Promise<boolean> {
    for (;;) {
      const dissolved = await this.#host.dissolveChild(child);
      if (dissolved === "waits") return false;
      if (dissolved === "done") break;
    }
    await this.#host.wipeChild(child);
    this.#records.change(() => this.#records.forgetChild(child));
    return true;
  }

  /** Ends this agent itself: everything below it, then all of its own instances. It starts none any more. */
  async dissolve(): Promise<Dissolved> {
    const { store, ledger, outbox } = this.#records;
    store.setMeta("leaving", "true");
    this.#host.closeTails();
    let ended = 0;
    for (const child of this.#children.from(undefined)) {
      if (ended === CHILDREN_AT_ONCE) return "more";
      if (!(await this.proceed(child))) return "waits";
      ended += 1;
    }
    const instances = ledger.oldest(SWEPT_AT_ONCE);
    this.#records.change((now) => {
      for (const instance of instances) remove(this.#records, instance, now);
    });
    if (instances.length === SWEPT_AT_ONCE) return "more";
    await this.#host.deliver();
    return outbox.nextDueAt() === undefined ? "done" : "waits";
  }
}

/** Whether a child is being deleted. */
export function isLeaving(records: Records, child: AgentStep): boolean {
  return records.store.exists() && records.outbox.has(laneOf(child), "dissolve");
}

/** No instance has an id with a slash. */
function laneOf({ agent, name }: AgentStep): string {
  return `sub/${agent}/${name}`;
}
