const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long after the failure before an attempt is made, in milliseconds: the first at once. */
const DELAYS: readonly number[] = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
/** How much later than that it may be: messages that failed together do not all come back together. */
const JITTER = 0.1;
/** Most that a receiver can ask for. */
const MAX_RETRY_AFTER = 24 * HOUR;

/** A failed attempt. */
export interface Failed {
  readonly messageId: string;
  /** How many attempts of this round have failed, this one included. */
  readonly failures: number;
  /** When it failed, in milliseconds. */
  readonly at: number;
  /** `Retry-After` of the answer. */
  readonly retryAfter: string | null;
}

/** When a message is tried again, in milliseconds; undefined if it is given up. The same failure has always the same answer. */
export function nextAttemptAt({ messageId, failures, at, retryAfter }: Failed): number | undefined {
  const delay = DELAYS[failures];
  if (delay === undefined) return undefined;
  const late = Math.round(delay * JITTER * fractionOf(`${messageId} ${failures}`));
  return at + Math.max(delay + late, retryAfterMs(retryAfter, at));
}

/** What `Retry-After` (RFC 9110: seconds or a date) asks for, in milliseconds; 0 if it asks for nothing that can be read. */
function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  const wait = /^\d{1,15}$/.test(header.trim()) ? Number(header) * SECOND : Date.parse(header) - now;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), MAX_RETRY_AFTER) : 0;
}

/** A number from 0 to 1 that a text decides (FNV-1a). */
function fractionOf(text: string): number {
  const bytes = new TextEncoder().encode(text);
  const hash = bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
  return hash / 2 ** 32;
}
