import { z } from "zod";
import { Limit, pageOf } from "../contract/page";
import {
  Delivery,
  DeliveryId,
  DeliveryStatus,
  DeliveryWithAttempts,
  Redelivered,
  Redelivery,
} from "../contract/webhook";
import { operation } from "./operation";
import { EndpointParams } from "./webhooks";

const DeliveryPage = pageOf(Delivery, "WebhookDeliveryPage");
const DeliveryParams = EndpointParams.extend({ deliveryId: DeliveryId.describe("Id of the delivery") });

const LIST = "/webhooks/endpoints/{endpointId}/deliveries";
const ONE = `${LIST}/{deliveryId}`;
const ENDED = ["delivered", "failed"] as const;

export const listDeliveries = operation<undefined>()({
  id: () => "listWebhookDeliveries",
  summary: () => "List what one webhook endpoint was sent, newest first",
  description: "What was delivered is kept for 7 days, what failed for 30 days; of all the newest 100,000.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "get", path: () => LIST, status: 200 },
  schemas: () => ({
    params: EndpointParams,
    query: z.strictObject({
      status: DeliveryStatus.optional().describe("Only those that are, or ended, so"),
      limit: Limit,
      cursor: z.string().optional().describe("`nextCursor` of the page before"),
    }),
    output: DeliveryPage,
  }),
  problems: ["endpoint_not_found", "invalid_cursor"],
  answer: ({ params, query: { status, limit, cursor } }, { directory }) =>
    directory.listDeliveries({
      id: params.endpointId,
      statuses: status === undefined ? DeliveryStatus.options : [status],
      limit,
      cursor,
    }),
});

export const getDelivery = operation<undefined>()({
  id: () => "getWebhookDelivery",
  summary: () => "Read one delivery with its attempts",
  description:
    "How each attempt ended, and when the next one is due. What was sent is not shown: it may carry a link that decides.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "get", path: () => ONE, status: 200 },
  schemas: () => ({ params: DeliveryParams, output: DeliveryWithAttempts }),
  problems: ["endpoint_not_found", "delivery_not_found"],
  answer: ({ params }, { directory }) =>
    directory.getDelivery({ id: params.endpointId, deliveryId: params.deliveryId }),
});

export const redeliver = operation<undefined>()({
  id: () => "redeliverWebhookDelivery",
  summary: () => "Send one message again",
  description: "With the same id and body, at once; if that fails, again as the first time.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: {
    method: "post",
    path: () => `${ONE}/redeliver`,
    status: 202,
    location: (answer) => (answer as Delivery).links.self,
  },
  schemas: () => ({ params: DeliveryParams, output: Delivery }),
  problems: ["endpoint_not_found", "delivery_not_found", "endpoint_url_refused", "endpoint_disabled"],
  answer: ({ params, once }, { directory }) =>
    directory.redeliver({ id: params.endpointId, deliveryId: params.deliveryId, once }),
});

export const redeliverMany = operation<undefined>()({
  id: () => "redeliverWebhookDeliveries",
  summary: () => "Send the messages of a span of time again",
  description: "500 at most by one call, oldest first; `nextCursor` goes on.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "post", path: () => "/webhooks/endpoints/{endpointId}/redeliver", status: 200 },
  schemas: () => ({ params: EndpointParams, body: Redelivery, output: Redelivered }),
  problems: ["endpoint_not_found", "endpoint_url_refused", "endpoint_disabled", "invalid_cursor"],
  answer: ({ params, body, once }, { directory }) =>
    directory.redeliverMany({
      id: params.endpointId,
      since: Date.parse(body.since),
      until: body.until === undefined ? undefined : Date.parse(body.until),
      statuses: body.status === "failed" ? ["failed"] : ENDED,
      cursor: body.cursor,
      once,
    }),
});
