import { z } from "zod";
import type { Jwk, JwkSource } from "./jwk-source";

/** Signatures that can be checked. None is symmetric: who can check one of these cannot make it. */
export const JWT_ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number];

/** Which JWTs (RFC 7519) are good. */
export interface JwtRules {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly JwtAlgorithm[];
  readonly keys: JwkSource;
}

/** The claims of a JWT that was checked: those that are asked for, and whatever else it says. */
export interface JwtClaims {
  readonly exp: number;
  readonly [claim: string]: unknown;
}

/** How far clocks may differ, in seconds. */
export const CLOCK_SKEW_SECONDS = 60;
/** No JWT of more characters is looked at. */
const LONGEST_TOKEN = 8_192;
/** Of fewer bits a key of RSA can be broken. */
const SHORTEST_RSA_BITS = 2_048;

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** What a JWT may be of those that look alike: an access token has a name of its own (RFC 9068). */
const TYPES: readonly string[] = ["jwt", "at+jwt", "application/at+jwt"];

const Header = z.object({
  alg: z.string(),
  kid: z.string().min(1),
  typ: z
    .string()
    .refine((typ) => TYPES.includes(typ.toLowerCase()))
    .optional(),
  // What must be understood is not (RFC 7515, 4.1.11).
  crit: z.undefined().optional(),
});
const Claims = z.looseObject({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  nbf: z.number().optional(),
});

/** How WebCrypto is asked about each algorithm. */
const SIGNATURES = {
  RS256: { kty: "RSA", key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, check: "RSASSA-PKCS1-v1_5" },
  ES256: {
    kty: "EC",
    key: { name: "ECDSA", namedCurve: "P-256" },
    check: { name: "ECDSA", hash: "SHA-256" },
  },
  EdDSA: { kty: "OKP", key: { name: "Ed25519" }, check: "Ed25519" },
} as const satisfies Record<JwtAlgorithm, object>;

/**
 * Checks a JWT: its form, what it claims, then its signature, so that keys are fetched for none that could not be good.
 *
 * @param now in milliseconds.
 * @returns undefined if it is not good, whatever is wrong with it.
 * @throws ProblemError `credentials_unchecked` if there is no key to check it with.
 */
export async function verifyJwt(token: string, rules: JwtRules, now: number): Promise<JwtClaims | undefined> {
  if (token.length > LONGEST_TOKEN || !COMPACT.test(token)) return undefined;
  const [head = "", body = "", tail = ""] = token.split(".");
  const header = Header.safeParse(readJson(head)).data;
  const claims = Claims.safeParse(readJson(body)).data;
  const algorithm = rules.algorithms.find((known) => known === header?.alg);
  if (header === undefined || claims === undefined || algorithm === undefined) return undefined;
  if (!fits(claims, rules, now / 1000)) return undefined;

  const signature = decode(tail);
  const jwk = await rules.keys.find(header.kid);
  const key = jwk && (await importKey(jwk, algorithm));
  if (key === undefined || signature === undefined) return undefined;
  const signed = new TextEncoder().encode(`${head}.${body}`);
  const good = await crypto.subtle.verify(SIGNATURES[algorithm].check, key, signature, signed);
  return good ? claims : undefined;
}

function fits(
  { iss, aud, exp, nbf }: z.output<typeof Claims>,
  { issuer, audience }: JwtRules,
  seconds: number,
): boolean {
  return (
    iss === issuer &&
    [aud].flat().includes(audience) &&
    exp > seconds - CLOCK_SKEW_SECONDS &&
    (nbf === undefined || nbf <= seconds + CLOCK_SKEW_SECONDS)
  );
}

/** A key serves the one algorithm that it is for, whatever a token says. */
async function importKey(jwk: Jwk, algorithm: JwtAlgorithm): Promise<CryptoKey | undefined> {
  const { kty, key: parameters } = SIGNATURES[algorithm];
  const { alg = algorithm, use = "sig" } = jwk;
  if (jwk.kty !== kty || alg !== algorithm || use !== "sig") return undefined;
  // Private parts, and what a key says of its own use, are none of ours.
  const { n, e, crv, x, y } = jwk;
  const shown = Object.entries({ n, e, crv, x, y }).filter(([, value]) => value !== undefined);
  const key = await crypto.subtle
    .importKey("jwk", { kty, ...Object.fromEntries(shown) }, parameters, false, ["verify"])
    .catch(() => undefined);
  const { modulusLength = SHORTEST_RSA_BITS } = (key?.algorithm ?? {}) as {
    readonly modulusLength?: number;
  };
  return modulusLength < SHORTEST_RSA_BITS ? undefined : key;
}

function readJson(part: string): unknown {
  try {
    return JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(decode(part)),
    ) as unknown;
  } catch {
    return undefined;
  }
}

/** @returns undefined if it is not base64url. */
function decode(part: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
