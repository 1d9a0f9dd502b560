import type { Builds, Systems } from "./systems.ts";

/** What was measured of one contender in one round: a number for each column. */
export type Sample = Readonly<Record<string, number>>;

/** What a figure is measured on. */
export interface Ground {
  /** All Workers, in one workerd. */
  readonly systems: Systems;
  readonly builds: Builds;
}

/** One thing that is compared. */
export interface Figure {
  /** Its heading. */
  readonly title: string;
  /** How it is taken, in a sentence or two. */
  readonly how: string;
  /** What each column is called, with its unit; and how many digits are shown after the point. */
  readonly columns: Readonly<Record<string, { readonly heading: string; readonly digits: number }>>;
  /** Whose figures the others are shown as multiples of. */
  readonly base: string;
  /** How often it is measured, where the rounds of the run are too many. */
  readonly rounds?: number;
  /** Done once, before the first round. */
  prepare?(ground: Ground): Promise<void>;
  /** Who is measured, in the order of the table; they take turns. */
  readonly contenders: Readonly<Record<string, (ground: Ground, round: number) => Promise<Sample>>>;
}
