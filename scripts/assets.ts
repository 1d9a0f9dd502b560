// Puts the files that the Worker serves as they are into ./assets.
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const target = join(import.meta.dirname, "..", "assets", "docs");
const scalar = dirname(fileURLToPath(import.meta.resolve("@scalar/api-reference")));

await mkdir(target, { recursive: true });
await copyFile(join(scalar, "browser", "standalone.js"), join(target, "scalar.js"));
