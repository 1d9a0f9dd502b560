import { Agent } from "agents";
import type { z } from "zod";
import { withGateway } from "../gateway";
import type {
  ApproveImportInput,
  ApproveImportOutput,
  CatalogState,
  DatasetEntry,
  RowsInput,
  RowsOutput,
  StartImportInput,
  StartImportOutput,
  Summary,
} from "./contracts";
import type { TableRow } from "./table";

// A parent and its child name each other, so they share a file.

const ENDED: ("complete" | "errored" | "terminated")[] = ["complete", "errored", "terminated"];

/** The data sets of one team. */
export class Catalog extends withGateway(Agent)<Cloudflare.Env, CatalogState> {
  override initialState: CatalogState = { datasets: {}, release: null };

  /** Called by a data set when an import is done. */
  recordDataset(name: string, entry: DatasetEntry): void {
    this.setState({ ...this.state, datasets: { ...this.state.datasets, [name]: entry } });
  }

  /** Called by `publish-release` and `clear-history`: the names of the data sets that are not deleted. */
  listDatasets(): string[] {
    const names = Object.keys(this.state.datasets).toSorted();
    return names.filter((name) => this.dynamicAgents.has(Dataset, name));
  }

  /** Starts an import on one of the data sets, which is made if it is new. */
  async startImport({
    dataset,
    csv,
  }: z.output<typeof StartImportInput>): Promise<z.input<typeof StartImportOutput>> {
    const child = await this.dynamicAgents.get(Dataset, dataset);
    return { instanceId: await child.startImport(csv) };
  }

  /** Approves an import of one of the data sets. */
  async approveImport({
    dataset,
    instanceId,
    note,
  }: z.output<typeof ApproveImportInput>): Promise<z.input<typeof ApproveImportOutput>> {
    if (!this.dynamicAgents.has(Dataset, dataset)) return { approved: false };
    const child = await this.dynamicAgents.get(Dataset, dataset);
    return { approved: await child.approveImport(instanceId, note) };
  }

  /** Called by `clear-history`: forgets releases that ended, and were started before a time. */
  forgetReleases(before: Date): number {
    return this.deleteWorkflows({
      workflowName: "PUBLISH_RELEASE",
      status: ENDED,
      createdBefore: before,
    });
  }

  /** Called by `clear-history`: the same of the imports of one data set. */
  async forgetImports(dataset: string, before: Date): Promise<number> {
    if (!this.dynamicAgents.has(Dataset, dataset)) return 0;
    const child = await this.dynamicAgents.get(Dataset, dataset);
    return child.forgetImports(before);
  }
}

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

  /** Starts an import. Called by the catalog: a child offers what its parent may ask of it. */
  startImport(csv: string): Promise<string> {
    return this.runWorkflow("IMPORT_DATASET", { csv, source: "the catalog" });
  }

  /** Approves an import for the catalog. @returns whether it waited for that. */
  async approveImport(instanceId: string, note: string | undefined): Promise<boolean> {
    if (this.getWorkflow(instanceId)?.status !== "waiting") return false;
    await this.approveWorkflow(instanceId, {
      reason: "Approved through the catalog",
      ...(note === undefined ? {} : { metadata: { note } }),
    });
    return true;
  }

  /** Forgets imports that ended, and were started before a time. @returns how many. */
  forgetImports(before: Date): number {
    return this.deleteWorkflows({
      workflowName: "IMPORT_DATASET",
      status: ENDED,
      createdBefore: before,
    });
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
