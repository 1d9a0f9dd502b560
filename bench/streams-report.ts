import { type Spread, spreadOf } from "./report.ts";

/** One measurement of one contender. */
export interface Measured {
  /** Until all streams were open and caught up. */
  readonly openMs: number;
  /** Processor time of the server for that. */
  readonly openProcessorMs: number;
  /** Resident memory of the server, per stream. */
  readonly memoryKiB: number;
  /** Processor time of the server while nothing happened. */
  readonly idleProcessorMs: number;
  /** From the request that says something until all have heard it. */
  readonly deliverMs: number;
  /** From the leaving of all until the Agent has no socket any more. */
  readonly freeMs?: number;
}

/** How it was measured. */
export interface About {
  readonly streams: number;
  readonly idleMs: number;
  readonly rounds: number;
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  /** Mean load of the machine in the last quarter of an hour: what others do on it is in the figures, too. */
  readonly load: number;
}

const FLOOR = "floor";
const BY_HAND = "by hand, socket";

type Column = readonly [title: string, figure: keyof Measured, digits: number];

/** The section of the results, as Markdown. */
export function streamsSection(all: ReadonlyMap<string, readonly Measured[]>, about: About): string {
  const columns: readonly Column[] = [
    ["open all, ms", "openMs", 0],
    ["processor for that, ms", "openProcessorMs", 0],
    ["memory a stream, KiB", "memoryKiB", 1],
    [`processor in ${about.idleMs / 1_000} s idle, ms`, "idleProcessorMs", 0],
    ["one event to all, ms", "deliverMs", 0],
    ["sockets back to zero, ms", "freeMs", 0],
  ];
  const table = (first: string, cell: (name: string, column: Column) => string): string =>
    [
      `| ${[first, ...columns.map(([title]) => title)].join(" | ")} |`,
      `|---|${columns.map(() => "---:").join("|")}|`,
      ...[...all.keys()].map(
        (name) => `| ${[name, ...columns.map((column) => cell(name, column))].join(" | ")} |`,
      ),
    ].join("\n");
  const spread = (name: string, figure: keyof Measured): Spread | undefined => {
    const figures = (all.get(name) ?? []).flatMap((measured) => measured[figure] ?? []);
    return figures.length === 0 ? undefined : spreadOf(figures);
  };
  const ratio = (name: string, to: string, figure: keyof Measured): string => {
    const [one, other] = [spread(name, figure), spread(to, figure)];
    return one === undefined || other === undefined ? "–" : (one.median / other.median).toFixed(2);
  };

  return `Written by \`${about.command}\` on ${about.date}, on ${about.machine}; mean load of the machine ${about.load.toFixed(1)}.
${about.streams} streams, ${about.rounds} rounds in which the contenders take turns: median (least–most).

${table("", (name, [, figure, digits]) => {
  const one = spread(name, figure);
  if (one === undefined) return "–";
  return `${one.median.toFixed(digits)} (${one.least.toFixed(digits)}–${one.most.toFixed(digits)})`;
})}

Medians as multiples of those of the floor, and of those by hand over a socket:

${table("", (name, [, figure]) => `${ratio(name, FLOOR, figure)} · ${ratio(name, BY_HAND, figure)}`)}`;
}
