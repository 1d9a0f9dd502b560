import type { MiddlewareHandler } from "hono";
import { ProblemError } from "../src/gateway/contract/problem";
import type { GatewayEnv } from "./gateway-env";
import { pathOf } from "./url";

/**
 * Serves every object at one address, the one that the gateway itself writes. Any other way to write it is none: what stands in
 * front of the gateway, or behind it, then reads the same as the gateway does.
 */
export const oneAddress: MiddlewareHandler<GatewayEnv> = async function serveOneAddress(c, next) {
  requireCanonical(pathOf(c.req.raw.url));
  await next();
};

/** @throws ProblemError `not_found` if a path is written in another than the one way. */
export function requireCanonical(path: string): void {
  if (isCanonical(path)) return;
  throw new ProblemError("not_found", {
    detail:
      "Each part of an address is written as encodeURIComponent writes it, @ and + as %40 and %2B, with one / before it and " +
      "none at the end.",
  });
}

/** Whether every part of a path is written in the one way: encoded where it must be, in capital digits, and not empty. */
export function isCanonical(path: string): boolean {
  if (PLAIN.test(path)) return true;
  const [root, ...parts] = path.split("/");
  return root === "" && parts.length > 0 && parts.every((part) => part !== "" && part === rewritten(part));
}

/** A path of which nothing has to be encoded: most are. */
const PLAIN = /^(?:\/[\w.!~*'()-]+)+$/;

function rewritten(part: string): string | undefined {
  try {
    return encodeURIComponent(decodeURIComponent(part));
  } catch {
    return undefined;
  }
}
