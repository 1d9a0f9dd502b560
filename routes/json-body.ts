import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { LIMITS } from "../src/gateway/contract/limits";
import { ProblemError } from "../src/gateway/contract/problem";
import type { GatewayEnv } from "./gateway-env";
import { requireJson } from "./json-text";

const MAX_BYTES = LIMITS.bodyBytes.most;

/** JSON, in UTF-8: in other charsets the same bytes would mean something else. */
const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i;

/** Refuses bodies over the limit, also those that do not say how long they are. */
export const limitedBody: MiddlewareHandler<GatewayEnv> = bodyLimit({
  maxSize: MAX_BYTES,
  onError: () => {
    throw new ProblemError("payload_too_large", { detail: `A body may have ${MAX_BYTES} bytes.` });
  },
});

/** Refuses a body that is missing, or is not JSON as {@link requireJson} takes it. What it says is left to the validator. */
export const jsonBody: MiddlewareHandler<GatewayEnv> = async function checkBody(c, next) {
  const bytes = await c.req.arrayBuffer();
  const type = c.req.header("content-type");
  if (type === undefined && bytes.byteLength === 0)
    throw new ProblemError("malformed_json", { detail: "The body is missing." });
  if (type === undefined || !JSON_TYPE.test(type) || c.req.header("content-encoding") !== undefined)
    throw new ProblemError("unsupported_media_type");
  requireJson(bytes);
  await next();
};
