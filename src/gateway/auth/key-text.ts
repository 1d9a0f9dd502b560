import type { MintedKey } from "../contract/key";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 16;
/** 256 bits in base62. */
const SECRET_LENGTH = 43;
const SECRET_BYTES = 32;
/** CRC-32 in base62. */
const CHECKSUM_LENGTH = 6;

const KEY = /^sy_([a-z]{1,16})_([0-9A-Za-z]{16})_[0-9A-Za-z]{49}$/;

/** What a well-formed key says of itself. */
interface KeyText {
  readonly environment: string;
  readonly id: string;
}

/**
 * Makes a key: `sy_<environment>_<id>_<secret><checksum>`. The secret has 256 random bits, which nobody can go through, so
 * that one SHA-256 of it keeps it as well as a slow hash would, which is for what people can remember.
 *
 * @param id of the key that gets a new secret; a new one unless given.
 */
export async function mintKey(environment: string, id: string = randomId()): Promise<MintedKey> {
  const secret = toBase62(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)), SECRET_LENGTH);
  const unchecked = `sy_${environment}_${id}_${secret}`;
  const key = unchecked + checksumOf(unchecked);
  return { id, key, digest: await digestOf(key) };
}

/**
 * Reads a key as far as it can be read by anybody: its checksum says whether it ever was one, so that scanners for secrets
 * report no others, and nothing else has to be asked about what is none.
 */
export function readKey(text: string): KeyText | undefined {
  const [, environment, id] = KEY.exec(text) ?? [];
  if (environment === undefined || id === undefined) return undefined;
  const unchecked = text.slice(0, -CHECKSUM_LENGTH);
  return text === unchecked + checksumOf(unchecked) ? { environment, id } : undefined;
}

/** SHA-256 of a text, in hexadecimal. */
export async function digestOf(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** 95 bits: no two keys ever have one id. */
function randomId(): string {
  return toBase62(crypto.getRandomValues(new Uint8Array(12)), ID_LENGTH + 1).slice(-ID_LENGTH);
}

/** CRC-32 (ISO 3309) of a text, in base62. */
export function checksumOf(text: string): string {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return numberToBase62(BigInt((crc ^ 0xffffffff) >>> 0), CHECKSUM_LENGTH);
}

function toBase62(bytes: Uint8Array, length: number): string {
  return numberToBase62(
    bytes.reduce((number, byte) => number * 256n + BigInt(byte), 0n),
    length,
  );
}

function numberToBase62(number: bigint, length: number): string {
  let [left, text] = [number, ""];
  while (text.length < length) {
    text = (ALPHABET[Number(left % 62n)] ?? "") + text;
    left /= 62n;
  }
  return text;
}
