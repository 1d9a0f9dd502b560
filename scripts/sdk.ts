// Generates clients: npm run sdk -- --document https://agents.example.com/openapi.json
// What else is given goes to `redocly generate-client`, such as --error-mode result.
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { generateClients } from "./generate-clients.ts";
import { ROOT } from "./local-environment.ts";

/** Where npm was called, which runs scripts in the root of the project. */
const HERE = process.env["INIT_CWD"] ?? process.cwd();

/** @returns the value of each option that is ours, and everything else as it was given. */
function readArguments(): { document?: string; output?: string; options: string[] } {
  const args = process.argv.slice(2);
  const { tokens } = parseArgs({
    args,
    options: { document: { type: "string" }, output: { type: "string" } },
    strict: false,
    tokens: true,
  });
  const values: { document?: string; output?: string } = {};
  const own = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== "option" || (token.name !== "document" && token.name !== "output")) continue;
    if (token.value === undefined) throw new Error(`--${token.name} needs a value.`);
    values[token.name] = token.value;
    own.add(token.index);
    if (!token.inlineValue) own.add(token.index + 1);
  }
  return { ...values, options: args.filter((_, index) => !own.has(index)) };
}

try {
  const { document, output = resolve(ROOT, "sdk"), options } = readArguments();
  const files = await generateClients({
    document: document === undefined ? resolve(ROOT, "openapi", "openapi.json") : located(document),
    output: resolve(HERE, output),
    options,
  });
  for (const file of Object.values(files)) console.log(relative(HERE, file));
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exitCode = 1;
}

function located(document: string): string {
  return /^https?:/.test(document) ? document : resolve(HERE, document);
}
