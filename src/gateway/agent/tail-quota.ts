import { createHash } from "node:crypto";
import type { Connection } from "agents";
import type { StreamQuota } from "../port";

/** The open connections that have a tag. */
export type Connections = (tag: string) => Iterable<Connection>;

/** The tag of all tails of one caller. A tag is short, and a name need not be. */
export function callerTag(caller: string): string {
  return `switchyard:caller:${createHash("sha256").update(caller).digest("base64url").slice(0, 22)}`;
}

/** So many tags are remembered; then it begins anew. */
const MOST_TAGS = 1_000;

/**
 * Counts the streams of one agent. To go through all of them each time that one more opens would cost the square of their number: so
 * it is remembered how many there are at most, and counted again only where that many would be too many.
 */
export class StreamCounts {
  /** By tag; what was counted, and what has opened since. What has closed since makes it no less true. */
  readonly #most = new Map<string, number>();

  /** Says of what there would be too many with one more; undefined if there is room. */
  excessOf(
    { caller, perInstance, perCaller }: StreamQuota,
    watched: string,
    connections: Connections,
  ): string | undefined {
    if (this.#isFull(watched, perInstance, connections))
      return `At most ${perInstance} streams follow one instance, or one agent as a whole.`;
    if (this.#isFull(callerTag(caller), perCaller, connections))
      return `A caller has at most ${perCaller} streams of one agent.`;
    return undefined;
  }

  /** Notes that a stream has opened, by its tags. */
  opened(tags: readonly string[]): void {
    for (const tag of tags) {
      const most = this.#most.get(tag);
      if (most !== undefined) this.#most.set(tag, most + 1);
    }
  }

  #isFull(tag: string, limit: number, connections: Connections): boolean {
    const most = this.#most.get(tag);
    if (most !== undefined && most < limit) return false;
    const counted = [...connections(tag)].length;
    if (this.#most.size >= MOST_TAGS) this.#most.clear();
    this.#most.set(tag, counted);
    return counted >= limit;
  }
}
