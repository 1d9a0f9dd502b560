import { z } from "zod";
import { ApprovalStatus } from "./approval";
import { StateSource } from "./event";
import { InstanceError } from "./instance";
import { lazily } from "./lazily";
import { variantName } from "./names";
import { CHATTY_TYPES, DisabledReason, EndpointId, WEBHOOK_TYPES, type WebhookType } from "./webhook";

/** Largest body that an endpoint is sent, in bytes. */
export const MAX_PAYLOAD_BYTES = 20_000;

const ofAgent = lazily(() => ({
  seq: z.int().describe("Place in the agent's journal: messages may come in another order"),
  event: z
    .string()
    .describe("Id of the event; a stream or page goes on after it")
    .meta({ examples: ["4f1c2b7d-2"] }),
  agent: z
    .string()
    .describe("Path of the agent")
    .meta({ examples: ["/agents/order-desk/acme"] }),
}));
const ofInstance = lazily(() => ({
  ...ofAgent(),
  instanceId: z
    .string()
    .describe("The instance")
    .meta({ examples: ["november"] }),
  workflow: z
    .string()
    .describe("Public name of its workflow")
    .meta({ examples: ["refund"] }),
  attempt: z.int().describe("Attempt of the instance"),
}));
const ADDRESSES = "Where more is read, or done, with a key";
const instanceLinks = lazily(() =>
  z
    .object({
      instance: z
        .string()
        .describe("The instance")
        .meta({ examples: ["/agents/order-desk/acme/instances/november"] }),
    })
    .describe(ADDRESSES),
);
const endpointLinks = lazily(() =>
  z
    .object({
      endpoint: z
        .string()
        .describe("The endpoint")
        .meta({ examples: ["/webhooks/endpoints/whe_5b0c8e4f-2d7a-4c39-8f61-0e9a7d3b1c25"] }),
    })
    .describe(ADDRESSES),
);

const instance = (more: z.ZodRawShape = {}): z.ZodObject =>
  z.object({ ...ofInstance(), ...more, links: instanceLinks() });

const approval = (links: z.ZodRawShape = {}): z.ZodObject =>
  z.object({
    ...ofInstance(),
    approval: z
      .object({
        id: z
          .string()
          .describe("Id of the approval")
          .meta({ examples: ["apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4"] }),
        stepName: z
          .string()
          .describe("The step that waits; cut if it is long")
          .meta({ examples: ["manager"] }),
        summary: z
          .string()
          .nullable()
          .describe("What is asked; cut if it is long")
          .meta({ examples: ["Refund order 1234?"] }),
        deadline: z.iso.datetime().nullable().describe("When it expires"),
        status: ApprovalStatus.describe("Whether it waits, or how it was closed"),
        decidedBy: z.string().nullable().describe("Who decided; cut if it is long"),
      })
      .describe("The approval, without what may be large"),
    links: z
      .object({
        instance: z
          .string()
          .describe("The instance")
          .meta({ examples: ["/agents/order-desk/acme/instances/november"] }),
        approval: z
          .string()
          .describe("The approval")
          .meta({ examples: ["/agents/order-desk/acme/approvals/apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4"] }),
        approve: z
          .string()
          .describe("Where it is approved")
          .meta({
            examples: ["/agents/order-desk/acme/approvals/apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4/approve"],
          }),
        reject: z
          .string()
          .describe("Where it is rejected")
          .meta({
            examples: ["/agents/order-desk/acme/approvals/apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4/reject"],
          }),
        ...links,
      })
      .describe(ADDRESSES),
  });

const dataByType = (): Record<WebhookType, z.ZodObject> => ({
  "instance.queued": instance(),
  "instance.started": instance(),
  "instance.progress": instance(),
  "instance.waiting": instance(),
  "instance.paused": instance(),
  "instance.resumed": instance(),
  "instance.restarted": instance(),
  "instance.event": instance(),
  "instance.message": instance(),
  "instance.completed": instance({ status: z.literal("complete").describe("How it ended") }),
  "instance.errored": instance({
    status: z.literal("errored").describe("How it ended"),
    error: InstanceError.describe("Why; cut if it is long"),
  }),
  "instance.terminated": instance({ status: z.literal("terminated").describe("How it ended") }),
  "approval.requested": approval({
    decide: z
      .string()
      .optional()
      .describe("If the endpoint asks for it: a page on which whoever has this address decides"),
  }),
  "approval.voted": approval(),
  "approval.decided": approval(),
  "approval.expired": approval(),
  "approval.cancelled": approval(),
  "state.updated": z.object({
    ...ofAgent(),
    etag: z.string().describe("Entity tag of the state as it was then"),
    source: StateSource,
    links: z
      .object({
        agent: z
          .string()
          .describe("The agent")
          .meta({ examples: ["/agents/order-desk/acme"] }),
        state: z
          .string()
          .describe("Its state")
          .meta({ examples: ["/agents/order-desk/acme/state"] }),
      })
      .describe(ADDRESSES),
  }),
  "webhook.test": z.object({
    endpointId: EndpointId.describe("The endpoint that is tested"),
    links: endpointLinks(),
  }),
  "endpoint.disabled": z.object({
    endpointId: EndpointId.describe("The endpoint that is sent nothing any more"),
    reason: DisabledReason,
    disabledAt: z.iso.datetime().describe("Since when"),
    links: endpointLinks(),
  }),
});

const MEANINGS: Record<WebhookType, string> = {
  "instance.queued": "The start of an instance was accepted",
  "instance.started": "An attempt of an instance runs",
  "instance.progress": "An instance reported progress",
  "instance.waiting": "An instance waits",
  "instance.paused": "The engine has paused an instance",
  "instance.resumed": "An instance goes on after a pause",
  "instance.restarted": "A new attempt of an instance begins",
  "instance.event": "A workflow sent an event",
  "instance.message": "A workflow sent a message",
  "instance.completed": "A workflow returned",
  "instance.errored": "A workflow threw",
  "instance.terminated": "An instance was terminated",
  "approval.requested": "An approval waits for a decision",
  "approval.voted": "Somebody approved, and more must",
  "approval.decided": "Somebody approved or rejected",
  "approval.expired": "The deadline passed without a decision",
  "approval.cancelled": "The instance ended before anybody decided",
  "state.updated": "The state of an agent changed",
  "webhook.test": "Somebody tests the endpoint",
  "endpoint.disabled": "Another endpoint is sent nothing any more",
};

/** One message as documents show it: the body of the request that an endpoint gets. */
export interface WebhookShape {
  readonly type: WebhookType;
  readonly meaning: string;
  /** Whether it is sent only to endpoints that name its type. */
  readonly chatty: boolean;
  readonly payload: z.ZodObject;
}

/** Every message that an endpoint can get. They are thin: who needs more follows the links, with a key. */
export const webhookShapes = lazily((): readonly WebhookShape[] => {
  const data = dataByType();
  return WEBHOOK_TYPES.map((type) => ({
    type,
    meaning: MEANINGS[type],
    chatty: (CHATTY_TYPES as readonly WebhookType[]).includes(type),
    payload: z
      .object({
        type: z.literal(type).describe(MEANINGS[type]),
        timestamp: z.iso.datetime().describe("When it happened"),
        data: data[type].describe("What it tells of; who needs more follows the links"),
      })
      .meta({ id: variantName("Webhook", type), description: MEANINGS[type] }),
  }));
});
