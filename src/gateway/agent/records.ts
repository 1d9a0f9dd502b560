import type { GatewayEvent } from "../contract/event";
import type { Once } from "../port";
import { Answers } from "./answers";
import { Approvals } from "./approvals";
import { Journal } from "./journal";
import { Ledger } from "./ledger";
import { Outbox } from "./outbox";
import { RevokedTokens } from "./revoked-tokens";
import { Store } from "./store";
import { Waits } from "./waits";
import { WorkflowRecords } from "./workflow-records";

/** Everything that one agent keeps, and the one way to change it. */
export class Records {
  /** Path of the agent, as clients see it. */
  readonly agent: string;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly approvals: Approvals;
  readonly waits: Waits;
  readonly outbox: Outbox;
  readonly answers: Answers;
  readonly revokedTokens: RevokedTokens;
  /** The same instances, as the SDK's own methods show them. */
  readonly workflows: WorkflowRecords;
  readonly #publish: (events: readonly GatewayEvent[]) => void;

  /**
   * @param publish is called after each commit with the events that came to be, in order.
   */
  constructor(
    storage: DurableObjectStorage,
    agent: string,
    publish: (events: readonly GatewayEvent[]) => void,
  ) {
    this.agent = agent;
    this.store = new Store(storage);
    this.ledger = new Ledger(this.store);
    this.journal = new Journal(this.store, agent);
    this.approvals = new Approvals(this.store);
    this.waits = new Waits(this.store);
    this.outbox = new Outbox(this.store);
    this.answers = new Answers(this.store);
    this.revokedTokens = new RevokedTokens(this.store);
    this.workflows = new WorkflowRecords(this.store);
    this.#publish = publish;
  }

  /** Makes one change: all of `work` is committed and then published, or nothing of it happened. */
  change<Result>(work: (now: number) => Result): Result {
    this.store.open();
    let result: Result;
    try {
      result = this.store.transact(() => work(Date.now()));
    } catch (failure) {
      this.journal.takeUnpublished();
      throw failure;
    }
    this.#publish(this.journal.takeUnpublished());
    return result;
  }

  /** Instances of a binding that was renamed go on under its present name. Inside a change. @returns how many there are. */
  renameBinding(from: string, to: string): number {
    this.outbox.renameBinding(from, to);
    return this.workflows.rename(from, to);
  }

  /** Removes all that is kept of an instance. Inside a change. */
  forget(instanceId: string): void {
    this.ledger.delete(instanceId);
    for (const table of ["events", "approvals", "waits"]) {
      this.store.run(`DELETE FROM switchyard_${table} WHERE instance_id = ?`, instanceId);
    }
  }

  /**
   * Makes a change under an idempotency key, if there is one: the first answer is kept with the change, and given again.
   *
   * @throws ProblemError `idempotency_key_reused` if the key was used for another request.
   */
  changeOnce<Answer>(once: Once | undefined, work: (now: number) => Answer): Answer {
    return this.change((now) => {
      const given = once && this.answers.find(once);
      // Kept by this very operation: its key names it.
      if (given !== undefined) return given.answer as Answer;
      const answer = work(now);
      if (once !== undefined) this.answers.keep(once, answer, now);
      return answer;
    });
  }
}
