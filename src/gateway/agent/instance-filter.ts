import type { InstanceFilter, Span } from "../port";
import type { Condition } from "./page";

/** What instances must be, beside their status. */
export function conditionsOf({
  workflow,
  metadata = {},
  created,
  updated,
  completed,
}: InstanceFilter): Condition[] {
  return [
    ...(workflow === undefined ? [] : [["workflow = ?", workflow] as const]),
    ...Object.entries(metadata).map(([key, value]): Condition => {
      const labelled = "SELECT ordinal FROM switchyard_labels WHERE key = ? AND value = ?";
      return [`ordinal IN (${labelled})`, key, labelText(value)];
    }),
    ...spanConditions("created_at", created),
    ...spanConditions("updated_at", updated),
    ...spanConditions("completed_at", completed),
  ];
}

/** A label as it is indexed: JSON text, in which "1", 1 and true differ. */
export function labelText(value: string | number | boolean): string {
  return JSON.stringify(value);
}

function spanConditions(column: string, { from, to }: Span = {}): Condition[] {
  return [
    ...(from === undefined ? [] : [[`${column} >= ?`, from] as const]),
    ...(to === undefined ? [] : [[`${column} < ?`, to] as const]),
  ];
}
