// Serves Workers from one workerd, in a process of its own: see systems.ts.
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { LOOPBACK } from "../scripts/local-environment.ts";
import type { Hosted, ToHost } from "./systems.ts";

/** Has workerd write its log to nowhere: a reader that wakes for each line would be measured with it. */
async function muteRuntime(folder: string): Promise<void> {
  const { default: binary } = createRequire(import.meta.url)("workerd") as { readonly default: string };
  const script = join(folder, "workerd");
  await writeFile(script, `#!/bin/sh\nexec "${binary}" "$@" >/dev/null\n`, { mode: 0o755 });
  process.env["MINIFLARE_WORKERD_PATH"] = script;
}

async function serve({ workers, storage, secrets }: ToHost): Promise<Hosted> {
  await muteRuntime(storage);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: LOOPBACK,
      port: 0,
      cf: false,
      log: new Log(LogLevel.ERROR),
      resourcePersistencePath: storage,
      workers: workers.map(({ name, config, script }) => {
        const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
        return {
          ...workerOptions,
          name,
          modules: [{ type: "ESModule", path: script }],
          modulesRoot: dirname(script),
          bindings: secrets,
          // A port of its own for each, past the router of the development server.
          unsafeDirectSockets: [{ host: LOOPBACK, port: 0 }],
        };
      }),
    }),
  );
  const entry = await miniflare.ready;
  const urls: Record<string, string> = {};
  for (const { name } of workers) urls[name] = (await miniflare.unsafeGetDirectURL(name)).href;
  process.once("disconnect", () => void miniflare.dispose());
  return { urls, entry: entry.href };
}

process.once("message", (message: ToHost) => {
  serve(message).then(
    (hosted) => process.send?.(hosted),
    (failure: unknown) => {
      console.error(failure);
      process.exit(1);
    },
  );
});
