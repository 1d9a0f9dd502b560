const BAR_WIDTH = 30;
const TABLE_WIDTH = 96;
const CELL_WIDTH = 28;
const GAP = "  ";
const INDENT = "   ";

/** Where the demo writes: standard output, or what a test puts in its place. */
export interface Output {
  /** Whether a line can be drawn over. */
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** One value of a table. */
export type Cell = string | number | null;

/** What the demo shows. */
export interface Terminal {
  heading(text: string): void;
  line(text?: string): void;
  /** Draws how far something has come, counted in units: over the line before on a terminal, on a line of its own elsewhere. */
  progress(label: string, done: number, total: number, unit: string): void;
  table(columns: readonly string[], rows: readonly Readonly<Record<string, Cell>>[]): void;
}

/** Makes a {@link Terminal} that writes to an output. */
export function createTerminal(output: Output): Terminal {
  let drawn: string | undefined;

  const closeBar = (): void => {
    if (drawn !== undefined) output.write("\n");
    drawn = undefined;
  };
  const write = (text: string): void => {
    closeBar();
    output.write(`${printable(text)}\n`);
  };
  return {
    heading(text) {
      write("");
      write(text);
    },
    line: (text = "") => write(text === "" ? "" : `${INDENT}${text}`),
    progress(label, done, total, unit) {
      const text = `${INDENT}${progressLine(label, done, total, unit)}`;
      if (output.isTTY !== true) return write(text);
      if (drawn !== label) closeBar();
      drawn = label;
      output.write(`\r${text}\u{1b}[K`);
    },
    table(columns, rows) {
      for (const line of tableLines(columns, rows)) write(`${INDENT}${line}`);
    },
  };
}

/** A number of things as the demo shows it, e.g. `3,376 rows`. */
export function counted(value: number, unit: string): string {
  return `${count(value)} ${unit}${value === 1 ? "" : "s"}`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function progressLine(label: string, done: number, total: number, unit: string): string {
  const filled = total === 0 ? BAR_WIDTH : Math.round((Math.min(done, total) / total) * BAR_WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  return `${label}  ${bar}  ${count(done).padStart(count(total).length)} of ${counted(total, unit)}`;
}

/** Numbers to the right, text to the left; what does not fit the width is left out, and counted. */
function tableLines(columns: readonly string[], rows: readonly Readonly<Record<string, Cell>>[]): string[] {
  const laidOut = columns.map((column) => layOut(column, rows));
  let width = 0;
  const fitting = laidOut.filter(([first = ""], at) => {
    width += first.length + GAP.length;
    return at === 0 || width <= TABLE_WIDTH;
  });
  const lines = [...Array(rows.length + 1).keys()].map((row) =>
    fitting.map((column) => column[row] ?? "").join(GAP),
  );
  const missing = columns.length - fitting.length;
  const note = missing === 0 ? [] : [`(and ${counted(missing, "more column")})`];
  return [...lines.map((line) => line.trimEnd()), ...note];
}

/** One column, its name first, every cell as wide as the widest. */
function layOut(column: string, rows: readonly Readonly<Record<string, Cell>>[]): string[] {
  const values = rows.map((row) => row[column] ?? null);
  const cells = [column, ...values.map((value) => String(value ?? ""))].map(shorten);
  const width = Math.max(...cells.map((cell) => cell.length));
  const isNumeric = values.some((value) => typeof value === "number");
  return cells.map((cell) => (isNumeric ? cell.padStart(width) : cell.padEnd(width)));
}

function shorten(text: string): string {
  const clean = printable(text);
  return clean.length <= CELL_WIDTH ? clean : `${clean.slice(0, CELL_WIDTH - 1)}…`;
}

/** A file may hold control characters; they must not reach the terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ");
}
