import { Agent } from "agents";
import { z } from "zod";
import { withGateway } from "../gateway";

/** What a catalog knows of one of its data sets. */
export const DatasetEntry = z.object({
  rows: z.int(),
  checksum: z.string(),
  importedAt: z.iso.datetime(),
});
export type DatasetEntry = z.infer<typeof DatasetEntry>;

/** State of a {@link Catalog}. */
export const CatalogState = z.object({
  datasets: z.record(z.string(), DatasetEntry),
  release: z.object({ version: z.string(), stage: z.enum(["review", "published"]) }).nullable(),
});
export type CatalogState = z.infer<typeof CatalogState>;

/** The data sets of one team. */
export class Catalog extends withGateway(Agent)<Cloudflare.Env, CatalogState> {
  override initialState: CatalogState = { datasets: {}, release: null };

  /** Called by a data set when an import is done. */
  recordDataset(name: string, entry: DatasetEntry): void {
    this.setState({ ...this.state, datasets: { ...this.state.datasets, [name]: entry } });
  }

  /** Called by `publish-release`: the names of what is released. */
  listDatasets(): string[] {
    return Object.keys(this.state.datasets).toSorted();
  }
}
