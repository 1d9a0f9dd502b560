import type { Heard, ReaderReport } from "./dropping-reader.ts";
import type { SoakReader } from "./soak-readers.ts";

/** What is wrong with what readers heard; all of it is to be 0. */
export interface Faults {
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
  /** Events of which the journal has another text, or which it does not have. */
  readonly altered: number;
  /** Streams that told of a gap, though nothing was dropped. */
  readonly gaps: number;
  /** The first of all that is wrong, in words. */
  readonly examples: readonly string[];
}

const NONE: Faults = { lost: 0, doubled: 0, disordered: 0, altered: 0, gaps: 0, examples: [] };
const EXAMPLES = 10;

/** Compares what one reader has heard with the journal. */
export function faultsOf(reader: SoakReader, report: ReaderReport, journal: readonly Heard[]): Faults {
  const expected = reader.expected(journal);
  const places = new Map(expected.map((event, place) => [reader.identify(event), place]));
  if (places.size < expected.length) throw new Error("the journal has two events that look the same");
  const faults = { lost: 0, doubled: 0, disordered: 0, altered: 0, gaps: 0 };
  const examples: string[] = [];
  const note = (kind: keyof typeof faults, { id, type }: Pick<Heard, "id" | "type">): void => {
    faults[kind] += 1;
    if (examples.length < EXAMPLES) examples.push(`${reader.name}: ${kind} ${type} ${id}`);
  };

  const seen = new Set<string>();
  let last = -1;
  for (const event of reader.ofInstance(report.heard)) {
    const name = reader.identify(event);
    const place = places.get(name);
    const kept = place === undefined ? undefined : expected[place];
    if (place === undefined || kept === undefined || reader.contentOf(kept) !== reader.contentOf(event))
      note("altered", event);
    else if (seen.has(name)) note("doubled", event);
    else if (place <= last) note("disordered", event);
    seen.add(name);
    last = Math.max(last, place ?? last);
  }
  for (const event of expected) if (!seen.has(reader.identify(event))) note("lost", event);
  const gaps = report.controls.get("stream.gap") ?? 0;
  if (gaps > 0) note("gaps", { id: "", type: "stream.gap" });
  return { ...faults, gaps, examples };
}

/** All faults together. */
export function addFaults(all: readonly Faults[]): Faults {
  return all.reduce(
    (sum, one) => ({
      lost: sum.lost + one.lost,
      doubled: sum.doubled + one.doubled,
      disordered: sum.disordered + one.disordered,
      altered: sum.altered + one.altered,
      gaps: sum.gaps + one.gaps,
      examples: [...sum.examples, ...one.examples].slice(0, EXAMPLES),
    }),
    NONE,
  );
}
