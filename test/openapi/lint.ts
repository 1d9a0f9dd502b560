import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { redocly } from "../../scripts/redocly.ts";
import type { OpenApiDocument } from "./served-document.ts";

/** What redocly finds wrong. */
export async function lint(document: OpenApiDocument): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-"));
  try {
    const file = join(folder, "openapi.json");
    await writeFile(file, JSON.stringify(document));
    const { failed, stdout } = await redocly("lint", file);
    return failed ? stdout : "";
  } finally {
    await rm(folder, { recursive: true });
  }
}
