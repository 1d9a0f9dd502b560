import { sign, verify } from "hono/jwt";
import { z } from "zod";
import type { StreamGrant } from "../contract/stream-token";

/** Makes and reads stream tokens. */
export interface StreamTokens {
  issue(grant: StreamGrant): Promise<string>;
  /** @returns undefined if the token is not one of this gateway, or has expired. */
  read(token: string): Promise<StreamGrant | undefined>;
}

const AUDIENCE = "switchyard:stream";

const Claims = z.object({
  aud: z.literal(AUDIENCE),
  jti: z.string(),
  sub: z.string(),
  agent: z.string(),
  instance: z.string().optional(),
  exp: z.number(),
});

/**
 * Stream tokens are JWTs (RFC 7519, HS256), signed with a key that is derived from the API key: who replaces that one
 * ends them all.
 */
export function streamTokens(apiKey: string): StreamTokens {
  let key: Promise<CryptoKey> | undefined;
  const signingKey = (): Promise<CryptoKey> => (key ??= deriveKey(apiKey));
  return {
    async issue({ id, caller, agent, instanceId, expiresAt }) {
      const claims: z.infer<typeof Claims> = {
        aud: AUDIENCE,
        jti: id,
        sub: caller,
        agent,
        ...(instanceId === undefined ? {} : { instance: instanceId }),
        exp: Math.floor(expiresAt / 1000),
      };
      return sign(claims, await signingKey(), "HS256");
    },
    async read(token) {
      const claims = await verify(token, await signingKey(), { alg: "HS256", aud: AUDIENCE }).catch(
        () => undefined,
      );
      const checked = Claims.safeParse(claims);
      if (!checked.success) return undefined;
      const { jti, sub, agent, instance, exp } = checked.data;
      return { id: jti, caller: sub, agent, instanceId: instance, expiresAt: exp * 1000 };
    },
  };
}

/** HKDF (RFC 5869) of the API key, which itself signs nothing. */
async function deriveKey(apiKey: string): Promise<CryptoKey> {
  const encoder = new TextEncoder();
  const from = await crypto.subtle.importKey("raw", encoder.encode(apiKey), "HKDF", false, ["deriveKey"]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: encoder.encode(AUDIENCE) },
    from,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}
