import { ProblemError } from "../contract/problem";
import type { EventsAnswer, EventsRequest } from "../port";
import { type EventCursor, formatEventCursor, parseEventCursor } from "../stream/cursor";
import type { Condition } from "./route";
import type { Row } from "../durable/store";

/** A stretch of a list of events, without what only its agent knows. */
export type Stretch = Omit<EventsAnswer, "ended" | "tailKey">;

/** A list of events, in the order of their `seq`. */
export interface EventList<Source extends Row & { seq: number }> {
  /** Names one life of the list. */
  readonly epoch: string;
  /** The last event that is no longer kept; 0 if all are. */
  readonly dropped: number;
  /** Reads rows after a `seq`, in order, as many as fit into one answer. */
  readonly rowsAfter: (
    seq: number,
    conditions: readonly Condition[],
    limit: number,
  ) => { readonly rows: Source[]; readonly more: boolean };
  /** The `seq` so many rows further on; undefined if there are not so many. */
  readonly further: (seq: number, rows: number) => number | undefined;
  /** The last `seq` of all. */
  readonly last: () => number;
  readonly toEvent: (row: Source) => EventsAnswer["events"][number];
}

/** Rows that one stretch goes through, at most, when it looks for few among many. */
const LOOKED_THROUGH = 1_000;

/**
 * Reads a stretch after a cursor. Its cost does not grow with the list: where a filter lets little through, the stretch is short,
 * or empty, and says that there may be more.
 *
 * @throws ProblemError `invalid_cursor` if the text is not a cursor.
 */
export function readStretch<Source extends Row & { seq: number }>(
  list: EventList<Source>,
  request: EventsRequest,
): Stretch {
  const { epoch, dropped } = list;
  const given = request.after === undefined ? undefined : requireCursor(request.after);
  // A cursor of an earlier life of this name: what it stood behind is gone.
  const isOfOtherLife = given !== undefined && given.epoch !== epoch;
  const { seq: after, known = 0 } = given === undefined || isOfOtherLife ? { seq: 0 } : given;
  const place = (seq: number) => formatEventCursor({ epoch, seq, known: Math.max(known, dropped) });
  if (given === undefined && request.fromNow === true) {
    const now = place(list.last());
    return { events: [], from: now, cursor: now, more: false, gap: false };
  }
  // Who begins at the beginning asks for what is kept, and misses nothing.
  const gap = isOfOtherLife || (given !== undefined && Math.max(after, known) < dropped);

  const filter = conditionsOf(request);
  const until = filter.length === 0 ? undefined : list.further(after, LOOKED_THROUGH);
  const bound: Condition[] = until === undefined ? [] : [["seq <= ?", until]];
  const { rows, more: cut } = list.rowsAfter(after, [...filter, ...bound], request.limit);
  return {
    events: rows.map(list.toEvent),
    from: place(after),
    cursor: place(cut || until === undefined ? (rows.at(-1)?.seq ?? after) : until),
    more: cut || until !== undefined,
    gap,
  };
}

function conditionsOf({ types = [], workflow }: EventsRequest): Condition[] {
  return [
    ...(types.length === 0 ? [] : [[`type IN (${types.map(() => "?").join(", ")})`, ...types] as const]),
    ...(workflow === undefined ? [] : [["workflow = ?", workflow] as const]),
  ];
}

function requireCursor(text: string): EventCursor {
  const cursor = parseEventCursor(text);
  if (cursor === undefined) {
    throw new ProblemError("invalid_cursor", {
      detail: "Use the id of an event, or nextCursor of a page of events.",
    });
  }
  return cursor;
}
