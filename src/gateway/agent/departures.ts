import type { DeletedChild } from "../contract/agent";
import { type AgentStep, formatAgentPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { Once } from "../port";
import type { Children } from "./children";
import { departureOf } from "./deeds";
import type { Records } from "./records";
import { remove, SWEPT_AT_ONCE } from "./removing";

/** How far the end of an agent has come: all is told; it came further, and may at once again; nothing moved. */
export type Dissolved = "done" | "more" | "waits";

/** Children whose end one call begins, at most. */
const CHILDREN_AT_ONCE = 500;

/** What a departure needs of the agent that it happens in. */
export interface DepartureHost {
  readonly path: readonly AgentStep[];
  ensureAlarm(): Promise<void>;
  /** Sends the outbox; resolves when that is done, or takes long. */
  deliver(): Promise<void>;
  /** Tells webhook endpoints what is still to be told; resolves when that is done, or failed for now. */
  announce(): Promise<void>;
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
 * has the engine end and delete its instances, and ends those below it in the same way, all at once; only then its storage
 * goes. Whatever dies in between, the note in the parent's outbox stays until all is done.
 */
export class Departures {
  readonly #records: Records;
  readonly #children: Children;
  readonly #host: DepartureHost;
  /** How many messages were left when this agent was last asked to end. */
  #leftBefore = Number.POSITIVE_INFINITY;
  /** Whether any child came further since. */
  #childMoved = false;

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
      this.#note(child, now);
      this.#records.note(departureOf(child, this.#records.agent), now);
      return path;
    });
    await this.#host.deliver();
    return { path, status: isLeaving(this.#records, child) ? "deleting" : "deleted" };
  }

  /** Goes on with the end of a child, by one call. */
  async proceed(child: AgentStep): Promise<Dissolved> {
    const dissolved = await this.#host.dissolveChild(child);
    if (dissolved === "done") {
      await this.#host.wipeChild(child);
      this.#records.change(() => this.#records.forgetChild(child));
    }
    if (dissolved !== "waits") this.#childMoved = true;
    return dissolved;
  }

  /** Ends this agent itself: everything below it, and all of its own instances. It starts none any more. */
  async dissolve(): Promise<Dissolved> {
    const { store, ledger, outbox, announcements } = this.#records;
    store.setMeta("leaving", "true");
    this.#host.closeTails();
    const children = take(this.#children.staying(), CHILDREN_AT_ONCE);
    const instances = ledger.oldest(SWEPT_AT_ONCE);
    this.#records.change((now) => {
      for (const child of children) this.#note(child, now);
      for (const instance of ledger.each(instances)) remove(this.#records, instance, now);
    });
    if (children.length === CHILDREN_AT_ONCE || instances.length === SWEPT_AT_ONCE) return "more";
    await this.#host.deliver();
    await this.#host.announce();
    const left = outbox.size() + (announcements?.size() ?? 0);
    if (left === 0) return "done";
    const moved = this.#childMoved || left < this.#leftBefore;
    this.#childMoved = false;
    this.#leftBefore = left;
    return moved ? "more" : "waits";
  }

  /** Inside a change. */
  #note({ agent, name }: AgentStep, now: number): void {
    const child = { agent, name };
    this.#records.outbox.add({ kind: "dissolve", instanceId: laneOf(child), payload: child }, now);
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

function take<Item>(items: Iterable<Item>, limit: number): Item[] {
  const taken: Item[] = [];
  for (const item of items) {
    if (taken.length === limit) break;
    taken.push(item);
  }
  return taken;
}
