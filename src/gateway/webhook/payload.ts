import type { Approval } from "../contract/approval";
import type { GatewayEvent } from "../contract/event";
import type { InstanceError } from "../contract/instance";
import type { OwnWebhookType, WebhookType } from "../contract/webhook";

/** What an endpoint is told, thin: what may be large, or secret, is read by the links, with a key. */
export interface WebhookPayload {
  readonly type: WebhookType;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly links: Readonly<Record<string, string>> };
}

/** Longest texts that people or programs write, in bytes of JSON. Paths and ids are short by what a name may be. */
const BYTES = {
  summary: 6_000,
  stepName: 1_000,
  decidedBy: 1_000,
  errorName: 500,
  errorMessage: 6_000,
} as const;

const CUT = "…";

/** What an endpoint is told of an event. @param seq its place in the journal. */
export function payloadOf(event: GatewayEvent, seq: number): WebhookPayload {
  const { id, type, agent, time, data } = event;
  const common = { seq, event: id, agent };
  if (!("instanceId" in event)) {
    const { etag, source } = data as { readonly etag: string; readonly source: string };
    const links = { agent, state: `${agent}/state` };
    // An event that tells of the agent itself is of the one type that there is.
    return { type: type as WebhookType, timestamp: time, data: { ...common, etag, source, links } };
  }
  const { instanceId, workflow, attempt } = event;
  const instance = `${agent}/instances/${encodeURIComponent(instanceId)}`;
  const { more, links } = detailsOf(event);
  return {
    // Steps are told on streams alone, and never come here.
    type: type as WebhookType,
    timestamp: time,
    data: { ...common, instanceId, workflow, attempt, ...more, links: { instance, ...links } },
  };
}

/** What an endpoint is told of webhooks themselves. */
export function ownPayload(
  type: OwnWebhookType,
  endpointId: string,
  now: number,
  more: Readonly<Record<string, unknown>> = {},
): WebhookPayload {
  const links = { endpoint: `/webhooks/endpoints/${endpointId}` };
  return { type, timestamp: new Date(now).toISOString(), data: { endpointId, ...more, links } };
}

function detailsOf({ type, data }: GatewayEvent): {
  readonly more: Readonly<Record<string, unknown>>;
  readonly links: Readonly<Record<string, string>>;
} {
  switch (type) {
    case "approval.requested":
    case "approval.voted":
    case "approval.decided":
    case "approval.expired":
    case "approval.cancelled": {
      const { approval } = data as { readonly approval: Approval };
      const { id, stepName, summary, deadline, status, decidedBy, links } = approval;
      const shown = {
        id,
        stepName: cut(stepName, BYTES.stepName),
        summary: summary === null ? null : cut(summary, BYTES.summary),
        deadline,
        status,
        decidedBy: decidedBy === null ? null : cut(decidedBy, BYTES.decidedBy),
      };
      const { self, approve, reject } = links;
      return { more: { approval: shown }, links: { approval: self, approve, reject } };
    }
    case "instance.completed":
      return { more: { status: "complete" }, links: {} };
    case "instance.errored": {
      const { name, message } = (data as { readonly error: InstanceError }).error;
      const error = { name: cut(name, BYTES.errorName), message: cut(message, BYTES.errorMessage) };
      return { more: { status: "errored", error }, links: {} };
    }
    case "instance.terminated":
      return { more: { status: "terminated" }, links: {} };
    default:
      return { more: {}, links: {} };
  }
}

/** A text with an end that says so if it was longer. @param bytes how many it may have as JSON, in UTF-8. */
export function cut(text: string, bytes: number): string {
  // No character is shorter than a byte: what is beyond need not be looked at.
  const head = text.slice(0, bytes + 1);
  if (sizeOf(head) <= bytes) return text;
  let left = bytes - sizeOf(CUT);
  let end = 0;
  for (const letter of head) {
    left -= sizeOf(letter);
    if (left < 0) break;
    end += letter.length;
  }
  return head.slice(0, end) + CUT;
}

function sizeOf(text: string): number {
  return new TextEncoder().encode(JSON.stringify(text)).length - 2;
}
