import type { GatewayEvent } from "../contract/event";
import { type AgentStep, childPath } from "../contract/names";
import type { Once, Watch } from "../port";
import { DEFAULT_KEEP_EVENTS } from "../registry/workflow-definition";
import { AuditLog, type Deed } from "../durable/audit-log";
import { currentActor } from "./acting";
import { Answers } from "../durable/answers";
import { Announcements } from "./announcements";
import { Approvals, type MetadataSchema } from "./approvals";
import { Callbacks } from "./callbacks";
import { Feed, type Forgotten } from "./feed";
import { Journal } from "./journal";
import { Labels } from "./labels";
import { type InstanceRow, Ledger } from "./ledger";
import { Links } from "./links";
import { Outbox } from "./outbox";
import { RevokedTokens } from "./revoked-tokens";
import { Steps } from "./steps";
import { AGENT_SCHEMA } from "./schema";
import { Store } from "../durable/store";
import { forgetChild, type Rise, type Source, takeEvents, Upward } from "./upward";
import { Votes } from "./votes";
import { Waits } from "./waits";
import { WorkflowRecords } from "./workflow-records";

/** Hears of the events that came to be, in order: of the agent itself, and, if it keeps a feed, of all below it too. */
export type Publish = (events: readonly GatewayEvent[], ofSubtree: readonly GatewayEvent[]) => void;

/** What an agent keeps, and how much of it. */
interface Keeping {
  readonly keepEvents?: (workflow: string) => number;
  readonly labels?: readonly string[];
  readonly metadataSchema?: MetadataSchema;
  readonly isParent?: boolean;
  readonly isChild?: boolean;
  readonly isAnnouncing?: boolean;
}

/** Everything that one agent keeps, and the one way to change it. */
export class Records {
  /** Path of the agent, as clients see it. */
  readonly agent: string;
  readonly store: Store;
  readonly labels: Labels;
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly steps: Steps;
  readonly votes: Votes;
  readonly approvals: Approvals;
  readonly links: Links;
  readonly waits: Waits;
  readonly outbox: Outbox;
  readonly callbacks: Callbacks;
  readonly answers: Answers;
  readonly revokedTokens: RevokedTokens;
  readonly audit: AuditLog;
  /** The same instances, as the SDK's own methods show them. */
  readonly workflows: WorkflowRecords;
  /** Of an agent that has sub-agents: what happens to it and to all below. */
  readonly feed: Feed | undefined;
  /** Of a sub-agent: what its parent is still to be told. */
  readonly upward: Upward | undefined;
  /** What webhook endpoints are still to be told; undefined if there can be none. */
  readonly announcements: Announcements | undefined;
  readonly #publish: Publish;
  /** How many changes are under way: one inside another counts only if the outer one does. */
  #depth = 0;
  #afterwards: (() => void)[] = [];

  /**
   * @param publish is called after each commit with the events that came to be, in order.
   * @param keeping.keepEvents how many events of an instance of this workflow are kept.
   * @param keeping.labels the metadata keys by which lists can be filtered.
   * @param keeping.metadataSchema what may be sent along with an approval of this workflow.
   * @param keeping.isParent whether it has sub-agents.
   * @param keeping.isChild whether it is one.
   * @param keeping.isAnnouncing whether there can be webhook endpoints.
   */
  constructor(
    storage: DurableObjectStorage,
    agent: string,
    publish: Publish,
    {
      keepEvents = () => DEFAULT_KEEP_EVENTS,
      labels = [],
      metadataSchema = () => null,
      isParent = false,
      isChild = false,
      isAnnouncing = false,
    }: Keeping = {},
  ) {
    this.agent = agent;
    this.store = new Store(storage, AGENT_SCHEMA);
    this.labels = new Labels(this.store, labels);
    this.ledger = new Ledger(this.store, this.labels);
    this.journal = new Journal(this.store, agent, keepEvents);
    this.steps = new Steps(this.store, agent, keepEvents);
    this.votes = new Votes(this.store);
    this.approvals = new Approvals(this.store, agent, this.votes, metadataSchema);
    this.links = new Links(this.store);
    this.waits = new Waits(this.store);
    this.outbox = new Outbox(this.store);
    this.callbacks = new Callbacks(this.store);
    this.answers = new Answers(this.store);
    this.revokedTokens = new RevokedTokens(this.store);
    this.audit = new AuditLog(this.store, agent);
    this.workflows = new WorkflowRecords(this.store);
    this.feed = isParent ? new Feed(this.store) : undefined;
    this.upward = isChild ? new Upward(this.store, () => this.#source()) : undefined;
    this.announcements = isAnnouncing ? new Announcements(this.store) : undefined;
    this.#publish = publish;
  }

  /** Makes one change: all of `work` is committed and then published, or nothing of it happened. */
  change<Result>(work: (now: number) => Result): Result {
    this.store.open();
    const { unpublished } = this.journal;
    const afterwards = this.#afterwards.length;
    this.#depth += 1;
    let result: Result;
    try {
      result = this.store.transact(() => {
        const now = Date.now();
        const done = work(now);
        if (this.#depth === 1) this.#passOn(now);
        return done;
      });
    } catch (failure) {
      this.journal.takeBack(unpublished);
      if (this.#depth === 1) this.feed?.takeBack();
      this.#afterwards.length = afterwards;
      throw failure;
    } finally {
      this.#depth -= 1;
    }
    if (this.#depth === 0) this.#tell();
    return result;
  }

  /** What happened is written down for all who are to hear of it, too. Inside a change. */
  #passOn(now: number): void {
    if (this.journal.unpublished === 0) return;
    const isHeard = this.announcements?.mayFollow(now) === true;
    if (this.feed === undefined && !isHeard) return;
    const events = this.journal.appendedSince(0);
    this.feed?.add(events);
    if (isHeard) this.announcements?.write(events, now);
  }

  /** Instances of a binding that was renamed go on under its present name. Inside a change. @returns how many there are. */
  renameBinding(from: string, to: string): number {
    this.outbox.renameBinding(from, to);
    return this.workflows.rename(from, to);
  }

  /** Does something once the change that is under way is committed, and never if it is not; at once if none is. */
  afterwards(work: () => void): void {
    if (this.#depth === 0) work();
    else this.#afterwards.push(work);
  }

  #tell(): void {
    const events = this.journal.takeUnpublished();
    const ofSubtree = this.feed?.takeUnpublished() ?? [];
    if (events.length + ofSubtree.length > 0) this.upward?.expect();
    this.#publish(events, ofSubtree);
    for (const work of this.#afterwards.splice(0)) {
      try {
        work();
      } catch (failure) {
        console.error("switchyard: what follows a change failed", failure);
      }
    }
  }

  /** Notes in whose name something was done. Inside a change. */
  note(deed: Deed, now: number): void {
    this.audit.write(deed, currentActor(), now);
  }

  /** Removes all that is kept of an instance. Inside a change. */
  forget(instance: InstanceRow): void {
    this.forgetEvents({ agent: this.agent, instanceId: instance.id });
    this.journal.forget(instance);
    this.steps.forget(instance.id);
    this.ledger.delete(instance.id);
    this.votes.forget(instance.id);
    for (const table of ["approvals", "links", "waits"]) {
      this.store.run(`DELETE FROM switchyard_${table} WHERE instance_id = ?`, instance.id);
    }
  }

  /** Removes what is kept of the events of an instance, or of a sub-agent, here and above. Inside a change. */
  forgetEvents(forgotten: Forgotten): void {
    this.feed?.forget(forgotten);
    this.upward?.forget(forgotten);
  }

  /** Removes what is kept of a sub-agent that is gone. Inside a change. */
  forgetChild(child: AgentStep): void {
    forgetChild(this.store, child);
    this.forgetEvents({ agent: childPath(this.agent, child), instanceId: null });
  }

  /** Takes what a sub-agent passes up. Inside a change. */
  take(child: AgentStep, rise: Rise): void {
    if (this.feed !== undefined) takeEvents(this.store, this.feed, child, rise);
    for (const one of rise.forgotten) this.forgetEvents(one);
  }

  /** The list that what somebody watches is read from. */
  listOf({ subtree = false }: Pick<Watch, "subtree">): Journal | Feed {
    return (subtree ? this.feed : undefined) ?? this.journal;
  }

  #source(): Source {
    return this.feed === undefined
      ? { epoch: this.store.meta("epoch"), after: (seq, limit) => this.journal.after(seq, limit) }
      : {
          epoch: this.store.meta("feed_epoch"),
          after: (seq, limit) => this.feed?.after(seq, limit) ?? [],
        };
  }

  /**
   * Makes a change under an idempotency key, if there is one: the first answer is kept with the change, and given again.
   *
   * @param last is done with the answer at the very end, when only the commit is left: what cannot be undone in memory.
   * @throws ProblemError `idempotency_key_reused` if the key was used for another request.
   */
  changeOnce<Answer>(
    once: Once | undefined,
    work: (now: number) => Answer,
    last?: (answer: Answer) => void,
  ): Answer {
    return this.change((now) => {
      const given = once && this.answers.find(once);
      // Kept by this very operation: its key names it.
      if (given !== undefined) return given.answer as Answer;
      const answer = work(now);
      if (once !== undefined) this.answers.keep(once, answer, now);
      last?.(answer);
      return answer;
    });
  }
}
