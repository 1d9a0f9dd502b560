import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { text } from "node:stream/consumers";

const ROOT = join(import.meta.dirname, "..", "..");

/** What `package.json` has, as far as it is read here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** A package as `npm pack` makes it. */
export interface Packed extends AsyncDisposable {
  /** The file. */
  readonly tarball: string;
  /** In bytes. */
  readonly size: number;
  /** What is in it, without the folder `package` that all of it is in. */
  readonly files: readonly string[];
}

/** A project of somebody who uses the package. */
export interface Project extends AsyncDisposable {
  readonly root: string;
  /** Puts a file into it. */
  write(path: string, content: string): Promise<void>;
  /** Runs a program of its dependencies, or of this machine. @returns its output. @throws Error with all that it said, if it fails. */
  run(program: string, ...args: readonly string[]): Promise<string>;
}

export async function readManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as Manifest;
}

/** Packs this project: `npm pack`. */
export async function pack(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-pack-"));
  const said = await run(
    ROOT,
    "npm",
    "pack",
    "--pack-destination",
    folder,
    "--json",
    "--foreground-scripts=false",
  );
  const [made] = JSON.parse(said) as { filename: string; size: number; files: { path: string }[] }[];
  if (made === undefined) throw new Error(`npm packed nothing: ${said}`);
  return {
    tarball: join(folder, made.filename),
    size: made.size,
    files: made.files.map(({ path }) => path),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** Makes an empty project, and installs the package in it, with what README tells to install beside it. */
export async function openProject({ tarball }: Packed): Promise<Project> {
  const root = await mkdtemp(join(tmpdir(), "switchyard-project-"));
  const write: Project["write"] = async (path, content) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  };
  const { devDependencies } = await readManifest();
  const versions = (...names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, devDependencies[name] ?? ""]));
  const manifest = {
    name: "orders",
    version: "1.0.0",
    private: true,
    type: "module",
    dependencies: { switchyard: `file:${basename(tarball)}`, ...versions("agents", "zod") },
    devDependencies: versions("@types/node", "typescript", "wrangler"),
  };
  await copyFile(tarball, join(root, basename(tarball)));
  await write("package.json", JSON.stringify(manifest));
  await write("package-lock.json", JSON.stringify(await lockOf(manifest, tarball)));
  await run(root, "npm", "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund");
  return {
    root,
    write,
    run: (program, ...args) => run(root, program, ...args),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

/**
 * The versions that are locked here, for a project of a user: so npm takes all from its cache, and what is tested does not
 * change from day to day. npm leaves out what the project does not need.
 */
async function lockOf(
  manifest: { readonly name: string; readonly version: string },
  tarball: string,
): Promise<object> {
  const { name, version, dependencies, peerDependencies } = await readManifest();
  const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8")) as {
    lockfileVersion: number;
    packages: Record<string, object>;
  };
  const installed = Object.entries(lock.packages).filter(
    ([path, entry]) => path.startsWith("node_modules/") && !("link" in entry),
  );
  const digest = createHash("sha512")
    .update(await readFile(tarball))
    .digest("base64");
  const packed = {
    version,
    resolved: `file:${basename(tarball)}`,
    integrity: `sha512-${digest}`,
    dependencies,
    peerDependencies,
  };
  return {
    name: manifest.name,
    version: manifest.version,
    lockfileVersion: lock.lockfileVersion,
    requires: true,
    packages: { "": manifest, ...Object.fromEntries(installed), [`node_modules/${name}`]: packed },
  };
}

/** Of the variables of this very run of npm, none is for another project. */
function environment(root: string): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(
    ([name]) => !/^npm_(?!config_(?:cache|registry)$)|^INIT_CWD$/.test(name),
  );
  const path = [join(root, "node_modules", ".bin"), process.env["PATH"]].join(":");
  return { ...Object.fromEntries(others), PATH: path, WRANGLER_HIDE_BANNER: "true" };
}

async function run(root: string, program: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(program, args, {
    cwd: root,
    env: environment(root),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (child.exitCode !== 0) throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}
