// Lints openapi/openapi.json, and compares it with the document of the last release, which clients were made from.
import { breakingChanges } from "./breaking-changes.ts";
import { redocly } from "./redocly.ts";

const PRESENT = "openapi/openapi.json";
const RELEASED = "openapi/released.json";

const lint = await redocly("lint", PRESENT);
if (lint.failed) {
  console.error(lint.stdout, lint.stderr);
  process.exitCode = 1;
}
const { changes, announced } = await breakingChanges(RELEASED, PRESENT);
if (changes.length > 0 && !announced) {
  console.error(
    `${PRESENT} breaks clients of ${RELEASED}, and its version does not say so. Undo this, or raise the version:`,
  );
  for (const change of changes) console.error(`  ${change}`);
  process.exitCode = 1;
}
