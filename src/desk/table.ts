import Papa from "papaparse";
import { z } from "zod";

/** A row as it is stored: one value a column. */
export type TableRow = Record<string, string | number | null>;

/** A line of the CSV that cannot be loaded, and why. */
export interface RejectedLine {
  /** As an editor counts them: the header is line 1. */
  readonly line: number;
  readonly message: string;
}

/** A CSV as it was read: the rows that can be loaded, and the lines that cannot. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  readonly rejected: readonly RejectedLine[];
}

/** What a value must be, by the name of its column; everything else is text. */
const RULES: readonly (readonly [RegExp, z.ZodType<string | number>])[] = [
  [/^lat(?:itude)?$/i, z.coerce.number().min(-90).max(90)],
  [/^(?:lon|lng|long|longitude)$/i, z.coerce.number().min(-180).max(180)],
  [/(?:^|_)(?:count|amount|price|quantity|population|elevation)$/i, z.coerce.number()],
  [/(?:^|_)date$/i, z.iso.date()],
];

const COLUMN = /^[\p{L}_][\p{L}\p{N} _.-]{0,63}$/u;

/**
 * Reads a CSV whose first line names the columns, and checks each row against a schema derived from that line.
 *
 * @throws Error if there is no such line.
 */
export function readTable(csv: string): Table {
  const [header, ...records] = readRecords(csv);
  const columns = requireHeader((header?.cells ?? []).map((cell) => cell.trim()));
  const schema = rowSchema(columns);

  const rows: TableRow[] = [];
  const rejected: RejectedLine[] = [];
  for (const { line, cells, broken } of records) {
    const values = columns.map((column, at) => [column, cells[at]?.trim() || null]);
    const checked = schema.safeParse(Object.fromEntries(values));
    const problem = broken ?? countProblem(cells, columns);
    if (problem === undefined && checked.success) rows.push(checked.data);
    else rejected.push({ line, message: problem ?? explain(checked.error) });
  }
  return { columns, rows, rejected };
}

/** One record of the CSV: it begins on a line, and may go on over several. */
interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
  readonly broken: string | undefined;
}

function readRecords(text: string): CsvRecord[] {
  // A byte order mark is no part of the first cell, nor of the count.
  const csv = text.replace(/^\uFEFF/, "");
  const records: CsvRecord[] = [];
  let line = 1;
  let read = 0;
  Papa.parse<string[]>(csv, {
    step: ({ data: cells, errors, meta }) => {
      const empty = cells.every((cell) => cell.trim() === "");
      if (!empty) records.push({ line, cells, broken: errors[0]?.message });
      line += lineEnds(csv.slice(read, meta.cursor));
      read = meta.cursor;
    },
  });
  return records;
}

function lineEnds(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

function requireHeader(columns: readonly string[]): readonly string[] {
  const [first] = columns;
  if (first === undefined) throw new Error("The CSV is empty: its first line must name the columns.");
  const odd = columns.find((column) => !COLUMN.test(column) || column === "__proto__");
  if (odd !== undefined)
    throw new Error(`The CSV has no header: "${odd}" in its first line is not the name of a column.`);
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  if (twice !== undefined)
    throw new Error(`The CSV has no usable header: the column "${twice}" is there twice.`);
  return columns;
}

/** The first column names the row, so it must be there; of the others a value may be missing. */
function rowSchema(columns: readonly string[]): z.ZodType<TableRow> {
  const shape = columns.map((column, at) => {
    const value = RULES.find(([name]) => name.test(column))?.[1] ?? z.string().max(10_000);
    return [column, at === 0 ? value : z.union([z.null(), value])] as const;
  });
  return z.object(Object.fromEntries(shape)) as z.ZodType<TableRow>;
}

function countProblem(cells: readonly string[], columns: readonly string[]): string | undefined {
  if (cells.length === columns.length) return undefined;
  return `has ${cells.length} values where the header names ${columns.length} columns`;
}

function explain(error: z.ZodError | undefined): string {
  const issue = error?.issues[0];
  return issue === undefined ? "is not valid" : `${String(issue.path[0])}: ${issue.message}`;
}
