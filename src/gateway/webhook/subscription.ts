import { matchesPath } from "../auth/path-pattern";
import type { Actor } from "../contract/audit";
import { CHATTY_TYPES, type EndpointSettings, type WebhookType } from "../contract/webhook";

/** In whose right links are sent. */
export interface Maker {
  readonly name: string;
  readonly scopes: Actor["scopes"];
  /** Where the gateway was reached, as `https://example.com`. */
  readonly origin: string;
}

/** What an endpoint wants to hear of one agent. */
export interface Listener {
  readonly endpointId: string;
  readonly eventTypes: readonly WebhookType[];
  readonly workflows: readonly string[];
  /** How approvals are decided by a link, if it asks for them, where that leads to, and in whose right. */
  readonly approvalLinks: (NonNullable<EndpointSettings["approvalLinks"]> & Maker) | null;
}

/** What decides whether an endpoint hears of something. */
export interface Occurrence {
  readonly type: WebhookType;
  /** Undefined of what tells of no instance. */
  readonly workflow?: string | undefined;
}

/** Whether an endpoint hears of a type. */
export function wantsType(eventTypes: readonly WebhookType[], type: WebhookType): boolean {
  if (eventTypes.length === 0) return !(CHATTY_TYPES as readonly WebhookType[]).includes(type);
  return eventTypes.includes(type);
}

/** Whether an endpoint that listens to an agent wants what happened there. What tells of no workflow is of none. */
export function wants({ eventTypes, workflows }: Listener, { type, workflow }: Occurrence): boolean {
  if (!wantsType(eventTypes, type)) return false;
  return workflows.length === 0 || (workflow !== undefined && workflows.includes(workflow));
}

/** Whether an endpoint listens to an agent. @param agent its path. */
export function listensTo(agents: readonly string[], agent: string): boolean {
  return agents.some((pattern) => matchesPath(pattern, agent));
}
