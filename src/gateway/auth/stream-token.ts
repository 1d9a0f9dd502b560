import { z } from "zod";
import type { StreamGrant } from "../contract/stream-token";
import type { SigningKeys } from "./signing-keys";

/** Makes and reads stream tokens. */
export interface StreamTokens {
  issue(grant: StreamGrant): Promise<string>;
  /** @returns undefined if the token is not one of this gateway, or has expired. */
  read(token: string): Promise<StreamGrant | undefined>;
}

const AUDIENCE = "switchyard:stream";

const Claims = z.object({
  jti: z.string(),
  sub: z.string(),
  agent: z.string(),
  instance: z.string().optional(),
  exp: z.number(),
});

/** Stream tokens are signed, and kept nowhere. */
export function streamTokens(keys: SigningKeys): StreamTokens {
  return {
    async issue({ id, caller, agent, instanceId, expiresAt }) {
      const claims: z.infer<typeof Claims> = {
        jti: id,
        sub: caller,
        agent,
        ...(instanceId === undefined ? {} : { instance: instanceId }),
        exp: Math.floor(expiresAt / 1000),
      };
      return keys.sign(claims, AUDIENCE);
    },
    async read(token) {
      const checked = Claims.safeParse(await keys.verify(token, AUDIENCE));
      if (!checked.success) return undefined;
      const { jti, sub, agent, instance, exp } = checked.data;
      return { id: jti, caller: sub, agent, instanceId: instance, expiresAt: exp * 1000 };
    },
  };
}
