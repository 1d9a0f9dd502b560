import type { Context, MiddlewareHandler } from "hono";
import { z } from "zod";
import { ProblemError } from "../src/gateway/contract/problem";
import type { Once } from "../src/gateway/port";
import type { GatewayEnv } from "./gateway-env";
import { fingerprintOf } from "./preferences";

const ID = "webhook-id";
const TIMESTAMP = "webhook-timestamp";
const SIGNATURE = "webhook-signature";

/** Headers of Standard Webhooks. */
export const SignatureHeaders = z.object({
  [ID]: z.string().max(255).describe("Id of the message: the same again is answered as the first time"),
  [TIMESTAMP]: z.string().max(12).describe("When it was sent, in seconds; five minutes off at the most"),
  [SIGNATURE]: z
    .string()
    .max(2048)
    .describe(
      "`v1,` and the HMAC-SHA256 of id, timestamp and raw body with points between, or `v1a,` and its Ed25519 signature; several by spaces",
    ),
});

/** Lets in who signed the raw body. What is missing, wrong or old is not told apart. */
export const signedBody: MiddlewareHandler<GatewayEnv> = async function requireSignature(c, next) {
  const headers = SignatureHeaders.safeParse(c.req.header());
  const body = textOf(await c.req.arrayBuffer());
  const sender =
    headers.success && body !== undefined
      ? await c.get("callbackSenders").verify({
          id: headers.data[ID],
          timestamp: headers.data[TIMESTAMP],
          signature: headers.data[SIGNATURE],
          body,
        })
      : undefined;
  if (sender === undefined)
    throw new ProblemError("unauthorized", {
      detail: `Sign the body as Standard Webhooks says: ${ID}, ${TIMESTAMP} and ${SIGNATURE}.`,
    });
  c.set("principal", sender);
  await next();
};

/** The id of a signed message in place of an idempotency key: it stands for the body to the byte. */
export async function onceOfSigned(c: Context<GatewayEnv>, sender: string, operation: string): Promise<Once> {
  const key = JSON.stringify([sender, operation, c.req.header(ID)]);
  return { key, fingerprint: await fingerprintOf(await c.req.arrayBuffer()) };
}

/** The text to the byte; undefined if it is none. */
function textOf(bytes: ArrayBuffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
