import type { Figure, Sample } from "./figure.ts";
import { type Spread, spreadOf } from "./report.ts";

/** What was measured of each contender of a figure, round by round. */
export type Measured = ReadonlyMap<string, readonly Sample[]>;

/** A figure as a table of Markdown: medians with their spread, and as multiples of those of its base. */
export function tableOf({ title, how, columns, base, contenders }: Figure, measured: Measured): string {
  const headings = Object.values(columns).map(({ heading }) => heading);
  const rows = Object.keys(contenders).map((name) => {
    const cells = Object.entries(columns).map(([column, { digits }]) => {
      const spread = spreadIn(measured, name, column);
      const ratio = spread.median / spreadIn(measured, base, column).median;
      if (Number.isNaN(spread.median)) return "–";
      return `${shown(spread, digits)}${Number.isFinite(ratio) && name !== base ? ` · ${ratio.toFixed(2)} ×` : ""}`;
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
  return spreadOf((measured.get(name) ?? []).flatMap((sample) => sample[column] ?? []));
}

function shown({ median, least, most }: Spread, digits: number): string {
  const [middle, low, high] = [median, least, most].map((number) => number.toFixed(digits));
  return `${middle} (${low}–${high})`;
}
