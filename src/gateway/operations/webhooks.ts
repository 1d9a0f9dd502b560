import { z } from "zod";
import { Limit, pageOf } from "../contract/page";
import {
  DeletedEndpoint,
  Endpoint,
  EndpointChange,
  EndpointId,
  EndpointSettings,
  EndpointWithSecret,
  SentTest,
} from "../contract/webhook";
import { operation } from "./operation";

const EndpointPage = pageOf(Endpoint, "WebhookEndpointPage");

/** Which endpoint. */
export const EndpointParams = z.object({ endpointId: EndpointId.describe("Id of the endpoint") });

const ROOT = "/webhooks/endpoints";
const ONE = `${ROOT}/{endpointId}`;

export const listEndpoints = operation<undefined>()({
  id: () => "listWebhookEndpoints",
  summary: () => "List the webhook endpoints, in the order in which they were made",
  description: "Also those that are disabled, with the reason. No secret is shown.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "get", path: () => ROOT, status: 200 },
  schemas: () => ({
    query: z.strictObject({
      limit: Limit,
      cursor: z.string().optional().describe("`nextCursor` of the page before"),
    }),
    output: EndpointPage,
  }),
  problems: ["invalid_cursor"],
  answer: ({ query: { limit, cursor } }, { directory }) => directory.listEndpoints({ limit, cursor }),
});

export const createEndpoint = operation<undefined>()({
  id: () => "createWebhookEndpoint",
  summary: () => "Make a webhook endpoint",
  description:
    "It is sent signed requests (Standard Webhooks) when something happens that it asks for: of each agent, half a minute from now at the latest. Every message comes at least once, in no certain order, and again after a failure, for some three days.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: {
    method: "post",
    path: () => ROOT,
    status: 201,
    location: (answer) => (answer as Endpoint).links.self,
  },
  schemas: () => ({ body: EndpointSettings, output: EndpointWithSecret }),
  problems: ["endpoint_url_refused", "too_many_endpoints"],
  answer: ({ body, once }, { directory, origin }) =>
    directory.createEndpoint({ settings: body, origin, once }),
});

export const getEndpoint = operation<undefined>()({
  id: () => "getWebhookEndpoint",
  summary: () => "Read one webhook endpoint",
  description:
    "What it is sent, and whether it is; if it is not, why, and since when. Its secret is not shown.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "get", path: () => ONE, status: 200 },
  schemas: () => ({ params: EndpointParams, output: Endpoint }),
  problems: ["endpoint_not_found"],
  answer: ({ params }, { directory }) => directory.getEndpoint({ id: params.endpointId }),
});

export const updateEndpoint = operation<undefined>()({
  id: () => "updateWebhookEndpoint",
  summary: () => "Change one webhook endpoint",
  description:
    "What is left out stays. Who may not give links (`approvals:delegate`, `approvals:decide`) cannot change where one goes that was ever sent some. Messages of an endpoint that is disabled wait, and go on when it is enabled.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "patch", path: () => ONE, status: 200 },
  schemas: () => ({ params: EndpointParams, body: EndpointChange, output: Endpoint }),
  problems: ["endpoint_not_found", "endpoint_url_refused"],
  answer: ({ params, body, once }, { directory }) =>
    directory.updateEndpoint({ id: params.endpointId, change: body, once }),
});

export const deleteEndpoint = operation<undefined>()({
  id: () => "deleteWebhookEndpoint",
  summary: () => "Delete one webhook endpoint",
  description: "What it was still to be sent goes with it, and so does the log of its deliveries.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "delete", path: () => ONE, status: 200 },
  schemas: () => ({ params: EndpointParams, output: DeletedEndpoint }),
  problems: ["endpoint_not_found"],
  answer: ({ params, once }, { directory }) => directory.deleteEndpoint({ id: params.endpointId, once }),
});

export const testEndpoint = operation<undefined>()({
  id: () => "testWebhookEndpoint",
  summary: () => "Send a test message to one webhook endpoint",
  description: "`webhook.test`, whatever types it asks for.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: {
    method: "post",
    path: () => `${ONE}/test`,
    status: 202,
    location: (answer) => (answer as SentTest).links.self,
  },
  schemas: () => ({ params: EndpointParams, output: SentTest }),
  problems: ["endpoint_not_found", "endpoint_url_refused", "endpoint_disabled"],
  answer: ({ params, once }, { directory }) => directory.testEndpoint({ id: params.endpointId, once }),
});

export const enableEndpoint = operation<undefined>()({
  id: () => "enableWebhookEndpoint",
  summary: () => "Enable one webhook endpoint again",
  description: "Messages that waited are sent. Of one that is enabled nothing changes.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "post", path: () => `${ONE}/enable`, status: 200 },
  schemas: () => ({ params: EndpointParams, output: Endpoint }),
  problems: ["endpoint_not_found", "endpoint_url_refused"],
  answer: ({ params, once }, { directory }) =>
    directory.updateEndpoint({ id: params.endpointId, change: { enabled: true }, once }),
});

export const rotateEndpointSecret = operation<undefined>()({
  id: () => "rotateWebhookEndpointSecret",
  summary: () => "Make a new secret for one webhook endpoint",
  description: "It signs at once. The one before signs too for 24 hours: both signatures are sent.",
  scope: "webhooks:manage",
  extent: "whole",
  rest: { method: "post", path: () => `${ONE}/rotate-secret`, status: 200 },
  schemas: () => ({ params: EndpointParams, output: EndpointWithSecret }),
  problems: ["endpoint_not_found"],
  answer: ({ params, once }, { directory }) => directory.rotateSecret({ id: params.endpointId, once }),
});
