import { z } from "zod";
import { Name } from "../gateway";

/** What a catalog knows of one of its data sets. */
export const DatasetEntry = z.object({
  rows: z.int().describe("Rows that it has"),
  checksum: z.string().describe("SHA-256 of the rows, as hex"),
  importedAt: z.iso.datetime().describe("When they were imported"),
});
export type DatasetEntry = z.infer<typeof DatasetEntry>;

/** State of a catalog. */
export const CatalogState = z.object({
  datasets: z.record(z.string(), DatasetEntry).describe("Its data sets, by name"),
  release: z
    .object({
      version: z.string().describe("Name of the release"),
      stage: z.enum(["review", "published"]).describe("How far it is"),
    })
    .nullable()
    .describe("The last release; null before the first"),
});
export type CatalogState = z.infer<typeof CatalogState>;

/** What `startImport` takes. */
export const StartImportInput = z.strictObject({
  dataset: Name.describe("Name of the data set; made if the catalog has none of that name"),
  csv: z.string().describe("The CSV; its first line names the columns"),
});
/** What `startImport` returns. */
export const StartImportOutput = z.object({
  instanceId: z.string().describe("Id of the import, in its data set"),
});

/** What `approveImport` takes. */
export const ApproveImportInput = z.strictObject({
  dataset: Name.describe("Name of the data set"),
  instanceId: Name.describe("Id of the import"),
  note: z.string().max(500).optional().describe("Kept with the import"),
});
/** What `approveImport` returns. */
export const ApproveImportOutput = z.object({
  approved: z.boolean().describe("False if no such import waited for it"),
});

/** What `rows` takes. */
export const RowsInput = z.strictObject({
  offset: z.int().min(0).default(0).describe("Rows to skip"),
  limit: z.int().min(1).max(100).default(10).describe("Rows to read"),
});
/** What `rows` returns. */
export const RowsOutput = z.object({
  rows: z
    .array(z.record(z.string(), z.union([z.string(), z.number(), z.null()])))
    .describe("The rows, by column"),
  total: z.int().describe("Rows that there are"),
});
/** What `summary` returns. */
export const Summary = z.object({
  rows: z.int().describe("Rows that it has"),
  checksum: z.string().nullable().describe("SHA-256 of the rows; null before the first import"),
});
