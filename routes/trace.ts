import type { MiddlewareHandler } from "hono";
import type { GatewayEnv, Trace } from "./gateway-env";

const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-(?!$).*)?$/;
const VERSION = "00";

/**
 * Goes on with the trace of a `traceparent`, or begins one.
 *
 * @param header undefined, or not as the standard says, if there is none to go on with.
 */
export function traceOf(header: string | undefined): Trace {
  const [whole, version, id, flags] = TRACEPARENT.exec(header ?? "") ?? [];
  const known = whole !== undefined && (version !== VERSION || whole.length === KNOWN_LENGTH);
  const fresh = randomHex(24);
  const trace = known && id !== undefined ? id : fresh.slice(16);
  return { id: trace, parent: `${VERSION}-${trace}-${fresh.slice(0, 16)}-${(known && flags) || "00"}` };
}

/** How long a header of the present version is; those of later ones may go on. */
const KNOWN_LENGTH = 55;

/** Gives a request its place in a trace, which the answer tells. */
export const traced: MiddlewareHandler<GatewayEnv> = async function trace(c, next) {
  const found = traceOf(c.req.header("traceparent"));
  c.set("trace", found);
  c.header("traceparent", found.parent);
  await next();
};

/** Each byte as two digits. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function randomHex(bytes: number): string {
  let hex = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(bytes))) hex += HEX[byte] ?? "";
  return hex;
}
