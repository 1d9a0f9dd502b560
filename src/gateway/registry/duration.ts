/** The engine's own units: a month is 30 days, a year 365.25. */
const UNIT_MS: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 2_592_000_000,
  year: 31_557_600_000,
};

/** Milliseconds, or a text such as `"3 days"`. */
export type Duration = number | string;

/**
 * Milliseconds of a duration as the engine reads it: a number of milliseconds, or a text such as `"3 days"`.
 *
 * @throws RangeError if it is neither.
 */
export function toMilliseconds(duration: string | number): number {
  if (typeof duration === "number") return duration;
  const [, amount, unit] =
    /^(\d+(?:\.\d+)?) (second|minute|hour|day|week|month|year)s?$/.exec(duration) ?? [];
  const factor = UNIT_MS[unit ?? ""];
  if (factor === undefined) throw new RangeError(`"${duration}" is not a duration such as "3 days"`);
  return Number(amount) * factor;
}
