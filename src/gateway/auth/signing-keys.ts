import { decode, sign, verify } from "hono/jwt";
import { ProblemError } from "../contract/problem";
import { usableKey } from "./usable-key";

/** Signs what the gateway hands out, and knows it again. */
export interface SigningKeys {
  /**
   * Signs claims for one audience with the newest key.
   *
   * @throws ProblemError `gateway_not_configured`
   */
  sign(claims: Readonly<Record<string, unknown>>, audience: string): Promise<string>;
  /**
   * The claims of a token of that audience, signed by any of the keys.
   *
   * @returns undefined if it is none, or has expired.
   * @throws ProblemError `gateway_not_configured`
   */
  verify(token: string, audience: string): Promise<unknown>;
}

/** What keys are made from: values of the environment. */
export interface SigningSecrets {
  /** `id:key` by commas or spaces, newest first; a key is base64 of at least 24 bytes. */
  readonly signingKeys: string | undefined;
  /** From which a key is derived if there are no others. */
  readonly apiKey: string | undefined;
}

interface SigningKey {
  readonly kid: string;
  readonly kty: "oct";
  readonly alg: "HS256";
  /** base64url */
  readonly k: string;
}

const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const SHORTEST_KEY_BYTES = 24;
/** Compact JWS (RFC 7515) with a signature of 32 bytes. */
const TOKEN = /^[\w-]{1,200}\.[\w-]{1,4000}\.[\w-]{43}$/;

/** The id of the key that is derived from the API key, and what it is derived for. */
const DERIVED = { kid: "api-key", info: "switchyard:signing" } as const;

/**
 * Tokens are JWTs (RFC 7519, HS256) that name their key. The first key signs, all verify: put a new one in front, and what
 * the old ones signed holds for as long as they stay.
 */
export function signingKeys(secrets: SigningSecrets): SigningKeys {
  let keys: Promise<readonly SigningKey[]> | undefined;
  const all = (): Promise<readonly SigningKey[]> => (keys ??= readKeys(secrets));
  return {
    async sign(claims, audience) {
      const [newest] = await all();
      if (newest === undefined) throw misconfigured("is empty");
      return sign({ ...claims, aud: audience }, newest, newest.alg);
    },
    async verify(token, audience) {
      const known = await all();
      if (!TOKEN.test(token)) return undefined;
      const key = known.find(({ kid }) => kid === kidOf(token));
      if (key === undefined) return undefined;
      return verify(token, key, { alg: key.alg, aud: audience }).catch(() => undefined);
    },
  };
}

function kidOf(token: string): unknown {
  try {
    const { kid } = decode(token).header as { readonly kid?: unknown };
    return kid;
  } catch {
    return undefined;
  }
}

async function readKeys({ signingKeys: list, apiKey }: SigningSecrets): Promise<readonly SigningKey[]> {
  if (list !== undefined) return parseKeys(list);
  const from = usableKey(apiKey);
  if (from === undefined) throw misconfigured("is not set, and neither is SWITCHYARD_API_KEY");
  return [{ kid: DERIVED.kid, kty: "oct", alg: "HS256", k: await deriveKey(from) }];
}

/** What is wrong is told by its place: its content is a secret. */
function parseKeys(list: string): readonly SigningKey[] {
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== "");
  if (entries.length === 0) throw misconfigured("is empty");
  const keys = entries.map((entry, at): SigningKey => {
    const colon = entry.indexOf(":");
    const [kid, key] = [entry.slice(0, Math.max(colon, 0)), entry.slice(colon + 1)];
    if (!KEY_ID.test(kid)) throw misconfigured(`has no id in its entry ${at + 1}`);
    if (!BASE64.test(key) || byteLength(key) < SHORTEST_KEY_BYTES)
      throw misconfigured(`has no base64 key of at least ${SHORTEST_KEY_BYTES} bytes in its entry ${at + 1}`);
    const k = key.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    return { kid, kty: "oct", alg: "HS256", k };
  });
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) throw misconfigured("has one id twice");
  return keys;
}

function byteLength(base64: string): number {
  const digits = base64.replaceAll("=", "").length;
  return digits % 4 === 1 ? 0 : Math.floor((digits * 3) / 4);
}

function misconfigured(what: string): ProblemError {
  return new ProblemError("gateway_not_configured", {
    detail:
      `The secret SWITCHYARD_SIGNING_KEYS ${what}. It is a list of id:key, newest first, by commas or spaces; a key is ` +
      `base64 of ${SHORTEST_KEY_BYTES} random bytes or more.`,
  });
}

/** HKDF (RFC 5869) of the API key, which itself signs nothing. @returns base64url of 32 bytes. */
async function deriveKey(apiKey: string): Promise<string> {
  const encoder = new TextEncoder();
  const from = await crypto.subtle.importKey("raw", encoder.encode(apiKey), "HKDF", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: encoder.encode(DERIVED.info) },
    from,
    256,
  );
  const base64 = btoa(String.fromCharCode(...new Uint8Array(bits)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
