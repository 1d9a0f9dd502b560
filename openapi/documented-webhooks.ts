import { variantName } from "../src/gateway/contract/names";
import { webhookShapes, type WebhookShape } from "../src/gateway/contract/webhook-payload";
import { mediaOf } from "./documented-operation";
import type { SchemaCollector } from "./schema-collector";

const header = (name: string, description: string) => ({
  name,
  in: "header",
  required: true,
  description,
  schema: { type: "string" },
});

/** The headers of Standard Webhooks. */
const HEADERS = [
  header("webhook-id", "Id of the message: the same whenever it is sent again, by which repeats are told"),
  header("webhook-timestamp", "When it is sent, in seconds since 1970"),
  header(
    "webhook-signature",
    "`v1,` and HMAC-SHA256 in base64 of id, timestamp and body, with dots between; one for each secret that is good, by spaces",
  ),
];

const RESPONSES = {
  "2XX": { description: "It was taken" },
  "410": { description: "Nothing is to be sent here any more: the endpoint is disabled" },
  default: {
    description:
      "It was not taken, and is sent again: after 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours, or as `Retry-After` says. Redirects are not followed",
  },
};

/** What webhook endpoints are sent, as the `webhooks` of an OpenAPI 3.1 document. */
export function documentedWebhooks(schemas: SchemaCollector): Record<string, object> {
  return Object.fromEntries(
    webhookShapes().map(({ payload, ...shape }) => [
      shape.type,
      {
        post: {
          operationId: variantName("receive", shape.type),
          summary: shape.meaning,
          description: `${receiversOf(shape)} It comes at least once, in no certain order.`,
          tags: ["gateway"],
          security: [],
          parameters: HEADERS,
          requestBody: {
            description: "The message, thin: who needs more follows its links, with a key",
            required: true,
            content: { "application/json": mediaOf(payload, "output", schemas) },
          },
          responses: RESPONSES,
        },
      },
    ]),
  );
}

function receiversOf({ type, chatty }: Pick<WebhookShape, "type" | "chatty">): string {
  if (type === "webhook.test") return "Sent to the endpoint that is tested, whatever types it names.";
  return `Sent to endpoints that name this type${chatty ? "" : ", or none"}.`;
}
