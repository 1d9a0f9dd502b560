import { delimiter, dirname, join } from "node:path";

/** The root of the project. */
export const ROOT = join(import.meta.dirname, "..");

/** The only address that a local gateway listens on. */
export const LOOPBACK = "127.0.0.1";

/**
 * What wrangler needs to run here: it fetches nothing from the internet, and its build step uses this very Node, not an
 * older one of the machine.
 */
export function localEnvironment(): Record<string, string> {
  return {
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    // Without its banner wrangler does not ask the registry for a newer wrangler either.
    WRANGLER_HIDE_BANNER: "true",
    PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
  };
}
