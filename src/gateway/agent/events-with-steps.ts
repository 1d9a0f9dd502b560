import type { GatewayEvent } from "../contract/event";
import type { StepEvent } from "../contract/step-event";
import type { EventsAnswer, EventsRequest } from "../port";
import { type EventCursor, formatEventCursor, parseEventCursor } from "../stream/cursor";
import type { InstanceRow } from "./ledger";
import type { Records } from "./records";
import type { StepRow } from "./steps";

/**
 * Reads a stretch of the journal of an instance and of its steps, by time, each in its own order. A cursor stands in both. One
 * that was given without steps stands before all of them.
 *
 * @throws ProblemError `invalid_cursor` if it is not a cursor.
 */
export function readWithSteps(
  records: Records,
  request: EventsRequest,
  { id, workflow }: Pick<InstanceRow, "id" | "workflow">,
): Omit<EventsAnswer, "ended" | "tailKey"> {
  const stretch = records.journal.read(request);
  const start = placeOf(stretch.from);
  const given = request.after === undefined ? undefined : placeOf(request.after);
  const asked = given?.epoch === start.epoch ? given.step : undefined;
  const dropped = records.steps.reading(id)?.dropped_seq ?? 0;
  const first = given === undefined && request.fromNow === true ? records.steps.lastOf(id) : 0;
  const from: EventCursor = { ...start, step: Math.max(asked ?? first, dropped) };
  const { rows, more: moreSteps } = records.steps.after(id, from.step ?? 0, request.limit);

  const events: GatewayEvent[] = [];
  const left = { events: [...stretch.events], rows: [...rows] };
  let place = from;
  while (events.length < request.limit) {
    const next = nextOf(left.events[0], left.rows[0], stretch.more, moreSteps);
    if (next === undefined) break;
    if ("seq" in next) {
      left.rows.shift();
      place = { ...place, step: next.seq };
      events.push(records.steps.toEvent(next, workflow, idAt(place)));
    } else {
      left.events.shift();
      place = { ...place, seq: placeOf(next.id).seq };
      events.push({ ...next, id: idAt(place) });
    }
  }
  const rest = left.events.length + left.rows.length > 0;
  // The journal may have gone on without an event that is shown.
  if (left.events.length === 0) place = { ...place, seq: placeOf(stretch.cursor).seq };
  return {
    events,
    from: formatEventCursor(from),
    cursor: formatEventCursor(place),
    more: rest || stretch.more || moreSteps,
    gap: stretch.gap || (asked !== undefined && asked < dropped),
  };
}

/** Which comes first. Undefined if that cannot be told without what is on the next page. */
function nextOf(
  event: GatewayEvent | undefined,
  row: StepRow | undefined,
  moreEvents: boolean,
  moreSteps: boolean,
): GatewayEvent | StepRow | undefined {
  if (event !== undefined && row !== undefined) return Date.parse(event.time) <= row.time ? event : row;
  if (event !== undefined) return moreSteps ? undefined : event;
  return moreEvents ? undefined : row;
}

/** An event of the journal as those get it who follow the steps live: they have all of the steps that are there. */
export function besideSteps<Event extends { readonly id: string; readonly instanceId: string }>(
  records: Records,
  event: Event,
): Event {
  const { epoch, seq } = placeOf(event.id);
  return { ...event, id: idAt({ epoch, seq, step: records.steps.lastOf(event.instanceId) }) };
}

/** An event of a step as those get it who follow live: they have all of the journal that is there. */
export function besideJournal(records: Records, row: StepRow, workflow: string): StepEvent {
  const epoch = records.store.meta("epoch");
  const seq = records.journal.lastOf(row.instance_id);
  return records.steps.toEvent(row, workflow, idAt({ epoch, seq, step: row.seq }));
}

/** The id of an event. What its reader knows to be dropped stands in the cursors of pages and control frames alone. */
function idAt({ epoch, seq, step }: EventCursor): string {
  return formatEventCursor({ epoch, seq, step });
}

function placeOf(text: string): EventCursor {
  const cursor = parseEventCursor(text);
  if (cursor === undefined) throw new Error(`${text} is no cursor`);
  return cursor;
}
