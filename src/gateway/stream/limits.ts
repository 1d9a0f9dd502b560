import type { GatewayLimit } from "../contract/limits";
import { DefinitionError } from "../registry/definition-error";
import { type Duration, toMilliseconds } from "../registry/duration";

/** How long streams live, and how many there may be. */
export interface StreamOptions {
  /**
   * After this a stream is closed, and its reader comes back: milliseconds, or a text such as `"1 hour"`, which it is unless
   * given. At most 24 days.
   */
  readonly maxAge?: Duration;
  /** Most streams of one instance, or of one agent as a whole; 1,000 unless given. */
  readonly perInstance?: number;
  /** Most streams that one caller has of one agent; 1,000 unless given. */
  readonly perCaller?: number;
}

/** {@link StreamOptions}, checked and complete. */
export interface StreamLimits {
  readonly maxAgeMs: number;
  readonly perInstance: number;
  readonly perCaller: number;
}

/** A timer takes no more. */
const LONGEST_MS = 24 * 86_400_000;

/** @throws DefinitionError if an option is out of its range. */
export function streamLimits({
  maxAge = "1 hour",
  perInstance = 1_000,
  perCaller = 1_000,
}: StreamOptions): StreamLimits {
  for (const [name, most] of Object.entries({ perInstance, perCaller })) {
    if (!Number.isSafeInteger(most) || most < 1)
      throw new DefinitionError(`streams.${name} is ${most}; it must be a whole number of at least 1.`);
  }
  return { maxAgeMs: ageOf(maxAge), perInstance, perCaller };
}

function ageOf(maxAge: Duration): number {
  try {
    const maxAgeMs = toMilliseconds(maxAge);
    if (maxAgeMs > 0 && maxAgeMs <= LONGEST_MS) return maxAgeMs;
  } catch {
    // Said below.
  }
  throw new DefinitionError(`streams.maxAge is ${maxAge}. Write "1 hour", or milliseconds; 24 days at most.`);
}

/** {@link StreamLimits} as they are published. */
export function publishedStreamLimits({ maxAgeMs, perInstance, perCaller }: StreamLimits): GatewayLimit[] {
  return [
    {
      name: "streamSeconds",
      most: maxAgeMs / 1000,
      unit: "seconds",
      code: null,
      description: "How long a stream lasts; then it is closed, and goes on when its reader comes back",
    },
    {
      name: "instanceStreams",
      most: perInstance,
      unit: "streams",
      code: "too_many_streams",
      description: "Streams and held answers of one instance, or of one agent as a whole",
    },
    {
      name: "callerStreams",
      most: perCaller,
      unit: "streams",
      code: "too_many_streams",
      description: "Streams and held answers that one caller has of one agent",
    },
  ];
}
