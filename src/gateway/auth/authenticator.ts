import { createHash, timingSafeEqual } from "node:crypto";
import { EVERYTHING } from "../contract/grant";
import type { KeyHolder } from "../contract/key";
import type { AccessAuthenticator } from "./cloudflare-access";
import type { JwtAuthenticator } from "./jwt-authenticator";
import { digestOf, mintKey, readKey } from "./key-text";
import { type Authenticator, type Principal, principalOf } from "./principal";
import type { StreamTokens } from "./stream-token";

/** What tells who holds a key that was issued. @returns undefined if it is none, or no more. */
export type KeyLookUp = (id: string, digest: string) => Promise<KeyHolder | undefined>;

/** By what somebody may be known. */
export interface Credentials {
  /** The one configured key, whose holder may do everything. */
  readonly bootstrapKey: string | undefined;
  readonly streamTokens: StreamTokens;
  /** The word in issued keys that says which gateway they are of. */
  readonly environment: string;
  readonly lookUp: KeyLookUp;
  readonly jwt: JwtAuthenticator | undefined;
  readonly access: AccessAuthenticator | undefined;
}

/**
 * Knows callers by `Authorization: Bearer`, which is the configured key, an issued key or a JWT; and, if there is no such header,
 * by what Cloudflare Access says of them.
 */
export function createAuthenticator({
  bootstrapKey,
  streamTokens,
  environment,
  lookUp,
  jwt,
  access,
}: Credentials): Authenticator {
  const everything = principalOf("api-key", EVERYTHING);
  const expected = bootstrapKey === undefined ? undefined : digest(bootstrapKey);

  const byKey = async (given: string): Promise<Principal | undefined> => {
    const key = readKey(given);
    if (key === undefined || key.environment !== environment) return undefined;
    const holder = await lookUp(key.id, await digestOf(given));
    return holder && principalOf(holder.name, holder, holder.expiresAt ?? undefined);
  };

  return {
    configured: bootstrapKey !== undefined || jwt !== undefined || access !== undefined,
    streamTokens,
    mintKey: (id) => mintKey(environment, id),
    async authenticate(request) {
      const authorization = request.headers.get("authorization");
      if (authorization === null) return access?.(request);
      const [, given] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization) ?? [];
      if (given === undefined) return undefined;
      if (expected !== undefined && timingSafeEqual(digest(given), expected)) return everything;
      return (await byKey(given)) ?? jwt?.(given);
    },
  };
}

/** Digests have one length, so that comparing them tells nothing of the secret. */
function digest(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}
