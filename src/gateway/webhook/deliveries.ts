import type { Store } from "../durable/store";
import type { MessageRow, Messages } from "./messages";
import { nextAttemptAt } from "./schedule";
import type { Secrets } from "./secrets";
import type { Sending, Sent } from "./sender";
import { signedHeaders } from "./signature";
import type { Target } from "./target";

/** Messages that are on their way to one endpoint at a time. */
const AT_ONCE = 10;
/** A run takes up nothing new after this time, in milliseconds: the alarm goes on. */
const RUN_MS = 60_000;

/** What deliveries need of the object that they live in. */
export interface DeliveryHost {
  /** Milliseconds. */
  now(): number;
  /** How long an endpoint may take to answer, in milliseconds. */
  timeoutMs(): number;
  /** Which rule a URL breaks; undefined if none. */
  refusalOf(url: string): string | undefined;
  send(sending: Sending): Promise<Sent>;
}

/** What one endpoint keeps. */
export interface EndpointRecords {
  readonly store: Store;
  readonly target: Target;
  readonly messages: Messages;
  readonly secrets: Secrets;
}

/**
 * Sends the messages of one endpoint that are due, several at a time. What came of an attempt is written after it: whoever
 * dies in between sends the same again.
 */
export class Deliveries {
  readonly #records: EndpointRecords;
  readonly #host: DeliveryHost;
  #news = Promise.withResolvers<void>();

  constructor(records: EndpointRecords, host: DeliveryHost) {
    this.#records = records;
    this.#host = host;
  }

  /** Has a run that is under way look for more to do. */
  look(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** Resolves when nothing is due, or the time is over. @throws whatever the storage throws. */
  async run(): Promise<void> {
    const { target, messages } = this.#records;
    const began = this.#host.now();
    const sending = new Map<string, Promise<void>>();
    const failures: unknown[] = [];
    for (;;) {
      const now = this.#host.now();
      const goesOn = target.isOpen() && failures.length === 0 && now - began < RUN_MS;
      const next = goesOn ? messages.due(now, new Set(sending.keys()), AT_ONCE - sending.size) : [];
      for (const message of next) {
        const attempt = this.#attempt(message)
          .catch((failure: unknown) => failures.push(failure))
          .then(() => void sending.delete(message.id));
        sending.set(message.id, attempt);
      }
      if (sending.size === 0) break;
      await Promise.race([...sending.values(), this.#news.promise]);
    }
    if (failures.length > 0) throw failures[0];
  }

  async #attempt(message: MessageRow): Promise<void> {
    const { store, target, messages } = this.#records;
    const at = this.#host.now();
    const { status, error, retryAfter } = await this.#send(message, target.config()?.url ?? "", at);
    const now = this.#host.now();
    const failed = { messageId: message.id, failures: message.failures + 1, at: now, retryAfter };
    store.transact(() => {
      const nextAt = error === null ? undefined : nextAttemptAt(failed);
      messages.tried(message, { at, durationMs: now - at, status, error }, nextAt, now);
      if (error === null) target.reached();
      else target.missed(now, status === 410);
    });
  }

  async #send(message: MessageRow, url: string, at: number): Promise<Sent> {
    if (this.#host.refusalOf(url) !== undefined)
      return { status: null, error: "url-refused", retryAfter: null };
    const { id } = message;
    const body = this.#records.messages.bodyOf(message);
    const headers = signedHeaders({ id, at, body }, this.#records.secrets.validAt(at));
    return this.#host.send({ url, headers, body, timeoutMs: this.#host.timeoutMs() });
  }
}
