import { z } from "zod";
import { AgentPattern } from "./agent-pattern";
import { Decision } from "./approval";
import { EVENT_TYPES } from "./event";
import { LIMITS } from "./limits";
import { LinkHolder } from "./link";
import { PublicName } from "./names";

/** Types of the messages that tell of webhooks themselves. */
export const OWN_WEBHOOK_TYPES = ["webhook.test", "endpoint.disabled"] as const;
export type OwnWebhookType = (typeof OWN_WEBHOOK_TYPES)[number];

/** Types of everything that a webhook endpoint can be sent. */
export const WEBHOOK_TYPES = [...EVENT_TYPES, ...OWN_WEBHOOK_TYPES] as const;
export const WebhookType = z.enum(WEBHOOK_TYPES);
export type WebhookType = z.infer<typeof WebhookType>;

/** Types of which an instance, or an agent, may tell any number: they are sent only to who asks for them by name. */
export const CHATTY_TYPES = [
  "instance.progress",
  "instance.message",
  "instance.event",
  "state.updated",
] as const satisfies WebhookType[];

/** Most endpoints that a gateway has. */
export const MOST_ENDPOINTS = LIMITS.webhookEndpoints.most;

/** Id of an endpoint. */
export const EndpointId = z
  .string()
  .regex(/^whe_[0-9a-f-]{36}$/, "must be the id of an endpoint")
  .meta({ examples: ["whe_5b0c8e4f-2d7a-4c39-8f61-0e9a7d3b1c25"] });
/** Id of a delivery: the `webhook-id` of its message. */
export const DeliveryId = z
  .string()
  .regex(/^msg_[A-Za-z0-9_-]{1,64}$/, "must be the id of a delivery")
  .meta({ examples: ["msg_Zk3vT8wq1nYb"] });

const Url = z
  .string()
  .describe("Where messages are sent: `https`, a public name, the usual port, at most 2,048 characters")
  .meta({ examples: ["https://hooks.example.com/approvals"] });
const Description = z.string().max(500).nullable().describe("For people");
const EventTypes = z
  .array(WebhookType)
  .max(WEBHOOK_TYPES.length)
  .describe(
    `Which types are sent; none named is all but ${CHATTY_TYPES.map((type) => `\`${type}\``).join(", ")}, which an instance tells any number of`,
  );
const Agents = z.array(AgentPattern).min(1).max(20).describe("Of which agents");
const Workflows = z
  .array(PublicName)
  .max(50)
  .describe("Of which workflows; none named is all")
  .meta({ examples: [["refund"]] });
const ApprovalLinks = z
  .strictObject({
    for: LinkHolder,
    decisions: z
      .array(Decision)
      .min(1)
      .max(2)
      .default(["approve", "reject"])
      .describe("What the link may decide"),
  })
  .nullable()
  .describe("Whether `approval.requested` carries a link by which its holder decides without a key");

/** What an endpoint is made with. */
export const EndpointSettings = z
  .strictObject({
    url: Url,
    description: Description.default(null),
    eventTypes: EventTypes.default([]),
    agents: Agents.default(["/**"]),
    workflows: Workflows.default([]),
    approvalLinks: ApprovalLinks.default(null),
  })
  .meta({ id: "WebhookEndpointSettings", description: "Where an endpoint is, and what it is sent" });
export type EndpointSettings = z.infer<typeof EndpointSettings>;

/** What is changed of an endpoint; what is left out stays. */
export const EndpointChange = z
  .strictObject({
    url: Url.optional(),
    description: Description.optional(),
    eventTypes: EventTypes.optional(),
    agents: Agents.optional(),
    workflows: Workflows.optional(),
    approvalLinks: ApprovalLinks.optional(),
    enabled: z.boolean().optional().describe("Whether messages are sent"),
  })
  .meta({
    id: "WebhookEndpointChange",
    description: "What is changed of an endpoint; what is left out stays",
  });
export type EndpointChange = z.infer<typeof EndpointChange>;

/** Why an endpoint is sent nothing. */
export const DisabledReason = z
  .enum(["by-hand", "gone", "failing"])
  .describe(
    "`by-hand`: through this API; `gone`: it answered 410; `failing`: nothing reached it for five days",
  );
export type DisabledReason = z.infer<typeof DisabledReason>;

/** Somebody who is told of events by signed requests. */
export const Endpoint = z
  .object({
    id: EndpointId.describe("Id of the endpoint"),
    url: Url,
    description: Description,
    eventTypes: EventTypes,
    agents: Agents,
    workflows: Workflows,
    approvalLinks: ApprovalLinks,
    enabled: z.boolean().describe("Whether messages are sent; otherwise they wait"),
    disabled: z
      .object({ reason: DisabledReason, at: z.iso.datetime().describe("Since when") })
      .nullable()
      .describe("Why it is sent nothing"),
    createdAt: z.iso.datetime().describe("When it was made"),
    updatedAt: z.iso.datetime().describe("When it was changed last"),
    links: z
      .object({
        self: z
          .string()
          .describe("The endpoint")
          .meta({ examples: ["/webhooks/endpoints/whe_5b0c8e4f-2d7a-4c39-8f61-0e9a7d3b1c25"] }),
        deliveries: z
          .string()
          .describe("What it was sent")
          .meta({ examples: ["/webhooks/endpoints/whe_5b0c8e4f-2d7a-4c39-8f61-0e9a7d3b1c25/deliveries"] }),
      })
      .describe("Addresses of what belongs to it"),
  })
  .meta({ id: "WebhookEndpoint", description: "Somebody who is told of events by signed requests" });
export type Endpoint = z.infer<typeof Endpoint>;

/** An endpoint with its secret, which is shown once. */
export const EndpointWithSecret = Endpoint.extend({
  secret: z
    .string()
    .describe("Signs what is sent, as Standard Webhooks say: `whsec_` and 32 bytes in base64. Shown only now")
    .meta({ examples: ["whsec_…"] }),
}).meta({ id: "WebhookEndpointWithSecret", description: "An endpoint, and the secret that signs for it" });
export type EndpointWithSecret = z.infer<typeof EndpointWithSecret>;

/** Of an endpoint that is gone. */
export const DeletedEndpoint = z
  .object({ deleted: z.literal(true).describe("It is gone") })
  .meta({ id: "DeletedWebhookEndpoint", description: "The endpoint, and what it was to be sent, is gone" });
export type DeletedEndpoint = z.infer<typeof DeletedEndpoint>;

export const DeliveryStatus = z
  .enum(["pending", "delivered", "failed"])
  .describe("`pending`: it is sent, or sent again, when its time comes; `failed`: it was given up");
export type DeliveryStatus = z.infer<typeof DeliveryStatus>;

/** Why an attempt failed. */
export const AttemptError = z
  .enum(["timeout", "connection", "redirect", "status", "url-refused"])
  .describe(
    "`timeout`: no answer in time; `connection`: it could not be reached; `redirect`: it pointed elsewhere, which is not followed; `status`: it answered no 2xx; `url-refused`: the URL is not allowed any more",
  );
export type AttemptError = z.infer<typeof AttemptError>;

/** One request that was sent for a message. */
export const Attempt = z
  .object({
    at: z.iso.datetime().describe("When it was sent"),
    durationMs: z.int().describe("How long it took, in milliseconds"),
    status: z.int().nullable().describe("HTTP status of the answer; null if there was none"),
    error: AttemptError.nullable().describe("Why it failed; null if it did not"),
    nextAttemptAt: z.iso.datetime().nullable().describe("When it was to be tried again"),
  })
  .meta({ id: "WebhookAttempt", description: "One request that was sent for a message" });
export type Attempt = z.infer<typeof Attempt>;

const deliveryShape = {
  id: DeliveryId.describe("Id of the message: its `webhook-id`, the same whenever it is sent again"),
  type: WebhookType.describe("Type of the message"),
  status: DeliveryStatus,
  createdAt: z.iso.datetime().describe("When the endpoint was to be told"),
  attemptCount: z.int().describe("How often it was sent"),
  lastAttempt: Attempt.nullable().describe("The last time that it was sent"),
  nextAttemptAt: z.iso
    .datetime()
    .nullable()
    .describe("When it is sent next, if the endpoint is enabled then"),
  endedAt: z.iso.datetime().nullable().describe("When it was delivered, or given up"),
  links: z
    .object({
      self: z
        .string()
        .describe("The delivery with its attempts")
        .meta({
          examples: [
            "/webhooks/endpoints/whe_5b0c8e4f-2d7a-4c39-8f61-0e9a7d3b1c25/deliveries/msg_Zk3vT8wq1nYb",
          ],
        }),
      redeliver: z
        .string()
        .describe("Where it is sent again")
        .meta({
          examples: [
            "/webhooks/endpoints/whe_5b0c8e4f-2d7a-4c39-8f61-0e9a7d3b1c25/deliveries/msg_Zk3vT8wq1nYb/redeliver",
          ],
        }),
    })
    .describe("Addresses of what belongs to it"),
};

/** One message to one endpoint, and how far it has come. What it says is not shown: it may carry a link that decides. */
export const Delivery = z
  .object(deliveryShape)
  .meta({ id: "WebhookDelivery", description: "One message to one endpoint, and how far it has come" });
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryWithAttempts = z
  .object({ ...deliveryShape, attempts: z.array(Attempt).describe("The newest 100, oldest first") })
  .meta({
    id: "WebhookDeliveryWithAttempts",
    description: "A delivery with the requests that were sent for it",
  });
export type DeliveryWithAttempts = z.infer<typeof DeliveryWithAttempts>;

/** What a test begins. */
export const SentTest = z
  .object({
    deliveryId: DeliveryId.describe("Id of the delivery"),
    links: z
      .object({
        self: z
          .string()
          .describe("The delivery")
          .meta({
            examples: [
              "/webhooks/endpoints/whe_5b0c8e4f-2d7a-4c39-8f61-0e9a7d3b1c25/deliveries/msg_Zk3vT8wq1nYb",
            ],
          }),
      })
      .describe("Where it can be followed"),
  })
  .meta({ id: "SentWebhookTest", description: "A test message that is on its way" });
export type SentTest = z.infer<typeof SentTest>;

/** Which messages are sent again. */
export const Redelivery = z
  .strictObject({
    since: z.iso.datetime().describe("Messages from this time on"),
    until: z.iso.datetime().optional().describe("Messages before this time; now if left out"),
    status: z
      .enum(["failed", "all"])
      .default("failed")
      .describe("Only what failed, or also what was delivered"),
    cursor: z.string().optional().describe("`nextCursor` of the call before"),
  })
  .meta({ id: "WebhookRedelivery", description: "Which messages are sent again" });
export type Redelivery = z.infer<typeof Redelivery>;

export const Redelivered = z
  .object({
    redelivered: z.int().describe("How many messages are sent again by this call"),
    nextCursor: z.string().nullable().describe("Send as `cursor` to go on; null if that was all"),
  })
  .meta({ id: "WebhookRedelivered", description: "Messages that are sent again" });
export type Redelivered = z.infer<typeof Redelivered>;
