import { type Heard, readDropping, type ReaderReport, type Station } from "./dropping-reader.ts";
import { randomFrom } from "./random.ts";

/** What the readers of a run follow. */
export interface SoakPlace {
  /** Path of the root agent. */
  readonly root: string;
  /** Path of the agent whose instance runs: the root, or one below it. */
  readonly agent: string;
  readonly instanceId: string;
}

/** A way to follow a run, and what whoever follows it so must hear. */
interface ReaderKind {
  readonly name: string;
  path(place: SoakPlace): string;
  /** Types that it asks for; all, if there are none. */
  readonly types: readonly string[];
  /** Whether `stream.end` comes; otherwise the reader leaves after the end of the instance. */
  readonly ends: boolean;
  /** Whether its cursors are those of the journal: the list of a subtree has its own. */
  readonly hasCursorsOfJournal: boolean;
}

const ENDINGS = ["instance.completed", "instance.errored", "instance.terminated"];

const KINDS = [
  {
    name: "instance",
    path: ({ agent, instanceId }) => `${agent}/instances/${instanceId}/events`,
    types: [],
    ends: true,
    hasCursorsOfJournal: true,
  },
  {
    name: "agent",
    path: ({ agent }) => `${agent}/events`,
    types: [],
    ends: false,
    hasCursorsOfJournal: true,
  },
  {
    name: "subtree",
    path: ({ root }) => `${root}/events?scope=subtree`,
    types: [],
    ends: false,
    hasCursorsOfJournal: false,
  },
  {
    name: "progress of the instance",
    path: ({ agent, instanceId }) => `${agent}/instances/${instanceId}/events?type=instance.progress`,
    types: ["instance.progress"],
    ends: true,
    hasCursorsOfJournal: true,
  },
  {
    name: "progress and ends of the subtree",
    path: ({ root }) =>
      `${root}/events?scope=subtree&workflow=babbling&type=instance.progress${ENDINGS.map((type) => `&type=${type}`).join("")}`,
    types: ["instance.progress", ...ENDINGS],
    ends: false,
    hasCursorsOfJournal: false,
  },
] as const satisfies readonly ReaderKind[];

/** A reader of a run, and what it must have heard in the end. */
export interface SoakReader {
  readonly name: string;
  read(station: Station): Promise<ReaderReport>;
  /** Of what it heard, that which is of the instance. */
  ofInstance(heard: readonly Heard[]): Heard[];
  /** The events of the journal that it must hear, in order. */
  expected(journal: readonly Heard[]): Heard[];
  /** What names an event for this reader: its cursor, or where that is not the journal's, all else. */
  identify(event: Heard): string;
  /** The event as text, as far as it is the same in every list. */
  contentOf(event: Heard): string;
}

/** The n-th reader of a run: all kinds take turns. @param mostBytes bytes that it reads of one connection at most. */
export function soakReader(n: number, place: SoakPlace, seed: number, mostBytes: number): SoakReader {
  const kind: ReaderKind = KINDS[n % KINDS.length] ?? KINDS[0];
  const isOfInstance = ({ instanceId }: Heard): boolean => instanceId === place.instanceId;
  const contentOf = kind.hasCursorsOfJournal ? ({ data }: Heard): string => data : withoutId;
  return {
    name: `reader ${n} (${kind.name})`,
    read: (station) =>
      readDropping(
        station,
        kind.path(place),
        randomFrom(seed * 1_000 + n),
        mostBytes,
        (event) => !kind.ends && isOfInstance(event) && ENDINGS.includes(event.type),
      ),
    ofInstance: (heard) => heard.filter(isOfInstance),
    expected: (journal) => journal.filter(({ type }) => kind.types.length === 0 || kind.types.includes(type)),
    identify: kind.hasCursorsOfJournal ? ({ id }) => id : withoutId,
    contentOf,
  };
}

function withoutId({ data }: Heard): string {
  return JSON.stringify({ ...(JSON.parse(data) as object), id: "" });
}
