import { z } from "zod";
import { defineAgent } from "../gateway";
import { Catalog, CatalogState } from "./catalog";
import { Dataset, RowsInput, RowsOutput, Summary } from "./dataset";
import { importDataset } from "./import-dataset";
import { publishRelease } from "./publish-release";

export const dataset = defineAgent({
  name: "dataset",
  description: "One data set: its rows and the imports that brought them",
  agent: Dataset,
  workflows: [importDataset],
  methods: {
    rows: { description: "Read rows of one data set", input: RowsInput, output: RowsOutput },
    summary: { description: "Summarise one data set", input: z.strictObject({}), output: Summary },
  },
});

export const catalog = defineAgent({
  name: "catalog",
  description: "The data sets of one team, and their releases",
  binding: "Catalog",
  agent: Catalog,
  state: CatalogState,
  workflows: [publishRelease],
  children: [dataset],
});
