/** A place in a journal: `epoch` names one life of an agent, `seq` the last event that was seen. */
export interface EventCursor {
  readonly epoch: string;
  readonly seq: number;
  /** The last event of a step that was seen; undefined where steps are not shown. */
  readonly step?: number | undefined;
  /** Up to this event it is known that some are no longer kept: the reader was told, or never asked for them. */
  readonly known?: number | undefined;
}

/** @returns the opaque text of a cursor; it is also the `id` of an SSE frame. */
export function formatEventCursor({ epoch, seq, step, known = 0 }: EventCursor): string {
  const ofSteps = step === undefined ? "" : `.${step.toString(36)}`;
  return `${epoch}-${seq.toString(36)}${ofSteps}${known > seq ? `~${known.toString(36)}` : ""}`;
}

/** @returns the cursor, or undefined if the text is not one. */
export function parseEventCursor(text: string): EventCursor | undefined {
  const [, epoch, seq, step, known] =
    /^([0-9a-f]{8})-([0-9a-z]{1,10})(?:\.([0-9a-z]{1,10}))?(?:~([0-9a-z]{1,10}))?$/.exec(text) ?? [];
  if (epoch === undefined || seq === undefined) return undefined;
  return {
    epoch,
    seq: Number.parseInt(seq, 36),
    ...(step === undefined ? {} : { step: Number.parseInt(step, 36) }),
    ...(known === undefined ? {} : { known: Number.parseInt(known, 36) }),
  };
}
