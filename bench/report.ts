import { readFile, writeFile } from "node:fs/promises";

/** Replaces one section of a page of results, or adds it; the others stay. */
export async function writeSection(file: string, title: string, text: string): Promise<void> {
  const page = await readFile(file, "utf8").catch(() => "# Results\n");
  const [head = "", ...sections] = page.split(/^(?=## )/m);
  const section = `## ${title}\n\n${text.trim()}\n`;
  const place = sections.findIndex((one) => one.startsWith(`## ${title}\n`));
  const others = place < 0 ? [...sections, section] : sections.with(place, section);
  await writeFile(
    file,
    [head, ...others]
      .map((one) => one.trim())
      .join("\n\n")
      .concat("\n"),
  );
}

/** The middle of some figures, and between which they lie. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (place: number): number => sorted[place] ?? Number.NaN;
  const half = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    least: at(0),
    most: at(sorted.length - 1),
  };
}
