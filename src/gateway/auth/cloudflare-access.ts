import type { JwtAuthenticator } from "./jwt-authenticator";
import type { Principal } from "./principal";

/** The header in which Cloudflare Access says who asks. */
const ASSERTION = "cf-access-jwt-assertion";

/** Knows whom Cloudflare Access let through. */
export type AccessAuthenticator = (request: Request) => Promise<Principal | undefined>;

/**
 * Reads the assertion of Cloudflare Access. Access makes it from a cookie, which a browser also sends with what another site
 * makes it ask: such a request is nobody's, unless it only reads.
 */
export function accessAuthenticator(authenticate: JwtAuthenticator): AccessAuthenticator {
  return async function authenticateByAccess(request) {
    const assertion = request.headers.get(ASSERTION);
    if (assertion === null || isFromElsewhere(request)) return undefined;
    return authenticate(assertion);
  };
}

function isFromElsewhere({ method, url, headers }: Request): boolean {
  if (method === "GET" || method === "HEAD") return false;
  const site = headers.get("sec-fetch-site") ?? "none";
  const origin = headers.get("origin") ?? new URL(url).origin;
  return !["same-origin", "none"].includes(site) || origin !== new URL(url).origin;
}
