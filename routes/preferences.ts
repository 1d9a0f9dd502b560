import type { Context } from "hono";
import { z } from "zod";
import { LIMITS } from "../src/gateway/contract/limits";
import type { Once } from "../src/gateway/port";
import type { GatewayEnv } from "./gateway-env";

/** Longest time, in seconds, for which `Prefer: wait` holds an answer. */
const LONGEST_WAIT_SECONDS = LIMITS.waitSeconds.most;

/** `Idempotency-Key` (IETF draft): the same key and request is answered as the first time, another request refused. */
export const IdempotencyKey = z
  .string()
  .regex(
    new RegExp(`^"?[\\x21\\x23-\\x7e]{1,${LIMITS.idempotencyKeyCharacters.most}}"?$`),
    `must be 1 to ${LIMITS.idempotencyKeyCharacters.most} visible ASCII characters`,
  )
  .describe("Makes a repeat of this request harmless: it is answered as the first time");

/** `If-Match`: one entity tag. */
export const IfMatch = z.string().max(100).describe("Entity tag that the state must still have");

const preferring = (until: string) =>
  z
    .string()
    .max(200)
    .describe(
      `\`wait=N\` holds the answer until ${until}, N seconds at most (${LONGEST_WAIT_SECONDS} at most)`,
    );

/** `Prefer` (RFC 7240) where an instance is answered. */
export const PreferEnd = preferring("the instance has ended");
/** `Prefer` where events are answered. */
export const PreferNews = preferring("there is an event, of a JSON page");

/** Seconds for which an answer may be held; undefined if the client does not ask for it. */
export function waitOf(c: Context<GatewayEnv>): number | undefined {
  const [, digits] = /(?:^|[,;\s])wait=(\d{1,6})(?=$|[,;\s])/i.exec(c.req.header("prefer") ?? "") ?? [];
  return digits === undefined ? undefined : Math.min(Number(digits), LONGEST_WAIT_SECONDS);
}

/** The idempotency key of a request, made unique to its caller and operation; undefined if it has none. */
export async function onceOf(
  c: Context<GatewayEnv>,
  { caller, operation, request }: { caller: string; operation: string; request: unknown },
): Promise<Once | undefined> {
  const header = c.req.header("idempotency-key");
  if (header === undefined) return undefined;
  const key = header.replace(/^"(.*)"$/, "$1");
  const text = new TextEncoder().encode(JSON.stringify(request));
  return { key: JSON.stringify([caller, operation, key]), fingerprint: await fingerprintOf(text) };
}

/** By which a request is known again. */
export async function fingerprintOf(bytes: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return btoa(String.fromCharCode(...digest));
}
