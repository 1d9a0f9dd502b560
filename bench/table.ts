import type { Figure, Sample } from "./figure.ts";
import { shown, type Spread, spreadOf } from "./spread.ts";

/** What was measured of each contender of a figure, round by round. */
export type Measured = ReadonlyMap<string, readonly Sample[]>;

/** A figure as a table of Markdown: medians with their spread, and as multiples of those of its base. */
export function tableOf({ title, how, columns, base, contenders }: Figure, measured: Measured): string {
  const headings = Object.values(columns).map(({ heading }) => heading);
  const rows = Object.keys(contenders).map((name) => {
    const cells = Object.entries(columns).map(([column, { digits }]) => {
      const spread = spreadIn(measured, name, column);
      if (Number.isNaN(spread.median)) return "–";
      const ratio = spread.median / spreadIn(measured, base, column).median;
      const multiple = Number.isFinite(ratio) && name !== base ? ` · ${ratio.toFixed(2)} ×` : "";
      return `${shown(spread, digits)}${multiple}`;
    });
    return `| ${name} | ${cells.join(" | ")} |`;
  });
  return [
    `### ${title}`,
    "",
    `${how} Multiples are of *${base}*.`,
    "",
    `| | ${headings.join(" | ")} |`,
    `|---|${headings.map(() => "---:|").join("")}`,
    ...rows,
    "",
  ].join("\n");
}

/** What one column shows of one contender; NaN where it was not measured. */
export function spreadIn(measured: Measured, name: string, column: string): Spread {
  return spreadOf(roundsOf(measured, name, column));
}

/** What was measured in one column of one contender, round by round. */
export function roundsOf(measured: Measured, name: string, column: string): readonly number[] {
  return (measured.get(name) ?? []).flatMap((sample) => sample[column] ?? []);
}
