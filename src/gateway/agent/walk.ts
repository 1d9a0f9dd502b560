import type { AgentStep } from "../contract/names";
import { ProblemError } from "../contract/problem";
import type { Children, ChildRecord } from "./children";
import { CHARACTERS_A_CALL } from "./budget";
import { placeOfCursor, readPlace, sealCursor, writePlace } from "../durable/sealed-cursor";
import type { Store } from "../durable/store";

/** How far one stretch of a walk goes: so many items, so large, and so many agents that are looked at. */
export interface WalkRequest {
  readonly limit: number;
  /** How many characters the items may have as JSON; without it, as many as one answer takes. One item may have more. */
  readonly characters?: number;
  readonly visits: number;
  readonly cursor: string | undefined;
}

/** A stretch of a walk over an agent and all below it: what each agent gave, and where to go on. */
export interface Stretch<Part> {
  readonly parts: readonly Part[];
  /** Items in all parts. */
  readonly size: number;
  /** Characters of all parts, as JSON. */
  readonly characters: number;
  /** Agents that were looked at. */
  readonly visits: number;
  readonly nextCursor: string | null;
}

/** What one agent itself gave: `next` is the cursor of its own list, null at its end. */
export interface OwnStretch<Part> {
  readonly part: Part;
  readonly size: number;
  readonly next: string | null;
}

/** Reads of the agent itself: at least one item, if there is one, however little room is left. */
export type OwnRead<Part> = (
  limit: number,
  cursor: string | undefined,
  characters: number,
) => OwnStretch<Part> | Promise<OwnStretch<Part>>;

/** What is walked, and how. */
export interface Walk<Part> {
  readonly store: Store;
  readonly children: Children;
  /** What is listed: a cursor is good for this alone. */
  readonly list: string;
  readonly own: OwnRead<Part>;
  /** Goes on below. */
  readonly below: (child: AgentStep, request: WalkRequest) => Promise<Stretch<Part>>;
}

/** In the agent's own list, or at a child and after the cursor that the child gave. */
type Place =
  | { readonly own: string | null }
  | { readonly child: readonly [agent: string, name: string]; readonly after: string | null };

/**
 * Walks over an agent, then over its children one by one, each with all below it. A child that comes or goes in the
 * meantime moves no other, so that a walk gives what was there all the time exactly once.
 *
 * @throws ProblemError `invalid_cursor` if the cursor is not one of this very walk.
 */
export async function walk<Part>(
  { store, children, list, own, below }: Walk<Part>,
  { limit, characters = CHARACTERS_A_CALL, visits, cursor }: WalkRequest,
): Promise<Stretch<Part>> {
  const parts: Part[] = [];
  let size = 0;
  let filled = 0;
  let visited = 0;
  const stop = (place: Place | undefined): Stretch<Part> => ({
    parts,
    size,
    characters: filled,
    visits: visited,
    nextCursor: place === undefined ? null : sealCursor(writePlace(place), list, store),
  });

  let place: Place =
    cursor === undefined
      ? { own: null }
      : // What a seal was made over was written here.
        (readPlace(placeOfCursor(cursor, list, store)) as Place);
  if ("own" in place) {
    const { part, size: found, next } = await own(limit, place.own ?? undefined, characters);
    parts.push(part);
    size += found;
    filled += JSON.stringify(part).length;
    visited += 1;
    if (next !== null) return stop({ own: next });
  }
  for (const child of children.from("own" in place ? undefined : stepOf(place.child))) {
    const after = "child" in place && isSame(child, place.child) ? place.after : null;
    if (size >= limit || filled >= characters || visited >= visits)
      return stop({ child: [child.agent, child.name], after });
    const request = {
      limit: limit - size,
      characters: characters - filled,
      visits: visits - visited,
      cursor: after ?? undefined,
    };
    const stretch = await ofOneThatMayBeGone(child, request, below);
    parts.push(...stretch.parts);
    size += stretch.size;
    filled += stretch.characters;
    visited += stretch.visits;
    if (stretch.nextCursor !== null) {
      return stop({ child: [child.agent, child.name], after: stretch.nextCursor });
    }
    place = { own: null };
  }
  return stop(undefined);
}

const NOTHING = { parts: [], size: 0, characters: 0, visits: 1, nextCursor: null };

/** A child may be deleted while it is asked, or be another of the same name by now, which is walked from its beginning. */
async function ofOneThatMayBeGone<Part>(
  child: ChildRecord,
  request: WalkRequest,
  below: Walk<Part>["below"],
): Promise<Stretch<Part>> {
  try {
    return await below(child, request);
  } catch (failure) {
    if (!(failure instanceof ProblemError)) throw failure;
    if (failure.code === "agent_not_found") return NOTHING;
    if (failure.code === "invalid_cursor" && request.cursor !== undefined) {
      return ofOneThatMayBeGone(child, { ...request, cursor: undefined }, below);
    }
    throw failure;
  }
}

function stepOf([agent, name]: readonly [string, string]): AgentStep {
  return { agent, name };
}

function isSame({ agent, name }: AgentStep, [otherAgent, otherName]: readonly [string, string]): boolean {
  return agent === otherAgent && name === otherName;
}
