import type { MiddlewareHandler } from "hono";
import { LIMITS } from "../src/gateway/contract/limits";
import { ProblemError } from "../src/gateway/contract/problem";
import type { GatewayEnv } from "./gateway-env";
import { lengthFromPath } from "./url";

/** Refuses addresses and headers over the limits. All of them are ASCII, or as long in bytes as in characters. */
export const requestSize: MiddlewareHandler<GatewayEnv> = async function limitSize(c, next) {
  const { headers, url } = c.req.raw;
  if (lengthFromPath(url) > LIMITS.urlBytes.most) {
    throw new ProblemError("uri_too_long", {
      detail: `An address may have ${LIMITS.urlBytes.most} bytes, its query included.`,
    });
  }
  let all = 0;
  for (const [name, value] of headers) {
    const bytes = name.length + value.length;
    all += bytes;
    if (bytes > LIMITS.headerBytes.most || all > LIMITS.headersBytes.most) {
      throw new ProblemError("headers_too_large", {
        detail: `A header may have ${LIMITS.headerBytes.most} bytes, all together ${LIMITS.headersBytes.most}.`,
      });
    }
  }
  await next();
};
