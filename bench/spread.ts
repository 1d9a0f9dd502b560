/** The middle of some numbers, and between which they lie; NaN if there are none. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (place: number): number => sorted[place] ?? Number.NaN;
  const half = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    least: at(0),
    most: at(sorted.length - 1),
  };
}

/** A spread as it is written. @param digits after the point. */
export function shown({ median, least, most }: Spread, digits: number, unit = ""): string {
  const [middle, low, high] = [median, least, most].map((number) => number.toFixed(digits));
  return low === high ? `${middle}${unit}` : `${middle}${unit} (${low}–${high})`;
}
