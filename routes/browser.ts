import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { GatewayEnv } from "./gateway-env";

/** What an answer may do in a browser, unless it says otherwise itself: nothing. */
const NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const others = secureHeaders({ xFrameOptions: "DENY", overwrite: false });

/** Puts the headers on every answer that hold browsers back. */
export const secured: MiddlewareHandler<GatewayEnv> = async function secure(c, next) {
  await others(c, next);
  if (!c.res.headers.has("content-security-policy")) c.res.headers.set("content-security-policy", NOTHING);
};

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS =
  "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Prefer, traceparent, trpc-accept, X-Request-Id";
const SHOWN_HEADERS =
  "Allow, ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, traceparent, WWW-Authenticate, X-Request-Id";
const PREFLIGHT_SECONDS = 600;

/**
 * Lets pages of these origins call the gateway, and no others (CORS). Cookies are never meant: callers show a key.
 *
 * @param origins each as browsers send it, `https://app.example`.
 */
export function crossOrigin(origins: readonly string[]): MiddlewareHandler<GatewayEnv> {
  return async function allowOrigin(c, next) {
    const origin = c.req.header("origin");
    const allowed = origin !== undefined && origins.includes(origin);
    if (
      allowed &&
      c.req.method === "OPTIONS" &&
      c.req.header("access-control-request-method") !== undefined
    ) {
      return c.body(null, 204, {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": METHODS,
        "access-control-allow-headers": REQUEST_HEADERS,
        "access-control-max-age": String(PREFLIGHT_SECONDS),
        vary: "Origin",
      });
    }
    await next();
    c.res.headers.append("vary", "Origin");
    if (!allowed) return;
    c.res.headers.set("access-control-allow-origin", origin);
    c.res.headers.set("access-control-expose-headers", SHOWN_HEADERS);
  };
}
