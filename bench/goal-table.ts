import type { Figure } from "./figure.ts";
import type { Cell, Goal } from "./goals.ts";
import { shown, type Spread, spreadOf } from "./spread.ts";
import { type Measured, roundsOf } from "./table.ts";

/** What was measured in one run. */
export type Results = ReadonlyMap<Figure, Measured>;

/** Goals as a table of Markdown, and below it what is in the way of those that were not met. */
export function goalTable(goals: readonly Goal[], results: Results): string {
  const judged = goals.map((goal) => {
    const spread = reached(goal, results);
    return { goal, spread, verdict: verdictOn(goal, spread.median) };
  });
  const rows = judged.map(({ goal, spread, verdict }) => {
    const unit = unitOf(goal);
    const measured = Number.isNaN(spread.median) ? "–" : shown(spread, goal.over === undefined ? 0 : 2, unit);
    return `| ${goal.what} | ${measured} | ${boundOf(goal)}${unit} | ${verdict} |`;
  });
  const reasons = judged.flatMap(({ goal: { what, because }, verdict }) =>
    verdict === "not met" && because !== undefined ? [`- **${what}**: ${because}`] : [],
  );
  return [
    "| | measured | goal | |",
    "|---|---:|---:|---|",
    ...rows,
    ...(reasons.length === 0 ? [] : ["", "What is in the way of those that are not met:", "", ...reasons]),
    "",
  ].join("\n");
}

/** The number of a goal: the multiple of medians, and between which it lay in the rounds. */
function reached({ value, over }: Goal, results: Results): Spread {
  const rounds = roundsAt(value, results);
  if (over === undefined) return spreadOf(rounds);
  const below = roundsAt(over, results);
  const { least, most } = spreadOf(rounds.map((number, round) => number / (below[round] ?? Number.NaN)));
  return { median: spreadOf(rounds).median / spreadOf(below).median, least, most };
}

function roundsAt({ figure, contender, column }: Cell, results: Results): readonly number[] {
  const [, measured] = [...results].find(([{ title }]) => title === figure) ?? [];
  return measured === undefined ? [] : roundsOf(measured, contender, column);
}

function verdictOn({ atMost = Infinity, atLeast = -Infinity }: Goal, number: number): string {
  if (Number.isNaN(number)) return "not measured";
  return number >= atLeast && number <= atMost ? "met" : "not met";
}

function boundOf({ atMost, atLeast }: Goal): string {
  return atMost === undefined ? `at least ${atLeast?.toLocaleString("en")}` : `at most ${atMost}`;
}

function unitOf({ over, unit }: Goal): string {
  if (over !== undefined) return " ×";
  return unit === undefined ? "" : ` ${unit}`;
}
