import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, totalmem } from "node:os";

/** What figures were measured on, in a line. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const versions = ["wrangler", "workerd", "agents"].map((name) => `${name} ${versionOf(name)}`).join(", ");
  return `${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${memory}; Node ${process.versions.node}, ${versions}`;
}

/** Packages that do not export their package.json are found through the folder that has it. */
function versionOf(name: string): string {
  const [folder] = (createRequire(import.meta.url).resolve.paths(name) ?? []).flatMap((path) => {
    try {
      return [JSON.parse(readFileSync(`${path}/${name}/package.json`, "utf8")) as { version: string }];
    } catch {
      return [];
    }
  });
  return folder?.version ?? "unknown";
}
