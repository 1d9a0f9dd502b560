import { z } from "zod";
import type { LinkGrant } from "../contract/link";
import type { SigningKeys } from "./signing-keys";

/** Makes and reads the tokens of links. */
export interface LinkTokens {
  issue(grant: LinkGrant): Promise<string>;
  /** @returns undefined if the token is not one of this gateway, or has expired. */
  read(token: string): Promise<LinkGrant | undefined>;
}

const AUDIENCE = "switchyard:link";

const Claims = z.object({ jti: z.string(), agent: z.string(), approval: z.string(), exp: z.number() });

/** The token of a link is signed; whether it may still be used, its row at the agent says. */
export function linkTokens(keys: SigningKeys): LinkTokens {
  return {
    async issue({ id, agent, approvalId, expiresAt }) {
      const claims: z.infer<typeof Claims> = {
        jti: id,
        agent,
        approval: approvalId,
        exp: Math.floor(expiresAt / 1000),
      };
      return keys.sign(claims, AUDIENCE);
    },
    async read(token) {
      const checked = Claims.safeParse(await keys.verify(token, AUDIENCE));
      if (!checked.success) return undefined;
      const { jti, agent, approval, exp } = checked.data;
      return { id: jti, agent, approvalId: approval, expiresAt: exp * 1000 };
    },
  };
}
