import { z } from "zod";
import { defineAgent } from "../gateway";
import { Catalog, Dataset } from "./catalog";
import { clearHistory } from "./clear-history";
import {
  ApproveImportInput,
  ApproveImportOutput,
  CatalogState,
  RowsInput,
  RowsOutput,
  StartImportInput,
  StartImportOutput,
  Summary,
} from "./contracts";
import { importDataset } from "./import-dataset";
import { publishRelease } from "./publish-release";

export const dataset = defineAgent({
  name: "dataset",
  description: "One data set: its rows and the imports that brought them",
  agent: Dataset,
  workflows: [importDataset],
  methods: {
    rows: { description: "Read rows of one data set", input: RowsInput, output: RowsOutput, readOnly: true },
    summary: {
      description: "Summarise one data set",
      input: z.strictObject({}),
      output: Summary,
      readOnly: true,
    },
  },
});

export const catalog = defineAgent({
  name: "catalog",
  description: "The data sets of one team, and their releases",
  binding: "Catalog",
  agent: Catalog,
  state: CatalogState,
  workflows: [publishRelease, clearHistory],
  children: [dataset],
  methods: {
    startImport: {
      description: "Start an import on one data set of one catalog",
      input: StartImportInput,
      output: StartImportOutput,
      creates: true,
    },
    approveImport: {
      description: "Approve an import of one data set of one catalog",
      input: ApproveImportInput,
      output: ApproveImportOutput,
    },
  },
});
