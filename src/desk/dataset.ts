import { Agent } from "agents";
import { z } from "zod";
import { withGateway } from "../gateway";
import { Catalog } from "./catalog";
import type { TableRow } from "./table";

/** What `rows` takes. */
export const RowsInput = z.strictObject({
  offset: z.int().min(0).default(0).describe("Rows to skip"),
  limit: z.int().min(1).max(100).default(10).describe("Rows to read"),
});
/** What `rows` returns. */
export const RowsOutput = z.object({
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))),
  total: z.int(),
});
/** What `summary` returns. */
export const Summary = z.object({
  rows: z.int(),
  checksum: z.string().nullable().describe("SHA-256 of the rows; null before the first import"),
});

/** The rows of one data set, in an SQLite of its own. */
export class Dataset extends withGateway(Agent) {
  override onStart(): void {
    this.sql`CREATE TABLE IF NOT EXISTS dataset_rows (import TEXT, position INTEGER, value TEXT, PRIMARY KEY (import, position))`;
    this.sql`CREATE TABLE IF NOT EXISTS dataset_current (one INTEGER PRIMARY KEY CHECK (one = 1), import TEXT, checksum TEXT)`;
  }

  /** Reads rows of the last import. */
  rows({ offset, limit }: z.output<typeof RowsInput>): z.input<typeof RowsOutput> {
    const rows = this.sql<{ value: string }>`
      SELECT value FROM dataset_rows JOIN dataset_current USING (import) WHERE position >= ${offset}
      ORDER BY position LIMIT ${limit}`;
    return { rows: rows.map(({ value }) => JSON.parse(value) as TableRow), total: this.summary().rows };
  }

  /** Tells what the last import brought. */
  summary(): z.input<typeof Summary> {
    const [current] = this.sql<{ rows: number; checksum: string }>`
      SELECT checksum, (SELECT count(*) FROM dataset_rows WHERE import = dataset_current.import) AS rows FROM dataset_current`;
    return current ?? { rows: 0, checksum: null };
  }

  /** Puts rows of an import beside the current ones. Called again with the same rows it changes nothing. */
  stage(importId: string, from: number, rows: readonly TableRow[]): void {
    for (const [index, row] of rows.entries()) {
      this.sql`INSERT OR REPLACE INTO dataset_rows VALUES (${importId}, ${from + index}, ${JSON.stringify(row)})`;
    }
  }

  /** Makes an import the current one, drops the others, and tells the catalog. */
  async publish(importId: string, checksum: string): Promise<void> {
    this.sql`INSERT OR REPLACE INTO dataset_current VALUES (1, ${importId}, ${checksum})`;
    this.sql`DELETE FROM dataset_rows WHERE import <> ${importId}`;
    const catalog = await this.parentAgent(Catalog);
    await catalog.recordDataset(this.name, {
      rows: this.summary().rows,
      checksum,
      importedAt: new Date().toISOString(),
    });
  }
}
