import { z } from "zod";
import type { Grant } from "../contract/grant";
import { CLOCK_SKEW_SECONDS, type JwtClaims, type JwtRules, verifyJwt } from "./jwt";
import { type Principal, principalOf } from "./principal";

/** Knows the holder of a JWT. @returns undefined if it is not good. */
export type JwtAuthenticator = (token: string) => Promise<Principal | undefined>;

/** What the claims of a JWT say of its holder. */
export interface ClaimsReading {
  /** Stands before the name, so that it is the name of no key, nor of anybody whom another issuer knows. */
  readonly kind: string;
  /** The name is the first of these claims that is a text. */
  readonly nameClaims: readonly string[];
  readonly grantOf: (claims: JwtClaims) => Grant;
}

/** A name is one line of what can be read. */
const HolderName = z.string().regex(/^[^\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]{0,253}[^\p{C}\p{Z}])?$/u);

/** Lets in who has a good JWT, as what its claims say. */
export function jwtAuthenticator(
  rules: JwtRules,
  { kind, nameClaims, grantOf }: ClaimsReading,
): JwtAuthenticator {
  return async function authenticate(token) {
    const claims = await verifyJwt(token, rules, Date.now());
    if (claims === undefined) return undefined;
    const name = nameClaims
      .map((claim) => HolderName.safeParse(claims[claim]).data)
      .find((one) => one !== undefined);
    if (name === undefined) return undefined;
    return principalOf(`${kind}:${name}`, grantOf(claims), (claims.exp + CLOCK_SKEW_SECONDS) * 1000);
  };
}

/** What a claim lists: an array of texts, or one text with spaces between them, as `scope` has it (RFC 8693). */
export function listedIn(claim: unknown): readonly string[] {
  if (typeof claim === "string") return claim.split(" ").filter((word) => word !== "");
  return z.array(z.string()).safeParse(claim).data ?? [];
}
