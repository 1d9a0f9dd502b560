import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { redocly } from "./redocly.ts";

/** The generators of redocly, and the file that each writes. */
const GENERATORS = { typescript: "client.ts", python: "client.py" } as const;
/** What a client is generated in. */
export type Language = keyof typeof GENERATORS;

/** Of what clients are generated, and where to. */
export interface Generation {
  /** Address or file of an OpenAPI document, of all agents or of one class. */
  readonly document: string;
  /** A folder; each language has one of its own in it. */
  readonly output: string;
  /** What else `redocly generate-client` takes. */
  readonly options?: readonly string[];
}

/**
 * Generates a client in each language, with a page that documents it.
 *
 * @returns the files of the clients.
 */
export async function generateClients({
  document,
  output,
  options = [],
}: Generation): Promise<Record<Language, string>> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-"));
  try {
    const { text, origin } = await read(document);
    const file = join(folder, "openapi.json");
    await writeFile(file, text);
    const shared = [...(origin === undefined ? [] : ["--server-url", origin]), "--docs", ...options];
    await generate(file, "typescript", output, [...shared, "--import-ext", "ts"]);
    await generate(file, "python", output, shared);
  } finally {
    await rm(folder, { recursive: true });
  }
  return {
    typescript: resolve(output, "typescript", GENERATORS.typescript),
    python: resolve(output, "python", GENERATORS.python),
  };
}

/** @returns the document, and where it came from if it was asked for over HTTP and does not say where the API is served. */
async function read(document: string): Promise<{ text: string; origin?: string }> {
  if (!/^https?:/.test(document)) return { text: await readFile(document, "utf8") };
  const response = await fetch(document);
  if (!response.ok) throw new Error(`${document} answered ${response.status}`);
  const text = await response.text();
  // JSON is YAML.
  const { servers = [] } = parse(text) as { servers?: readonly { url: string }[] };
  const url = new URL(servers[0]?.url ?? "/", document);
  return { text, origin: url.href };
}

async function generate(
  file: string,
  language: Language,
  output: string,
  options: readonly string[],
): Promise<void> {
  // The name of the output is that of a TypeScript client, whatever the language.
  const target = resolve(output, language, GENERATORS.typescript);
  const run = await redocly("generate-client", file, "--output", target, "--generator", language, ...options);
  if (run.failed) throw new Error(`The ${language} client was not generated:\n${run.stdout}${run.stderr}`);
}
