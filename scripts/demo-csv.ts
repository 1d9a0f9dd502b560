import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Name } from "../src/gateway/contract/names.ts";
import { DemoFailure, explainFailure } from "./demo-failure.ts";

/** A CSV file to import. */
export interface CsvFile {
  /** The name of its file. */
  readonly source: string;
  /** Name of the data set that it is imported into. */
  readonly dataset: string;
  readonly text: string;
}

/** Reads a CSV file; without a path, the airports of the United States from the package vega-datasets. */
export async function readCsv(path: string = airports()): Promise<CsvFile> {
  const source = basename(path);
  if (!existsSync(path)) throw new DemoFailure(`There is no file ${path}.`);
  try {
    return { source, dataset: datasetName(source), text: await readFile(path, "utf8") };
  } catch (failure) {
    throw new DemoFailure(`The file ${path} cannot be read: ${explainFailure(failure)}`, { cause: failure });
  }
}

/** The name of the data set for a file: the name of the file without its ending, as far as an agent may be called so. */
export function datasetName(file: string): string {
  const words = basename(file, extname(file))
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^A-Za-z0-9._~@+-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  const candidates = [words, `data-${words}`].map((name) => name.slice(0, 128));
  return candidates.find((name) => words !== "" && Name.safeParse(name).success) ?? "data";
}

function airports(): string {
  // The package exports nothing but its entry, which lies in the folder beside the data.
  return fileURLToPath(new URL("../data/airports.csv", import.meta.resolve("vega-datasets")).href);
}
