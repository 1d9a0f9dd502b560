import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

const ROOT = join(import.meta.dirname, "..", "..");
const PROGRAMS = join(import.meta.dirname, "programs");

/** What a program told, each line of it read as JSON. */
export type Line = Readonly<Record<string, unknown>>;

/** A folder in which clients are generated, and programs run that use them. */
export interface Workbench extends AsyncDisposable {
  readonly folder: string;
}

export async function openWorkbench(): Promise<Workbench> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-sdk-"));
  // Types of Node, for programs; clients themselves need none.
  await mkdir(join(folder, "node_modules"));
  await symlink(join(ROOT, "node_modules", "@types"), join(folder, "node_modules", "@types"));
  await symlink(join(ROOT, "node_modules", "undici-types"), join(folder, "node_modules", "undici-types"));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** Puts a program of `programs` beside a client. @returns its file. */
export async function place(program: string, client: string): Promise<string> {
  const target = join(dirname(client), program);
  await copyFile(join(PROGRAMS, program), target);
  return target;
}

/** Compiles all TypeScript of a folder by `strict` and more, and emits nothing. @returns what the compiler says. */
export async function compile(folder: string): Promise<string> {
  const options = {
    target: "es2024",
    lib: ["es2024", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
    module: "esnext",
    moduleResolution: "bundler",
    types: ["node"],
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
  };
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["*.ts"] }),
  );
  const child = spawn("tsc", ["-p", folder], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const [said] = await Promise.all([text(child.stdout), once(child, "close")]);
  return said;
}

/**
 * Runs a program to its end.
 *
 * @param hear is called with each line that it tells, and may answer it.
 * @param key the API key, in its environment.
 * @returns all that it told.
 */
export async function run(
  command: readonly [string, ...string[]],
  hear: (line: Line, answer: () => void) => void = () => {},
  key = "",
): Promise<Line[]> {
  const [program, ...args] = command;
  const child: ChildProcess = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, SWITCHYARD_API_KEY: key },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  const lines: Line[] = [];
  if (child.stdout === null) throw new Error(`${program} has no output`);
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as Line;
    lines.push(told);
    hear(told, () => child.stdin?.write("go on\n"));
  }
  await closed;
  if (child.exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${child.exitCode}`);
  return lines;
}

/** The program of a language that README shows for the client that is generated in it, if it has ten lines at most. */
export async function shownInReadme(language: "ts" | "py", imported: string): Promise<string> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const blocks = Array.from(readme.matchAll(/```(\w+)\n(.*?)```/gs), ([, name, block = ""]) => ({
    name,
    block,
  }));
  const shown = blocks.find(({ name, block }) => name === language && block.includes(imported))?.block;
  if (shown === undefined) throw new Error(`README shows no ${language} with ${imported}`);
  const lines = shown.trim().split("\n").length;
  if (lines > 10) throw new Error(`README shows ${lines} lines of ${language}`);
  return shown;
}
