import type { GatewayEvent } from "../contract/event";
import { Approvals } from "./approvals";
import { Journal } from "./journal";
import { Ledger } from "./ledger";
import { Outbox } from "./outbox";
import { Store } from "./store";

/** Everything that one agent keeps, and the one way to change it. */
export class Records {
  /** Path of the agent, as clients see it. */
  readonly agent: string;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly approvals: Approvals;
  readonly outbox: Outbox;
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
    this.outbox = new Outbox(this.store);
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
}
