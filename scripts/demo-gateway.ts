import { join } from "node:path";
import { DemoFailure, explainFailure } from "./demo-failure.ts";
import { localEnvironment, LOOPBACK, ROOT } from "./local-environment.ts";
import { KEY_NAME, SECRET_NAME } from "./local-key.ts";

/** A gateway for one run of the demo, with storage of its own. */
export interface DemoGateway {
  /** Starts it on a free port. @throws DemoFailure if it does not start, or if others than this machine could reach it. */
  listen(): Promise<URL>;
  /** Stops it and all its processes; its storage is gone. */
  close(): Promise<void>;
}

/** Makes a {@link DemoGateway}. @param key the only key that it lets in. @param secret with which callbacks are signed. */
export async function createDemoGateway(key: string, secret: string): Promise<DemoGateway> {
  // The demo tells by itself what goes wrong.
  Object.assign(process.env, localEnvironment(), { WRANGLER_LOG: "none", WRANGLER_WRITE_LOGS: "false" });
  // Imported only now: wrangler reads its environment as it loads.
  const { createTestHarness } = await import("wrangler");
  const harness = createTestHarness({
    root: ROOT,
    workers: [
      { configPath: join(ROOT, "wrangler.jsonc"), secrets: { [KEY_NAME]: key, [SECRET_NAME]: secret } },
    ],
  });
  return {
    async listen() {
      const { url } = await harness.listen().catch((failure: unknown) => {
        throw new DemoFailure(`The gateway did not start: ${explainFailure(failure)}`, { cause: failure });
      });
      if (url.hostname !== LOOPBACK)
        throw new DemoFailure(`The gateway listens on ${url.host}, not on ${LOOPBACK} only.`);
      return url;
    },
    close: () => harness.close(),
  };
}
