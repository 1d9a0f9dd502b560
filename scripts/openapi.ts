// Writes openapi/openapi.json: the document as the real Worker serves it. With --check it only compares.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestHarness } from "wrangler";
import { localEnvironment, ROOT } from "./local-environment.ts";

const TARGET = join(ROOT, "openapi", "openapi.json");

/** The document of a Worker that is started for it, with fresh storage, and stopped again. */
async function serve(): Promise<unknown> {
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

/** JSON Pointer of the first place where two JSON values differ; undefined if only their layout does. */
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

/** What is wrong with the committed document; undefined if nothing is. */
function faultOf(committed: string | undefined, served: string): string | undefined {
  if (committed === served) return undefined;
  if (committed === undefined) return "is missing";
  try {
    const place = firstDifference(JSON.parse(committed), JSON.parse(served));
    return place === undefined
      ? "is laid out differently"
      : `is not what the Worker serves, first at ${place}`;
  } catch {
    return "is not JSON";
  }
}

Object.assign(process.env, localEnvironment());
const served = `${JSON.stringify(await serve(), null, 2)}\n`;
if (process.argv.includes("--check")) {
  const fault = faultOf(await readFile(TARGET, "utf8").catch(() => undefined), served);
  if (fault !== undefined) {
    console.error(`openapi/openapi.json ${fault}. Run: npm run openapi`);
    process.exitCode = 1;
  }
} else {
  await writeFile(TARGET, served);
}
