import { linkTokens } from "../auth/link-token";
import { signingKeys } from "../auth/signing-keys";
import type { Actor } from "../contract/audit";
import { ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import type { Listener } from "../webhook/subscription";
import { actingFor } from "./acting";

/** For which message of which approval a link is made. */
interface Occasion {
  readonly agent: string;
  readonly approvalId: string;
  readonly messageId: string;
}

/**
 * Makes the link that a message of an approval carries, in the right of whoever made its endpoint. The same message has the
 * same link.
 *
 * @returns its address; undefined if the approval cannot be decided by one any more.
 */
export async function webhookLink(
  service: Pick<AgentPort, "createLink">,
  env: object,
  { agent, approvalId, messageId }: Occasion,
  { for: holder, decisions, name, scopes, origin }: NonNullable<Listener["approvalLinks"]>,
): Promise<string | undefined> {
  const maker: Actor = { name, scopes, door: "agent", address: null, requestId: null };
  const once = { key: `webhook ${messageId}`, fingerprint: "" };
  const asked = { approvalId, holder, decisions, expiresAt: undefined, ttlSeconds: undefined, once };
  try {
    const link = await actingFor(maker, () => service.createLink(asked));
    const keys = signingKeys({
      signingKeys: secret(env, "SWITCHYARD_SIGNING_KEYS"),
      apiKey: secret(env, "SWITCHYARD_API_KEY"),
    });
    const grant = { id: link.id, agent, approvalId, expiresAt: Date.parse(link.expiresAt) };
    return `${origin}/approvals/${await linkTokens(keys).issue(grant)}`;
  } catch (failure) {
    if (!(failure instanceof ProblemError)) throw failure;
    console.warn("switchyard: a webhook message goes without its link", failure.message);
    return undefined;
  }
}

function secret(env: object, name: string): string | undefined {
  const value: unknown = Reflect.get(env, name);
  return typeof value === "string" ? value : undefined;
}
