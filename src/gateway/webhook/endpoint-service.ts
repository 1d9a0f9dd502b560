import type { Page } from "../contract/page";
import { ProblemError } from "../contract/problem";
import type { Delivery, DeliveryWithAttempts, Redelivered } from "../contract/webhook";
import type { EndpointRecords } from "./deliveries";
import { DeliveryLog, type RedeliveryRequest } from "./delivery-log";
import type { Message } from "./messages";
import type { EndpointCalls } from "./reach";
import type { TargetConfig } from "./target";

/** What answers need of the object that they live in. */
export interface ServiceHost {
  now(): number;
  /** Sees to it that what is due is sent; resolves when that is certain, whatever happens to this process. */
  deliverSoon(): Promise<void>;
  wipe(): Promise<void>;
}

/** Answers what the directory and agents ask of one endpoint. */
export class EndpointService implements EndpointCalls {
  readonly #records: EndpointRecords;
  readonly #log: DeliveryLog;
  readonly #host: ServiceHost;

  constructor(records: EndpointRecords, host: ServiceHost) {
    this.#records = records;
    this.#log = new DeliveryLog(records);
    this.#host = host;
  }

  async configure(config: TargetConfig): Promise<void> {
    const { store, target, secrets } = this.#records;
    store.open();
    const now = this.#host.now();
    store.transact(() => {
      target.configure(config);
      if (secrets.validAt(now).length === 0) secrets.make("created", now);
    });
    await this.#host.deliverSoon();
  }

  async makeSecret({ madeBy }: { readonly madeBy: string }): Promise<string> {
    const { store, secrets } = this.#records;
    this.#requireTarget();
    return store.transact(() => secrets.make(madeBy, this.#host.now()));
  }

  async accept({ messages }: { readonly messages: readonly Message[] }): Promise<"taken" | "gone"> {
    const { store, target } = this.#records;
    if (target.config() === undefined) return "gone";
    store.open();
    const now = this.#host.now();
    store.transact(() => {
      for (const message of messages) this.#records.messages.add(message, now);
    });
    await this.#host.deliverSoon();
    return "taken";
  }

  async listDeliveries(request: Parameters<EndpointCalls["listDeliveries"]>[0]): Promise<Page<Delivery>> {
    this.#requireTarget();
    return this.#log.page(request);
  }

  async getDelivery({ deliveryId }: { readonly deliveryId: string }): Promise<DeliveryWithAttempts> {
    this.#requireTarget();
    return this.#log.find(deliveryId);
  }

  async redeliver({ deliveryId, round }: Parameters<EndpointCalls["redeliver"]>[0]): Promise<Delivery> {
    this.#requireOpen();
    const now = this.#host.now();
    const delivery = this.#records.store.transact(() => this.#log.redeliver(deliveryId, round, now));
    await this.#host.deliverSoon();
    return delivery;
  }

  async redeliverMany(request: RedeliveryRequest): Promise<Redelivered> {
    this.#requireOpen();
    const now = this.#host.now();
    const answer = this.#records.store.transact(() => this.#log.redeliverMany(request, now));
    await this.#host.deliverSoon();
    return answer;
  }

  wipe(): Promise<void> {
    return this.#host.wipe();
  }

  #requireTarget(): void {
    if (this.#records.target.config() === undefined) throw new ProblemError("endpoint_not_found");
    this.#records.store.open();
  }

  #requireOpen(): void {
    this.#requireTarget();
    if (!this.#records.target.isOpen()) throw new ProblemError("endpoint_disabled");
  }
}
