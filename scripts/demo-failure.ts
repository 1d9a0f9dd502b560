import { z } from "zod";

/** A reason why the demo cannot go on, as a sentence for the person who runs it. */
export class DemoFailure extends Error {
  override readonly name = "DemoFailure";
}

/** Checks what the gateway sent. @throws DemoFailure if it has another shape. */
export function expectShape<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  throw new DemoFailure(`The gateway sent ${what} of an unexpected shape: ${z.prettifyError(checked.error)}`);
}

/** One sentence for whatever was thrown. `fetch` says why it failed only in the cause of its error. */
export function explainFailure(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const cause =
    !(failure instanceof DemoFailure) && failure.cause instanceof Error ? `: ${failure.cause.message}` : "";
  return `${failure.message}${cause}`;
}
