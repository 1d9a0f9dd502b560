import type { Actor } from "../contract/audit";
import type { Page } from "../contract/page";
import { ProblemError } from "../contract/problem";
import {
  type DeletedEndpoint,
  type Delivery,
  type DeliveryWithAttempts,
  type DisabledReason,
  type Endpoint,
  type EndpointSettings,
  type EndpointWithSecret,
  MOST_ENDPOINTS,
  type Redelivered,
  type SentTest,
} from "../contract/webhook";
import type { AuditLog } from "../durable/audit-log";
import type { Answers } from "../durable/answers";
import type { Store } from "../durable/store";
import type { WebhookPort } from "../directory-port";
import type { Once, PageRequest } from "../port";
import { ownPayload, type WebhookPayload } from "../webhook/payload";
import type { EndpointCalls } from "../webhook/reach";
import { wantsType } from "../webhook/subscription";
import type { Disabling } from "../webhook/target";
import { type EndpointRow, Endpoints, settingsOf, toEndpoint } from "./endpoints";
import { makerAfter, requireDelegation, rightsOf } from "./delegation";
import { Errands } from "./errands";
import { Notices } from "./notices";

/** What webhooks need of the object that they live in. */
export interface WebhooksHost {
  /** Sees to it that the alarm rings soon, whatever happens to this process. Inside a change. */
  expectAlarm(): void;
  background(work: Promise<unknown>): void;
  callsOf(endpointId: string): EndpointCalls;
  /** Which rule a URL breaks; undefined if none. */
  refusalOf(url: string): string | undefined;
}

type Input<Method extends keyof WebhookPort> = Parameters<WebhookPort[Method]>[0];

/** Who the gateway is where nobody asked it. */
const GATEWAY: Actor = { name: "gateway", door: "agent", scopes: [], address: null, requestId: null };

/**
 * Webhook endpoints, for doors. The directory decides what an endpoint is; the endpoint's own object does what is to be done
 * and keeps its secrets. What a request is to bring about there is noted here first, under a name, so that the same request
 * again brings it about once.
 */
export class Webhooks {
  readonly endpoints: Endpoints;
  readonly errands: Errands;
  readonly #notices: Notices;
  readonly #store: Store;
  readonly #answers: Answers;
  readonly #audit: AuditLog;
  readonly #host: WebhooksHost;

  constructor(
    store: Store,
    { answers, audit }: { readonly answers: Answers; readonly audit: AuditLog },
    host: WebhooksHost,
  ) {
    this.#store = store;
    this.#answers = answers;
    this.#audit = audit;
    this.#host = host;
    this.endpoints = new Endpoints(store);
    this.#notices = new Notices(store);
    this.errands = new Errands(this.endpoints, this.#notices, (id) => host.callsOf(id));
  }

  async listEndpoints(request: PageRequest): Promise<Page<Endpoint>> {
    return this.endpoints.page(request);
  }

  async getEndpoint({ id }: Input<"getEndpoint">): Promise<Endpoint> {
    return toEndpoint(this.#require(id));
  }

  async createEndpoint(
    { settings, origin, once }: Input<"createEndpoint">,
    actor: Actor,
  ): Promise<EndpointWithSecret> {
    const isLinked = settings.approvalLinks !== null;
    if (isLinked) requireDelegation(actor);
    const taken = { ...settings, url: this.#normal(settings.url) };
    const { id } = this.#once(once, (now) => {
      if (this.endpoints.count() >= MOST_ENDPOINTS) {
        throw new ProblemError("too_many_endpoints", { detail: `There may be ${MOST_ENDPOINTS}.` });
      }
      const made = `whe_${crypto.randomUUID()}`;
      // Where endpoints can have no objects, none is made.
      this.#host.callsOf(made);
      this.endpoints.add(made, taken, { ...rightsOf(actor), origin, isLinked }, now);
      this.#note(made, "endpoint.create", actor, now, { host: new URL(taken.url).host });
      return { id: made };
    });
    await this.errands.configure(this.#require(id));
    const secret = await this.#host.callsOf(id).makeSecret({ madeBy: "created" });
    return { ...toEndpoint(this.#require(id)), secret };
  }

  async updateEndpoint({ id, change, once }: Input<"updateEndpoint">, actor: Actor): Promise<Endpoint> {
    const { enabled, ...changed } = withoutUndefined(change);
    const url = changed.url === undefined ? {} : { url: this.#normal(changed.url) };
    if (enabled === true && changed.url === undefined) this.#normal(settingsOf(this.#require(id)).url);
    this.#once(once, (now) => {
      const row = this.#require(id);
      const settings: EndpointSettings = { ...settingsOf(row), ...changed, ...url };
      this.endpoints.change(row, settings, makerAfter(row, Object.keys(changed), settings, actor), now);
      if (enabled !== undefined && enabled !== (row.disabled_reason === null)) {
        this.endpoints.turn(row, enabled ? null : "by-hand", now, now);
      }
      const { host } = new URL(settings.url);
      this.#note(id, "endpoint.update", actor, now, { fields: Object.keys(change).toSorted(), host });
      return null;
    });
    await this.#tell(id);
    return toEndpoint(this.#require(id));
  }

  async deleteEndpoint({ id, once }: Input<"deleteEndpoint">, actor: Actor): Promise<DeletedEndpoint> {
    this.#once(once, (now) => {
      this.endpoints.retire(this.#require(id));
      this.#note(id, "endpoint.delete", actor, now);
      return null;
    });
    this.#host.background(this.errands.wipe(id).catch(ignore));
    return { deleted: true };
  }

  async testEndpoint({ id, once }: Input<"testEndpoint">, actor: Actor): Promise<SentTest> {
    this.#requireSendable(id);
    const { deliveryId } = this.#once(once, (now) => {
      const sent = `msg_${crypto.randomUUID()}`;
      this.#notify(id, sent, ownPayload("webhook.test", id, now));
      this.#note(id, "endpoint.test", actor, now, { deliveryId: sent });
      return { deliveryId: sent };
    });
    await this.errands.handOver(id);
    return { deliveryId, links: { self: `/webhooks/endpoints/${id}/deliveries/${deliveryId}` } };
  }

  async rotateSecret({ id, once }: Input<"rotateSecret">, actor: Actor): Promise<EndpointWithSecret> {
    this.#require(id);
    const { madeBy } = this.#once(once, (now) => {
      this.#note(id, "endpoint.rotate-secret", actor, now);
      return { madeBy: crypto.randomUUID() };
    });
    await this.errands.configure(this.#require(id));
    const secret = await this.#host.callsOf(id).makeSecret({ madeBy });
    return { ...toEndpoint(this.#require(id)), secret };
  }

  async listDeliveries({ id, ...request }: Input<"listDeliveries">): Promise<Page<Delivery>> {
    return this.#callsOf(id).listDeliveries(request);
  }

  async getDelivery({ id, deliveryId }: Input<"getDelivery">): Promise<DeliveryWithAttempts> {
    return this.#callsOf(id).getDelivery({ deliveryId });
  }

  async redeliver({ id, deliveryId, once }: Input<"redeliver">, actor: Actor): Promise<Delivery> {
    this.#requireSendable(id);
    await this.#callsOf(id).getDelivery({ deliveryId });
    const { round } = this.#once(once, (now) => {
      this.#note(id, "delivery.redeliver", actor, now, { deliveryId });
      return { round: crypto.randomUUID() };
    });
    return this.#callsOf(id).redeliver({ deliveryId, round });
  }

  async redeliverMany({ id, once, ...request }: Input<"redeliverMany">, actor: Actor): Promise<Redelivered> {
    this.#requireSendable(id);
    const { round } = this.#once(once, (now) => {
      const { since, until, statuses } = request;
      const span = { since: iso(since), until: until === undefined ? null : iso(until), statuses };
      this.#note(id, "delivery.redeliver-many", actor, now, span);
      return { round: crypto.randomUUID() };
    });
    return this.#callsOf(id).redeliverMany({ ...request, round });
  }

  /** Hears that an endpoint was disabled by what it answered, and tells the others. */
  async disabled(endpointId: string, { reason, at, turn }: Disabling): Promise<void> {
    this.#change((now) => {
      const row = this.endpoints.find(endpointId);
      // It was enabled, or disabled, by hand since.
      if (row === undefined || row.turn !== turn) return;
      this.endpoints.turn(row, reason, at, now);
      this.#note(endpointId, "endpoint.disable", GATEWAY, now, { reason });
      this.#announce(endpointId, turn, reason, at);
    });
    this.#host.background(this.errands.runAll());
  }

  /** Inside a change. */
  #announce(endpointId: string, turn: number, reason: DisabledReason, at: number): void {
    const disabledAt = iso(at);
    const payload = ownPayload("endpoint.disabled", endpointId, at, { reason, disabledAt });
    for (const other of this.endpoints.all()) {
      if (other.id === endpointId || !wantsType(settingsOf(other).eventTypes, payload.type)) continue;
      this.#notify(other.id, `msg_${endpointId.slice("whe_".length)}_${turn}`, payload);
    }
  }

  /** Inside a change. */
  #notify(endpointId: string, messageId: string, payload: WebhookPayload): void {
    this.#notices.add(endpointId, { id: messageId, type: payload.type, body: JSON.stringify(payload) });
  }

  /** Tells an endpoint's object of a change, at once if it can be reached. */
  async #tell(id: string): Promise<void> {
    try {
      await this.errands.configure(this.#require(id));
    } catch (failure) {
      console.warn("switchyard: an endpoint could not be told of a change, and will be", failure);
    }
  }

  #note(id: string, action: string, actor: Actor, now: number, detail: Record<string, unknown> = {}): void {
    this.#audit.write({ action, target: `/webhooks/endpoints/${id}`, detail }, actor, now);
  }

  /** A URL as it is kept. @throws ProblemError `endpoint_url_refused` */
  #normal(url: string): string {
    const refusal = this.#host.refusalOf(url);
    if (refusal !== undefined) throw new ProblemError("endpoint_url_refused", { detail: refusal });
    return new URL(url).href;
  }

  #require(id: string): EndpointRow {
    const row = this.endpoints.find(id);
    if (row === undefined) throw new ProblemError("endpoint_not_found");
    return row;
  }

  #requireSendable(id: string): void {
    const row = this.#require(id);
    this.#normal(settingsOf(row).url);
    if (row.disabled_reason !== null) throw new ProblemError("endpoint_disabled");
  }

  #callsOf(id: string): EndpointCalls {
    this.#require(id);
    return this.#host.callsOf(id);
  }

  /** Makes a change, whose rest the alarm does if this process dies. */
  #change<Result>(work: (now: number) => Result): Result {
    this.#store.open();
    return this.#store.transact(() => {
      this.#host.expectAlarm();
      return work(Date.now());
    });
  }

  /** Makes a change under an idempotency key, if there is one: what it kept is given again. */
  #once<Kept>(once: Once | undefined, work: (now: number) => Kept): Kept {
    return this.#change((now) => {
      const given = once && this.#answers.find(once);
      // Kept by this very operation: its key names it.
      if (given !== undefined) return given.answer as Kept;
      const kept = work(now);
      if (once !== undefined) this.#answers.keep(once, kept, now);
      return kept;
    });
  }
}

/** Fields that are left out stay as they are. */
function withoutUndefined<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: Exclude<Fields[Key], undefined>;
  };
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** The alarm goes on. */
function ignore(): void {}
