import type { SoakFigures } from "../support/soak.ts";

/** One seed that was run. */
export interface SoakRun {
  readonly seed: number;
  readonly seconds: number;
  readonly figures: SoakFigures;
}

type Total = Omit<SoakFigures, "faults">;

const COUNTED = ["events", "expected", "delivered", "reconnects", "aborts", "kills"] as const;
const FAULTS = ["lost", "doubled", "disordered", "altered", "gaps"] as const;

/** All runs together. */
export function totalOf(runs: readonly SoakRun[]): Total {
  const total = (count: keyof Total): number => runs.reduce((sum, { figures }) => sum + figures[count], 0);
  return {
    events: total("events"),
    delivered: total("delivered"),
    expected: total("expected"),
    reconnects: total("reconnects"),
    aborts: total("aborts"),
    kills: total("kills"),
  };
}

/** How many faults runs had. */
export function faultsIn(runs: readonly SoakRun[]): number {
  return runs.reduce(
    (sum, { figures }) => sum + FAULTS.reduce((faults, fault) => faults + figures.faults[fault], 0),
    0,
  );
}

/** The runs as a page for people. */
export function soakPage(
  runs: readonly SoakRun[],
  about: {
    readonly aim: string;
    readonly command: string;
    readonly date: string;
    readonly machine: string;
    readonly plan: string;
  },
): string {
  const total = totalOf(runs);
  const cells = ({ seed, seconds, figures }: SoakRun): (string | number)[] => [
    seed,
    ...COUNTED.map((count) => figures[count]),
    ...FAULTS.map((fault) => figures.faults[fault]),
    Math.round(seconds),
  ];
  const sums = [
    "**all**",
    ...COUNTED.map((count) => total[count]),
    ...FAULTS.map((fault) => runs.reduce((sum, { figures }) => sum + figures.faults[fault], 0)),
    Math.round(runs.reduce((sum, { seconds }) => sum + seconds, 0)),
  ];
  const head = ["seed", ...COUNTED, ...FAULTS, "seconds"];
  return `# The long soak

Written by \`${about.command}\` on ${about.date}, on ${about.machine}.

${about.aim}

${about.plan} What each reader heard is compared with the journal, event by event: as text, and by
cursor; on the stream of a subtree, whose cursors are its own, by all but the cursor. The faults must all be 0.

| ${head.join(" | ")} |
|${head.map(() => "---:").join("|")}|
${[...runs.map(cells), sums].map((row) => `| ${row.join(" | ")} |`).join("\n")}

- \`events\`: events of the journals; \`expected\` and \`delivered\`: what all readers had to hear of them, and heard.
- \`reconnects\`: how often readers came back, after they cut themselves off at a random byte, or a death cut them off.
- \`aborts\`: how often an Agent lost all that it had in memory, told by the life that it has afterwards. \`kills\`: SIGKILL of the
  whole runtime, which is started anew on the same storage.
- \`altered\`: events of which the journal has another text, or none. \`gaps\`: streams that told of a gap, where nothing was dropped.
`;
}
