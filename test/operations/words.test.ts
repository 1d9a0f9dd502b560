import { expect, test } from "vitest";
import { camel, pascal, words } from "../../src/gateway/operations/words.ts";

test.each([
  ["import-dataset", "ImportDataset", "importDataset", "import dataset"],
  ["catalog", "Catalog", "catalog", "catalog"],
  ["a-1-b", "A1B", "a1B", "a 1 b"],
  ["openOrder", "OpenOrder", "openOrder", "openOrder"],
  ["read_all", "ReadAll", "readAll", "read_all"],
])("%s is %s, %s and “%s”", (name, asPascal, asCamel, asWords) => {
  expect([pascal(name), camel(name), words(name)]).toEqual([asPascal, asCamel, asWords]);
});
