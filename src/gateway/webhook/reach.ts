import type { Page } from "../contract/page";
import { ProblemError } from "../contract/problem";
import type { Delivery, DeliveryStatus, DeliveryWithAttempts, Redelivered } from "../contract/webhook";
import { fromOutcome, type Outcome } from "../durable/outcome";
import type { RedeliveryRequest } from "./delivery-log";
import type { Message } from "./messages";
import type { Listener } from "./subscription";
import type { Disabling, TargetConfig } from "./target";

/** Name of the Durable Object binding of the endpoints. */
const ENDPOINTS = "SWITCHYARD_WEBHOOKS";
/** Name of the Durable Object binding of the directory. */
const DIRECTORY = "SWITCHYARD_DIRECTORY";
/** The variable that, if it is exactly `true`, allows endpoints on this machine. */
const ALLOW_LOOPBACK = "SWITCHYARD_ALLOW_LOOPBACK_WEBHOOKS";

/** What one endpoint's own object is asked. */
export interface EndpointCalls {
  /** Takes what the directory says of the endpoint; makes its first secret, under the name `created`. */
  configure(config: TargetConfig): Promise<void>;
  /** Gives the secret that was made under a name, or makes it, and ends the one before. */
  makeSecret(input: { readonly madeBy: string }): Promise<string>;
  /** Takes messages, each once. `gone` if there is no such endpoint. */
  accept(input: { readonly messages: readonly Message[] }): Promise<"taken" | "gone">;
  listDeliveries(input: {
    readonly statuses: readonly DeliveryStatus[];
    readonly limit: number;
    readonly cursor: string | undefined;
  }): Promise<Page<Delivery>>;
  getDelivery(input: { readonly deliveryId: string }): Promise<DeliveryWithAttempts>;
  redeliver(input: { readonly deliveryId: string; readonly round: string }): Promise<Delivery>;
  redeliverMany(input: RedeliveryRequest): Promise<Redelivered>;
  /** Deletes all that it keeps. */
  wipe(): Promise<void>;
}

/** What the gateway calls on an endpoint's object, and nothing else. */
export interface EndpointStub {
  endpointCall(method: keyof EndpointCalls, input: unknown): Promise<Outcome>;
}

/** What agents and endpoints ask of the directory. */
export interface EndpointDirectory {
  /** Who listens to an agent. */
  listenersOf(agent: string): Promise<readonly Listener[]>;
  /** Hears that an endpoint was disabled by what it answered. */
  endpointDisabled(endpointId: string, disabling: Disabling): Promise<void>;
}

/** Whether there can be endpoints at all. */
export function hasEndpoints(env: object): boolean {
  return namespaceOf(env, ENDPOINTS) !== undefined && namespaceOf(env, DIRECTORY) !== undefined;
}

/** The directory, for agents and endpoints; undefined if there is none, or there can be no endpoints. */
export function endpointDirectory(env: object): EndpointDirectory | undefined {
  if (!hasEndpoints(env)) return undefined;
  // The binding is untyped here: it is for GatewayDirectory.
  return namespaceOf(env, DIRECTORY)?.getByName("directory") as unknown as EndpointDirectory | undefined;
}

/** The object of one endpoint. @throws ProblemError `gateway_not_configured` if there is no binding. */
export function endpointCalls(env: object, id: string): EndpointCalls {
  const namespace = namespaceOf(env, ENDPOINTS);
  if (namespace === undefined) {
    throw new ProblemError("gateway_not_configured", {
      detail:
        `Add the Durable Object binding ${ENDPOINTS} of class WebhookEndpoint to wrangler.jsonc, and export the class from ` +
        "the main module.",
    });
  }
  const call = async <Method extends keyof EndpointCalls>(
    method: Method,
    input?: Parameters<EndpointCalls[Method]>[0],
  ): Promise<Awaited<ReturnType<EndpointCalls[Method]>>> => {
    // The binding is untyped here: it is for WebhookEndpoint.
    const stub = namespace.getByName(id) as unknown as EndpointStub;
    // It answers each method with that method's own type: both sides are made from EndpointCalls.
    return fromOutcome(await stub.endpointCall(method, input)) as Awaited<ReturnType<EndpointCalls[Method]>>;
  };
  return {
    configure: (input) => call("configure", input),
    makeSecret: (input) => call("makeSecret", input),
    accept: (input) => call("accept", input),
    listDeliveries: (input) => call("listDeliveries", input),
    getDelivery: (input) => call("getDelivery", input),
    redeliver: (input) => call("redeliver", input),
    redeliverMany: (input) => call("redeliverMany", input),
    wipe: () => call("wipe"),
  };
}

/** Whether endpoints on this machine are allowed, for development. */
export function allowsLoopback(env: object): boolean {
  return Reflect.get(env, ALLOW_LOOPBACK) === "true";
}

function namespaceOf(env: object, binding: string): DurableObjectNamespace | undefined {
  const namespace: unknown = Reflect.get(env, binding);
  const isNamespace = typeof namespace === "object" && namespace !== null && "getByName" in namespace;
  return isNamespace ? (namespace as DurableObjectNamespace) : undefined;
}
