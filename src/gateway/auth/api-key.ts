import type { Authenticator, Principal } from "./principal";
import type { SigningKeys } from "./signing-keys";
import { streamTokens } from "./stream-token";
import { usableKey } from "./usable-key";

const EVERYTHING: Principal = { name: "api-key", scopes: "all", may: () => true };

/**
 * Lets in who sends the one configured key as `Authorization: Bearer`. The holder may do everything.
 *
 * @param apiKey undefined or too short if the gateway is not configured: then nobody is let in.
 * @param keys sign stream tokens.
 */
export function apiKeyAuthenticator(apiKey: string | undefined, keys: SigningKeys): Authenticator {
  const key = usableKey(apiKey);
  if (key === undefined) {
    return { configured: false, streamTokens: streamTokens(keys), authenticate: async () => undefined };
  }
  return {
    configured: true,
    streamTokens: streamTokens(keys),
    async authenticate(request) {
      const [, given] = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
      if (given === undefined) return undefined;
      // Digests have one length, so that comparing them tells nothing of the key.
      const [a, b] = await Promise.all([digest(given), digest(key)]);
      return crypto.subtle.timingSafeEqual(a, b) ? EVERYTHING : undefined;
    },
  };
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
