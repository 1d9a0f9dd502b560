// Makes what `npm pack` packs, in dist/: modules with their types, and the assets of the reference page.
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { copyAssets } from "./copy-assets.ts";
import { ROOT } from "./local-environment.ts";

const OUTPUT = join(ROOT, "dist");

/** A relative specifier: of an import, a re-export, or the type of an import. */
const RELATIVE = /(?<=\bfrom |\bimport\(|\bimport )"(\.{1,2}\/[^"]+)"/g;

/** The compiler leaves specifiers as they are; without extensions only bundlers understand them. */
async function extendSpecifiers(file: string): Promise<void> {
  const text = await readFile(file, "utf8");
  const extended = text.replaceAll(RELATIVE, (_, specifier: string) => {
    const target = `${specifier}.js`;
    if (!existsSync(join(dirname(file), target)))
      throw new Error(`${file} imports "${specifier}": no such file`);
    return `"${target}"`;
  });
  await writeFile(file, extended);
}

await rm(OUTPUT, { recursive: true, force: true });
const compiler = spawnSync("tsc", ["-p", "tsconfig.package.json"], { cwd: ROOT, stdio: "inherit" });
if (compiler.status !== 0) throw new Error("tsc did not compile the package.");
for (const file of globSync("**/*.{js,d.ts}", { cwd: OUTPUT })) await extendSpecifiers(join(OUTPUT, file));
await copyAssets(join(OUTPUT, "assets"));
