/** A place in a journal: `epoch` names one life of an agent, `seq` the last event that was seen. */
export interface EventCursor {
  readonly epoch: string;
  readonly seq: number;
}

/** @returns the opaque text of a cursor; it is also the `id` of an SSE frame. */
export function formatEventCursor({ epoch, seq }: EventCursor): string {
  return `${epoch}-${seq.toString(36)}`;
}

/** @returns the cursor, or undefined if the text is not one. */
export function parseEventCursor(text: string): EventCursor | undefined {
  const [, epoch, digits] = /^([0-9a-f]{8})-([0-9a-z]{1,10})$/.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) return undefined;
  return { epoch, seq: Number.parseInt(digits, 36) };
}
