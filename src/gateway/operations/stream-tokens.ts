import { z } from "zod";
import { formatAgentPath } from "../contract/names";
import { LONGEST_TOKEN_SECONDS, StreamToken, StreamTokenId } from "../contract/stream-token";
import { InstanceParams } from "./instances";
import { operation, type Reach, type Subject } from "./operation";
import { pascal, words } from "./words";

const DEFAULT_SECONDS = 300;

const description =
  "For browsers, whose `EventSource` cannot send headers. The token reads events, of nothing else, and is refused on every other route. Streams that were opened with it are closed when it ends.";

const TokenBody = z.strictObject({
  ttlSeconds: z
    .int()
    .min(1)
    .max(LONGEST_TOKEN_SECONDS)
    .default(DEFAULT_SECONDS)
    .describe("How long it is good for, in seconds"),
});

export const createInstanceStreamToken = operation<Subject>()({
  id: ({ agent }) => `create${pascal(agent.name)}InstanceStreamToken`,
  summary: ({ agent }) => `Make a token for the event stream of one instance of one ${words(agent.name)}`,
  description,
  scope: "instances:read",
  rest: { method: "post", path: () => "/instances/{instanceId}/stream-tokens", status: 201 },
  once: false,
  schemas: () => ({ params: InstanceParams, body: TokenBody, output: StreamToken }),
  problems: ["instance_not_found"],
  answer: async ({ params: { instanceId }, body, caller }, reach) => {
    const { links } = await reach.agent.getInstance({ id: instanceId });
    return issue(reach, { caller, instanceId, events: links.events, seconds: body.ttlSeconds });
  },
});

export const createStreamToken = operation<Subject>()({
  id: ({ agent }) => `create${pascal(agent.name)}StreamToken`,
  summary: ({ agent }) => `Make a token for the event stream of one ${words(agent.name)}`,
  description,
  scope: "instances:read",
  // It reads the stream of the subtree too.
  extent: "below",
  rest: { method: "post", path: () => "/stream-tokens", status: 201 },
  once: false,
  schemas: () => ({ body: TokenBody, output: StreamToken }),
  problems: [],
  answer: async ({ body, caller }, reach) => {
    const { path } = await reach.agent.describe();
    return issue(reach, {
      caller,
      instanceId: undefined,
      events: `${path}/events`,
      seconds: body.ttlSeconds,
    });
  },
});

export const revokeStreamToken = operation<Subject>()({
  id: ({ agent }) => `revoke${pascal(agent.name)}StreamToken`,
  summary: ({ agent }) => `Revoke a token for an event stream of one ${words(agent.name)}`,
  description: "Its streams are closed at once. Revoking it again does nothing.",
  scope: "instances:read",
  rest: { method: "delete", path: () => "/stream-tokens/{tokenId}", status: 200 },
  once: false,
  schemas: () => ({
    params: z.object({ tokenId: StreamTokenId.describe("Id of the token") }),
    output: z
      .object({ revoked: z.literal(true).describe("It reads nothing any more") })
      .meta({ id: "RevokedStreamToken", description: "A stream token that was revoked" }),
  }),
  problems: [],
  answer: async ({ params }, { agent }) => {
    await agent.revokeStreamToken({ tokenId: params.tokenId });
    return { revoked: true };
  },
});

async function issue(
  { path, issueStreamToken, holderUntil = Infinity }: Reach,
  {
    caller,
    instanceId,
    events,
    seconds,
  }: { caller: string; instanceId: string | undefined; events: string; seconds: number },
): Promise<StreamToken> {
  const id = `stk_${crypto.randomUUID()}`;
  // Whole seconds, which is what a JWT can say; and no longer than the caller's own credentials.
  const expiresAt = Math.floor(Math.min(Date.now() + seconds * 1000, holderUntil) / 1000) * 1000;
  const token = await issueStreamToken({ id, caller, agent: formatAgentPath(path), instanceId, expiresAt });
  return { id, token, expiresAt: new Date(expiresAt).toISOString(), url: `${events}?token=${token}` };
}
