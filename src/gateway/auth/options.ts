import { AgentPattern } from "../contract/agent-pattern";
import type { Grant } from "../contract/grant";
import { DefinitionError } from "../registry/definition-error";
import { type AccessAuthenticator, accessAuthenticator } from "./cloudflare-access";
import { inlineJwks, type JwkSource, remoteJwks } from "./jwk-source";
import { JWT_ALGORITHMS, type JwtAlgorithm, type JwtRules } from "./jwt";
import { type JwtAuthenticator, jwtAuthenticator, listedIn } from "./jwt-authenticator";

/** Keys of an issuer, as it publishes them (RFC 7517). */
export interface JwkSetOption {
  readonly keys: readonly object[];
}

/** Lets in who has a JWT of an issuer. */
export interface JwtOptions {
  /** `iss`, exactly. */
  readonly issuer: string;
  /** `aud`, or one of them. */
  readonly audience: string;
  /** Where the issuer publishes its keys: https, or http of this machine. Either this or `jwks`. */
  readonly jwksUrl?: string;
  /** The keys themselves. */
  readonly jwks?: JwkSetOption;
  /** All that are known, unless given. */
  readonly algorithms?: readonly JwtAlgorithm[];
  /** The claim that lists scopes: an array, or a text with spaces; `scope` unless given. */
  readonly scopesClaim?: string;
  /** The claim that lists patterns of agents; `agents` unless given. A JWT without it reaches none. */
  readonly agentsClaim?: string;
  /** The claim that names the holder, which is then known as `jwt:<name>`; `sub` unless given. */
  readonly nameClaim?: string;
}

/** Lets in whom Cloudflare Access lets through. */
export interface AccessOptions {
  /** The team's name: `acme` of `acme.cloudflareaccess.com`. */
  readonly team: string;
  /** The audience tag of the Access application. */
  readonly audience: string;
  /** What everybody may do who gets through. */
  readonly grants: { readonly scopes: readonly string[]; readonly agents: readonly string[] };
  /** The keys, instead of those that the team publishes. */
  readonly jwks?: JwkSetOption;
}

/** Who is let in, beside the holder of the configured key. */
export interface AuthOptions {
  readonly keys?: {
    /** The word in issued keys that says which gateway they are of, as `live` in `sy_live_…`, which it is unless given. */
    readonly environment?: string;
  };
  readonly jwt?: JwtOptions;
  readonly access?: AccessOptions;
}

/** {@link AuthOptions}, checked. */
export interface Auth {
  readonly environment: string;
  readonly jwt: JwtAuthenticator | undefined;
  readonly access: AccessAuthenticator | undefined;
}

/** @throws DefinitionError if an option is missing, or cannot be. */
export function readAuthOptions({ keys, jwt, access }: AuthOptions): Auth {
  const environment = keys?.environment ?? "live";
  if (!/^[a-z]{1,16}$/.test(environment))
    throw new DefinitionError(`auth.keys.environment is "${environment}"; it must be 1 to 16 of a-z.`);
  return {
    environment,
    jwt: jwt && jwtOf(jwt),
    access: access && accessOf(access),
  };
}

function jwtOf(options: JwtOptions): JwtAuthenticator {
  const { scopesClaim = "scope", agentsClaim = "agents", nameClaim = "sub" } = options;
  return jwtAuthenticator(rulesOf("auth.jwt", options), {
    kind: "jwt",
    nameClaims: [nameClaim],
    grantOf: (claims): Grant => ({
      scopes: listedIn(claims[scopesClaim]),
      agents: listedIn(claims[agentsClaim]),
    }),
  });
}

function accessOf({ team, audience, grants, jwks }: AccessOptions): AccessAuthenticator {
  if (!/^[a-z0-9-]+$/.test(team))
    throw new DefinitionError(`auth.access.team is "${team}"; write "acme" for acme.cloudflareaccess.com.`);
  const wrong = grants.agents.find((pattern) => !AgentPattern.safeParse(pattern).success);
  if (wrong !== undefined)
    throw new DefinitionError(`auth.access.grants.agents has "${wrong}", which is no pattern of agents.`);
  const issuer = `https://${team}.cloudflareaccess.com`;
  const keys = jwks === undefined ? { jwksUrl: `${issuer}/cdn-cgi/access/certs` } : { jwks };
  const rules = rulesOf("auth.access", { issuer, audience, algorithms: ["RS256"], ...keys });
  // A person has an address; a service, only the id of its token.
  const reading = { kind: "access", nameClaims: ["email", "common_name"], grantOf: () => grants };
  return accessAuthenticator(jwtAuthenticator(rules, reading));
}

function rulesOf(
  option: string,
  { issuer, audience, algorithms = JWT_ALGORITHMS, ...where }: JwtOptions,
): JwtRules {
  for (const [name, value] of Object.entries({ issuer, audience })) {
    if (typeof value !== "string" || value === "")
      throw new DefinitionError(`${option}.${name} is missing: without it any token would do.`);
  }
  const unknown = algorithms.find((algorithm) => !JWT_ALGORITHMS.includes(algorithm));
  if (unknown !== undefined || algorithms.length === 0)
    throw new DefinitionError(
      `${option}.algorithms may have ${JWT_ALGORITHMS.join(", ")}, and at least one.`,
    );
  return { issuer, audience, algorithms, keys: keysOf(option, where) };
}

function keysOf(option: string, { jwksUrl, jwks }: Pick<JwtOptions, "jwksUrl" | "jwks">): JwkSource {
  if ((jwksUrl === undefined) === (jwks === undefined))
    throw new DefinitionError(`${option} needs either jwksUrl or jwks.`);
  if (jwksUrl !== undefined) {
    if (!isSafe(jwksUrl))
      throw new DefinitionError(
        `${option}.jwksUrl is "${jwksUrl}"; it must be an https address, or http of this machine.`,
      );
    return remoteJwks(jwksUrl, { fetch: (url, init) => fetch(url, init), now: () => Date.now() });
  }
  try {
    return inlineJwks(jwks);
  } catch {
    throw new DefinitionError(`${option}.jwks is no JWK set: { keys: [{ kid, kty, … }] }.`);
  }
}

/** Keys that come over a line that others can write to are worth nothing; what does not leave the machine is no such line. */
function isSafe(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  const loopback = ["127.0.0.1", "[::1]", "localhost"].includes(hostname);
  return protocol === "https:" || (protocol === "http:" && loopback);
}
