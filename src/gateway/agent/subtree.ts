import type { Approval } from "../contract/approval";
import type { Deleted, Instance } from "../contract/instance";
import type { AgentStep } from "../contract/names";
import type { Page } from "../contract/page";
import type { ApprovalFilter, InstanceFilter, InstancePage, ListOrder, Once, PageRequest } from "../port";
import type { Children } from "./children";
import { nameOf as nameOfApprovals } from "./approval-filter";
import { nameOf } from "./instance-filter";
import type { Records } from "./records";
import { sweep, SWEPT_AT_ONCE } from "./removing";
import { type OwnRead, type OwnStretch, type Stretch, walk, type WalkRequest } from "./walk";

/** Agents that one page looks at, at most. */
const AGENTS_A_PAGE = 50;
/** Agents that are counted over, at most. */
const AGENTS_A_COUNT = 1_000;

type InstanceList = InstanceFilter & { readonly order?: ListOrder; readonly count?: boolean };
type Sweep = {
  readonly filter: InstanceFilter;
  readonly force: boolean;
  readonly once?: Once | undefined;
};

/** What an agent asks of those below it, each of which asks on. Never called by a door. */
export interface SubtreeCalls {
  walkInstances(input: InstanceList & WalkRequest): Promise<Stretch<readonly Instance[]>>;
  walkApprovals(input: ApprovalFilter & WalkRequest): Promise<Stretch<readonly Approval[]>>;
  walkCounts(input: InstanceFilter & WalkRequest): Promise<Stretch<number>>;
  walkSweep(input: Sweep & WalkRequest): Promise<Stretch<number>>;
}

const SUBTREE_CALLS: Record<keyof SubtreeCalls, true> = {
  walkInstances: true,
  walkApprovals: true,
  walkCounts: true,
  walkSweep: true,
};

/** @returns whether a method is one that agents ask of those below them. */
export function isSubtreeCall(method: string): method is keyof SubtreeCalls {
  return Object.hasOwn(SUBTREE_CALLS, method);
}

/** What a subtree needs of the agent at its top. */
export interface SubtreeHost {
  /** Asks a child; rejects with `agent_not_found` if it is gone. */
  below(child: AgentStep, method: keyof SubtreeCalls, input: object): Promise<unknown>;
  /** Tells the engine, and the readers, of instances that were deleted here. */
  swept(instanceIds: readonly string[]): void;
  ensureAlarm(): Promise<void>;
}

/** An agent and all below it, as one list. */
export class Subtree implements SubtreeCalls {
  readonly #records: Records;
  readonly #children: Children;
  readonly #host: SubtreeHost;

  constructor(records: Records, children: Children, host: SubtreeHost) {
    this.#records = records;
    this.#children = children;
    this.#host = host;
  }

  /** A page of instances, the agent's own first. */
  async pageInstances(request: PageRequest & InstanceList): Promise<InstancePage> {
    const { count = false, cursor: _, ...filter } = request;
    const { parts, nextCursor } = await this.walkInstances({ ...request, visits: AGENTS_A_PAGE });
    const page = { items: parts.flat(), nextCursor };
    if (!count) return page;
    const counted = await this.walkCounts({ ...filter, cursor: undefined, visits: AGENTS_A_COUNT });
    const total = sum(counted.parts);
    return counted.nextCursor === null ? { ...page, total } : { ...page, totalAtLeast: total };
  }

  /** A page of approvals, the agent's own first. */
  async pageApprovals(request: PageRequest & ApprovalFilter): Promise<Page<Approval>> {
    const { parts, nextCursor } = await this.walkApprovals({ ...request, visits: AGENTS_A_PAGE });
    return { items: parts.flat(), nextCursor };
  }

  /** Deletes as many instances as one call may. */
  async sweep(request: Sweep & { readonly cursor: string | undefined }): Promise<Deleted> {
    const { once } = request;
    const whole = once && { ...once, key: `${once.key} whole` };
    const given = whole && this.#records.answers.find(whole);
    // Kept by this very operation: its key names it.
    if (given !== undefined) return given.answer as Deleted;
    const { parts, nextCursor } = await this.walkSweep({
      ...request,
      limit: SWEPT_AT_ONCE,
      visits: AGENTS_A_PAGE,
    });
    const answer = { deleted: sum(parts), more: nextCursor !== null, nextCursor };
    return this.#records.changeOnce(whole, () => answer);
  }

  walkInstances(input: InstanceList & WalkRequest): Promise<Stretch<readonly Instance[]>> {
    const { ledger, agent } = this.#records;
    return this.#walk("walkInstances", [nameOf(input), input.order], input, (limit, cursor, characters) =>
      ofPage(ledger.list({ ...input, count: false, limit, cursor, characters }, agent)),
    );
  }

  walkApprovals(input: ApprovalFilter & WalkRequest): Promise<Stretch<readonly Approval[]>> {
    const { approvals } = this.#records;
    return this.#walk("walkApprovals", nameOfApprovals(input), input, (limit, cursor, characters) =>
      ofPage(approvals.list({ ...input, limit, cursor, characters })),
    );
  }

  walkCounts(input: InstanceFilter & WalkRequest): Promise<Stretch<number>> {
    return this.#walk("walkCounts", nameOf(input), input, () => ({
      part: this.#records.ledger.count(input),
      size: 0,
      next: null,
    }));
  }

  /** Each agent keeps its own answer under the idempotency key, so that a repeat of what died half-way counts nothing twice. */
  walkSweep(input: Sweep & WalkRequest): Promise<Stretch<number>> {
    const { filter, force, once } = input;
    return this.#walk("walkSweep", [nameOf(filter), force], input, async (limit) => {
      await this.#host.ensureAlarm();
      const { answer, gone } = sweep(this.#records, { filter, force, once, limit });
      this.#host.swept(gone);
      return { part: answer.deleted, size: answer.deleted, next: answer.more ? "" : null };
    });
  }

  #walk<Part>(
    method: keyof SubtreeCalls,
    list: readonly unknown[],
    input: WalkRequest,
    own: OwnRead<Part>,
  ): Promise<Stretch<Part>> {
    const { store } = this.#records;
    return walk<Part>(
      {
        store,
        children: this.#children,
        list: JSON.stringify([method, list]),
        own,
        below: (child, request) =>
          // The child runs this very method with this very input, but for how far it goes.
          this.#host.below(child, method, { ...input, ...request }) as Promise<Stretch<Part>>,
      },
      input,
    );
  }
}

function ofPage<Item>({ items, nextCursor }: Page<Item>): OwnStretch<readonly Item[]> {
  return { part: items, size: items.length, next: nextCursor };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
