import type { Actor, AuditEntry, AuditVerification } from "./contract/audit";
import type { Grant } from "./contract/grant";
import type { ApiKey } from "./contract/key";
import type { Page } from "./contract/page";
import type {
  DeletedEndpoint,
  Delivery,
  DeliveryStatus,
  DeliveryWithAttempts,
  Endpoint,
  EndpointChange,
  EndpointSettings,
  EndpointWithSecret,
  Redelivered,
  SentTest,
} from "./contract/webhook";
import type { Once, PageRequest } from "./port";

/** An endpoint, and the idempotency key of a request that changes something of it. */
export interface EndpointRequest {
  readonly id: string;
  readonly once: Once | undefined;
}

/** What doors ask of webhook endpoints. Each throws ProblemError `endpoint_not_found` where there is none. */
export interface WebhookPort {
  /** Lists endpoints in the order in which they were made. */
  listEndpoints(input: PageRequest): Promise<Page<Endpoint>>;
  /**
   * @param input.origin where the gateway is reached: links that are sent begin with it.
   * @throws ProblemError `endpoint_url_refused`, `too_many_endpoints`
   */
  createEndpoint(input: {
    readonly settings: EndpointSettings;
    readonly origin: string;
    readonly once: Once | undefined;
  }): Promise<EndpointWithSecret>;
  getEndpoint(input: { readonly id: string }): Promise<Endpoint>;
  /** @throws ProblemError `endpoint_url_refused` */
  updateEndpoint(input: EndpointRequest & { readonly change: EndpointChange }): Promise<Endpoint>;
  deleteEndpoint(input: EndpointRequest): Promise<DeletedEndpoint>;
  /** @throws ProblemError `endpoint_url_refused`, `endpoint_disabled` */
  testEndpoint(input: EndpointRequest): Promise<SentTest>;
  /** Makes a new secret; the one before is good for another day. */
  rotateSecret(input: EndpointRequest): Promise<EndpointWithSecret>;
  /** Lists what an endpoint was sent, newest first. */
  listDeliveries(
    input: PageRequest & { readonly id: string; readonly statuses: readonly DeliveryStatus[] },
  ): Promise<Page<Delivery>>;
  /** @throws ProblemError `delivery_not_found` */
  getDelivery(input: { readonly id: string; readonly deliveryId: string }): Promise<DeliveryWithAttempts>;
  /** @throws ProblemError `delivery_not_found`, `endpoint_url_refused`, `endpoint_disabled` */
  redeliver(input: EndpointRequest & { readonly deliveryId: string }): Promise<Delivery>;
  /**
   * Sends the oldest of those again that came in a span of time, in milliseconds; up to now if `until` is left out.
   *
   * @throws ProblemError `endpoint_url_refused`, `endpoint_disabled`
   */
  redeliverMany(
    input: EndpointRequest & {
      readonly since: number;
      readonly until: number | undefined;
      readonly statuses: readonly DeliveryStatus[];
      readonly cursor: string | undefined;
    },
  ): Promise<Redelivered>;
}

/** One key, asked about by somebody: one that may do more than who asks is not there for it. */
interface OneKey {
  readonly id: string;
  readonly holder: Grant;
}

/** What may be asked about API keys. The keys themselves stay in the Worker: only digests of them are told. */
export interface KeysPort {
  /** Lists keys, newest first. */
  listKeys(input: PageRequest & { readonly holder: Grant }): Promise<Page<ApiKey>>;
  getKey(input: OneKey): Promise<ApiKey>;
  /** Makes a key. */
  createKey(
    input: OneKey & {
      readonly digest: string;
      readonly name: string;
      readonly scopes: readonly string[];
      readonly agents: readonly string[];
      /** In milliseconds. */
      readonly expiresAt: number | null;
    },
  ): Promise<ApiKey>;
  /** Gives a key a new secret; the present one is good for a while yet. */
  rotateKey(input: OneKey & { readonly digest: string; readonly graceMs: number }): Promise<ApiKey>;
  /** Ends a key: the next request with it is refused. */
  revokeKey(input: OneKey): Promise<ApiKey>;
}

/**
 * What may be asked of the directory, which keeps what belongs to the gateway as a whole and to no agent.
 * Every method rejects with a `ProblemError` if it cannot answer.
 */
export interface DirectoryPort extends KeysPort, WebhookPort {
  /** Answers, and does nothing. */
  ping(): Promise<void>;
  /** Lists what was done to what the directory keeps, newest first. */
  listAudit(input: PageRequest): Promise<Page<AuditEntry>>;
  /** Checks the hashes of that list, from the oldest entry or from a cursor on. */
  verifyAudit(input: { readonly cursor: string | undefined }): Promise<AuditVerification>;
}

/** How doors reach the directory. @param actor in whose name it is asked. */
export type OpenDirectory = (actor: Actor) => DirectoryPort;
