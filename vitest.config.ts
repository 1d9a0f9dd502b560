import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/browser/**", "test/python/**"],
    // Nothing that a gateway sends in any test may show what is internal.
    setupFiles: ["test/support/inspect-all.ts"],
    // Each file that needs the engine starts one of its own.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Node has the EventSource of undici; readers of streams are tried with it.
    execArgv: ["--experimental-eventsource"],
    env: { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" },
  },
});
