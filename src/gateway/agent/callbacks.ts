import type { Row, Store } from "../durable/store";

/** What a workflow's author hears of: the callbacks of the SDK's page. */
export type AuthorCallback =
  | { readonly type: "progress"; readonly progress: unknown }
  | { readonly type: "complete"; readonly result: unknown }
  | { readonly type: "error"; readonly error: string }
  | { readonly type: "event"; readonly event: unknown };

/** What the author's class is called with: what a workflow reported, and of which instance. */
export type WorkflowNews = AuthorCallback & {
  /** The name of the binding, as the SDK calls it. */
  readonly workflowName: string;
  readonly workflowId: string;
  /** When it was reported, in milliseconds. */
  readonly timestamp: number;
};

/** News that the author's class must still be called with. */
export interface KeptNews {
  readonly ordinal: number;
  readonly instanceId: string;
}

interface CallbackRow extends Row {
  ordinal: number;
  instance_id: string;
  news: string;
}

/** News for the author's class, written with the change that they tell of and kept until it was called with them. */
export class Callbacks {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Keeps news, inside the transaction of what they tell of. */
  keep(news: WorkflowNews): KeptNews {
    const [row] = this.#store.rows<Pick<CallbackRow, "ordinal">>(
      "INSERT INTO switchyard_callbacks (instance_id, news) VALUES (?, ?) RETURNING ordinal",
      news.workflowId,
      JSON.stringify(news),
    );
    if (row === undefined) throw new Error("the news that were just kept are not there");
    return { ordinal: row.ordinal, instanceId: news.workflowId };
  }

  /** Everything that is kept, in the order in which it happened. */
  all(): KeptNews[] {
    return this.#store
      .rows<Pick<CallbackRow, "ordinal" | "instance_id">>(
        "SELECT ordinal, instance_id FROM switchyard_callbacks ORDER BY ordinal",
      )
      .map(({ ordinal, instance_id: instanceId }) => ({ ordinal, instanceId }));
  }

  /** @returns undefined if they are not kept any more. */
  read({ ordinal }: KeptNews): WorkflowNews | undefined {
    const query = "SELECT news FROM switchyard_callbacks WHERE ordinal = ?";
    const [row] = this.#store.rows<Pick<CallbackRow, "news">>(query, ordinal);
    return row === undefined ? undefined : (JSON.parse(row.news) as WorkflowNews);
  }

  /** Forgets news that the author's class was called with. */
  remove({ ordinal }: KeptNews): void {
    this.#store.run("DELETE FROM switchyard_callbacks WHERE ordinal = ?", ordinal);
  }

  /** Whether anything is kept. */
  any(): boolean {
    return this.#store.rows("SELECT 1 FROM switchyard_callbacks LIMIT 1").length > 0;
  }
}

/**
 * Calls the author's class with kept news: each at least once, those of one instance in order and one after the other, and
 * never twice at a time. What this process does not live to do the next one does.
 */
export class AuthorCalls {
  readonly #callbacks: Callbacks;
  readonly #call: (news: WorkflowNews) => Promise<void>;
  /** By ordinal. */
  readonly #underWay = new Map<number, Promise<void>>();
  /** The last call of each instance that is being called for. */
  readonly #lanes = new Map<string, Promise<void>>();

  /** @param call never rejects: news that the author's class throws at are not repeated. */
  constructor(callbacks: Callbacks, call: (news: WorkflowNews) => Promise<void>) {
    this.#callbacks = callbacks;
    this.#call = call;
  }

  /** Resolves when the author's class has been called with these news, after all earlier ones of their instance. */
  deliver(kept: KeptNews): Promise<void> {
    const { ordinal, instanceId } = kept;
    const underWay = this.#underWay.get(ordinal);
    if (underWay !== undefined) return underWay;
    const turn = (this.#lanes.get(instanceId) ?? Promise.resolve()).then(() => this.#deliverNow(kept));
    this.#underWay.set(ordinal, turn);
    this.#lanes.set(instanceId, turn);
    return turn;
  }

  /** Delivers everything that is kept. */
  async deliverAll(): Promise<void> {
    await Promise.all(this.#callbacks.all().map((kept) => this.deliver(kept)));
  }

  /** Never rejects: the next of the instance has its turn, and what is still kept is delivered later. */
  async #deliverNow(kept: KeptNews): Promise<void> {
    const { ordinal, instanceId } = kept;
    const turn = this.#underWay.get(ordinal);
    try {
      const news = this.#callbacks.read(kept);
      if (news !== undefined) await this.#call(news);
      this.#callbacks.remove(kept);
    } catch (failure) {
      console.error("switchyard: news for the author's class could not be taken from the records", failure);
    } finally {
      this.#underWay.delete(ordinal);
      if (this.#lanes.get(instanceId) === turn) this.#lanes.delete(instanceId);
    }
  }
}
