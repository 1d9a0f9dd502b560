// Writes openapi/openapi.json: the document as the real Worker serves it. With --check it only compares.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestHarness } from "wrangler";

const ROOT = join(import.meta.dirname, "..");
const TARGET = join(ROOT, "openapi", "openapi.json");

/** The document of a Worker that is started for it, with fresh storage, and stopped again. */
async function served(): Promise<unknown> {
  const harness = createTestHarness({ root: ROOT, workers: [{ configPath: join(ROOT, "wrangler.jsonc") }] });
  try {
    const { url } = await harness.listen();
    const response = await fetch(new URL("/openapi.json", url));
    if (!response.ok) throw new Error(`/openapi.json answered ${response.status}: ${await response.text()}`);
    return await response.json();
  } finally {
    await harness.close();
  }
}

/** JSON Pointer of the first place where two JSON values differ, in the order of the first; undefined if none does. */
function firstDifference(one: unknown, other: unknown, pointer = ""): string | undefined {
  if (!isParent(one) || !isParent(other) || Array.isArray(one) !== Array.isArray(other)) {
    return one === other ? undefined : pointer;
  }
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const place = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (!(Object.hasOwn(one, key) && Object.hasOwn(other, key))) return place;
    const found = firstDifference(one[key], other[key], place);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isParent(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function refuse(reason: string): void {
  console.error(`openapi/openapi.json ${reason}. Run: npm run openapi`);
  process.exitCode = 1;
}

async function check(text: string): Promise<void> {
  const committed = await readFile(TARGET, "utf8").catch(() => undefined);
  if (committed === text) return;
  if (committed === undefined) return refuse("is missing");
  const place = firstDifference(JSON.parse(committed), JSON.parse(text));
  refuse(place === undefined ? "is laid out differently" : `is out of date, first at ${place}`);
}

const text = `${JSON.stringify(await served(), null, 2)}\n`;
await (process.argv.includes("--check") ? check(text) : writeFile(TARGET, text));
