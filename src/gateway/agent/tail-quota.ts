import { createHash } from "node:crypto";
import type { Connection } from "agents";
import type { StreamQuota } from "../port";

/** The open connections that have a tag. */
export type Connections = (tag: string) => Iterable<Connection>;

/** The tag of all tails of one caller. A tag is short, and a name need not be. */
export function callerTag(caller: string): string {
  return `switchyard:caller:${createHash("sha256").update(caller).digest("base64url").slice(0, 22)}`;
}

/** Says of what there would be too many with one more; undefined if there is room. */
export function excessOf(
  { caller, perInstance, perCaller }: StreamQuota,
  watched: string,
  connections: Connections,
): string | undefined {
  if (count(connections(watched)) >= perInstance)
    return `At most ${perInstance} streams follow one instance, or one agent as a whole.`;
  if (count(connections(callerTag(caller))) >= perCaller)
    return `A caller has at most ${perCaller} streams of one agent.`;
  return undefined;
}

function count(connections: Iterable<Connection>): number {
  return [...connections].length;
}
