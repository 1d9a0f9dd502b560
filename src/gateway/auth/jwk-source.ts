import { z } from "zod";
import { ProblemError } from "../contract/problem";

/** A public key as an issuer publishes it (RFC 7517), as far as it is read. */
const Jwk = z.object({
  kid: z.string(),
  kty: z.string(),
  alg: z.string().optional(),
  use: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
  crv: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
});
export type Jwk = z.infer<typeof Jwk>;

/** A set of keys. Those that cannot be read are left out: an issuer may have others for others. */
const JwkSet = z.object({ keys: z.array(z.unknown()).max(100) });

/** Where the keys of an issuer are found. */
export interface JwkSource {
  /**
   * @returns undefined if the issuer has no key of this id.
   * @throws ProblemError `credentials_unchecked` if it was never heard.
   */
  find(kid: string): Promise<Jwk | undefined>;
}

/** After this, in milliseconds, keys are fetched anew: a key that was taken back is good for no longer. */
const FRESH_MS = 10 * 60_000;
/** While an issuer cannot be reached, its keys are good for so long. */
const STALE_MS = 24 * 3_600_000;
/** Between two fetches, whatever ids of keys are asked for. */
const PAUSE_MS = 30_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 256 * 1024;

/** The keys of a set that was given with the options. @throws TypeError if it is none. */
export function inlineJwks(set: unknown): JwkSource {
  const keys = readSet(set);
  return { find: async (kid) => keys.get(kid) };
}

/** What a source of keys needs of the world. */
export interface World {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** In milliseconds. */
  readonly now: () => number;
}

/**
 * The keys that an issuer publishes at an address, kept in this isolate. An id that is not known has them fetched anew, but
 * not more often than every {@link PAUSE_MS}: else anybody could have the issuer asked by tokens that are made up.
 */
export function remoteJwks(url: string, { fetch, now }: World): JwkSource {
  let keys: ReadonlyMap<string, Jwk> | undefined;
  let fetchedAt = 0;
  let triedAt: number | undefined;
  let trying: Promise<void> | undefined;

  const refresh = async (): Promise<void> => {
    try {
      keys = readSet(JSON.parse(await readText(await fetch(url, asking()))));
      fetchedAt = now();
    } catch (failure) {
      console.warn(`switchyard: the keys at ${url} could not be read`, failure);
    } finally {
      trying = undefined;
    }
  };

  return {
    async find(kid) {
      const known = now() - fetchedAt < FRESH_MS ? keys?.get(kid) : undefined;
      if (known !== undefined) return known;
      if (triedAt === undefined || now() - triedAt >= PAUSE_MS) {
        triedAt = now();
        trying = refresh();
      }
      // The request that fetches may be called off, and what it began with it: who joins it waits no longer than it would.
      if (trying !== undefined) await Promise.race([trying, elapsed(TIMEOUT_MS)]);
      if (keys === undefined || now() - fetchedAt >= STALE_MS)
        throw new ProblemError("credentials_unchecked", {
          detail: "The keys of the issuer cannot be read.",
        });
      return keys.get(kid);
    },
  };
}

function asking(): RequestInit {
  // Where a redirect would lead was not configured.
  return {
    headers: { accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
}

function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function readText(response: Response): Promise<string> {
  if (response.status !== 200) throw new TypeError(`it answered ${response.status}`);
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new TypeError(`it is larger than ${MAX_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function readSet(set: unknown): ReadonlyMap<string, Jwk> {
  const { data } = JwkSet.safeParse(set);
  if (data === undefined) throw new TypeError("it is no JWK set (RFC 7517)");
  const keys = data.keys.flatMap((key) => Jwk.safeParse(key).data ?? []);
  return new Map(keys.map((key) => [key.kid, key]));
}
