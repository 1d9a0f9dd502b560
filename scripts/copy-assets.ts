import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

// The platform serves these files itself, and puts these headers on them.
const HEADERS = `/*
  X-Content-Type-Options: nosniff
  X-Frame-Options: DENY
  Cross-Origin-Resource-Policy: same-origin
  Referrer-Policy: no-referrer
  Strict-Transport-Security: max-age=15552000; includeSubDomains
`;

/** Puts the files that a Worker serves as they are into a folder: the script of the reference page, and headers. */
export async function copyAssets(folder: string): Promise<void> {
  const target = join(folder, "docs");
  const scalar = dirname(fileURLToPath(import.meta.resolve("@scalar/api-reference")));
  await mkdir(target, { recursive: true });
  await copyFile(join(scalar, "browser", "standalone.js"), join(target, "scalar.js"));
  // The package of that script has no copy of its licence; those that it is made from do.
  await copyFile(join(scalar, "..", "..", "types", "LICENSE"), join(target, "scalar.LICENSE"));
  await writeFile(join(folder, "_headers"), HEADERS);
}
