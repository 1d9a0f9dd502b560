// Puts the files that the Worker serves as they are into ./assets.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const assets = join(import.meta.dirname, "..", "assets");
const target = join(assets, "docs");
const scalar = dirname(fileURLToPath(import.meta.resolve("@scalar/api-reference")));

await mkdir(target, { recursive: true });
await copyFile(join(scalar, "browser", "standalone.js"), join(target, "scalar.js"));
// The platform serves these files itself, and puts these headers on them.
const HEADERS = `/*
  X-Content-Type-Options: nosniff
  X-Frame-Options: DENY
  Cross-Origin-Resource-Policy: same-origin
  Referrer-Policy: no-referrer
  Strict-Transport-Security: max-age=15552000; includeSubDomains
`;
await writeFile(join(assets, "_headers"), HEADERS);
