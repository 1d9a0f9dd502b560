import { DurableObject } from "cloudflare:workers";
import { type Outcome, toOutcome } from "../durable/outcome";
import { Store } from "../durable/store";
import { Deliveries, type EndpointRecords } from "./deliveries";
import { EndpointService } from "./endpoint-service";
import { Messages } from "./messages";
import { allowsLoopback, type EndpointCalls, endpointDirectory, type EndpointStub } from "./reach";
import { ENDPOINT_SCHEMA } from "./schema";
import { Secrets } from "./secrets";
import { send } from "./sender";
import { Target } from "./target";
import { refusalOf } from "./url-policy";

/** How long an endpoint may take to answer, in milliseconds. */
const TIMEOUT_MS = 15_000;
/** After something failed that is not the endpoint's fault. */
const RETRY_MS = 10_000;

interface Parts {
  readonly records: EndpointRecords;
  readonly deliveries: Deliveries;
  readonly service: EndpointService;
}

/**
 * One webhook endpoint: what it is to be sent, and was. Each has an object of its own, so that one that does not answer
 * slows no other. The Worker exports it under this name.
 */
export class WebhookEndpoint extends DurableObject implements EndpointStub {
  #open: Parts | undefined;
  /** The run that is under way. */
  #running: Promise<void> = Promise.resolve();

  /** The time, in milliseconds. Everything that is timed here goes by it. */
  protected now(): number {
    return Date.now();
  }

  /** How long an endpoint may take to answer, in milliseconds. */
  protected timeoutMs(): number {
    return TIMEOUT_MS;
  }

  /** Sees to it that `alarm` is called at a time. */
  protected wakeAt(at: number): Promise<void> {
    return this.ctx.storage.setAlarm(at);
  }

  endpointCall(method: keyof EndpointCalls, input: unknown): Promise<Outcome> {
    return toOutcome(() => {
      // Whoever calls a method does so with that method's own input: both sides are made from the same types.
      const { service } = this.#parts();
      const answer = Reflect.get(service, method) as (input: unknown) => Promise<unknown>;
      return answer.call(service, input);
    });
  }

  override async alarm(): Promise<void> {
    const parts = this.#parts();
    if (!parts.records.store.exists()) return;
    parts.records.store.open();
    this.#running = this.#deliver(parts);
    await this.#running;
  }

  /** Never rejects: the platform would ring again a few times, and then no more. */
  async #deliver({ records, deliveries }: Parts): Promise<void> {
    const { store, target, messages } = records;
    let retryAt = 0;
    try {
      await deliveries.run();
      await this.#tellDirectory(target);
      store.transact(() => messages.sweep(this.now()));
    } catch (failure) {
      console.error("switchyard: a webhook endpoint could not go on, and will", failure);
      retryAt = this.now() + RETRY_MS;
    }
    await this.#arm(records, retryAt);
  }

  async #tellDirectory(target: Target): Promise<void> {
    const untold = target.untold();
    const config = target.config();
    if (untold === undefined || config === undefined) return;
    await endpointDirectory(this.env)?.endpointDisabled(config.id, untold);
    target.told(untold);
  }

  /** Sets the alarm for what is due first. @param earliest in milliseconds. */
  async #arm({ target, messages }: EndpointRecords, earliest = 0): Promise<void> {
    if (target.config() === undefined) return;
    const times = [
      target.isOpen() ? messages.nextDueAt() : undefined,
      target.untold() === undefined ? undefined : this.now(),
      messages.nextSweepAt(),
    ].filter((time) => time !== undefined);
    if (times.length > 0) await this.wakeAt(Math.max(Math.min(...times), earliest));
  }

  #parts(): Parts {
    if (this.#open !== undefined) return this.#open;
    const store = new Store(this.ctx.storage, ENDPOINT_SCHEMA);
    const records = {
      store,
      target: new Target(store),
      messages: new Messages(store),
      secrets: new Secrets(store),
    };
    const deliveries = new Deliveries(records, {
      now: () => this.now(),
      timeoutMs: () => this.timeoutMs(),
      refusalOf: (url) => refusalOf(url, allowsLoopback(this.env)),
      send,
    });
    const service = new EndpointService(records, {
      now: () => this.now(),
      deliverSoon: () => {
        deliveries.look();
        return this.#arm(records);
      },
      wipe: () => this.#wipe(records),
    });
    this.#open = { records, deliveries, service };
    return this.#open;
  }

  async #wipe({ store, target }: EndpointRecords): Promise<void> {
    if (!store.exists()) return;
    store.open();
    target.close();
    // What is on its way is written down before there is nothing to write to.
    await this.#running;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#open = undefined;
  }
}
