import { Scalar } from "@scalar/hono-api-reference";
import type { Handler } from "hono";

/** Where the script of the page is served from: the gateway itself, so that the page needs no internet. */
const SCRIPT = "/docs/scalar.js";

/** The reference page: renders the document in the browser, and holds the browser to this origin. */
export function referencePage(title: string): Handler {
  return function reference(c, next) {
    const nonce = crypto.randomUUID();
    c.header("content-security-policy", policy(nonce));
    c.header("cache-control", "no-store");
    return Scalar({
      url: "/openapi.json",
      cdn: SCRIPT,
      nonce,
      pageTitle: title,
      withDefaultFonts: false,
      telemetry: false,
      // What would send people, or what they type, to services of others.
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
      showDeveloperTools: "never",
      showOperationId: true,
      authentication: { preferredSecurityScheme: "apiKey" },
    })(c, next);
  };
}

/** Nothing comes from elsewhere, nothing is sent elsewhere. Scalar writes styles into the page as it renders. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
