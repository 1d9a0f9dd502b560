import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createTestHarness } from "wrangler";
import { startGateway } from "../support/gateway.ts";

const ROOT = join(import.meta.dirname, "..", "..");

describe("a Worker that cannot serve what it defines does not start, and says why", () => {
  test.each([
    [
      "missing-workflow",
      'Workflow "silent": the environment has no workflow binding "SILENT". Add it to workflows',
    ],
    [
      "not-gateway",
      'Agent "office": the class Office is none that the gateway can serve. Extend withGateway(Agent).',
    ],
    ["any-origin", 'cors.origins has "*", which is no origin. Write "https://app.example": no path, no "*".'],
    ["missing-agent", 'no Durable Object binding "OFFICE". Add it to durable_objects.bindings'],
  ])("%s", async (fixture, message) => {
    const harness = createTestHarness({
      root: ROOT,
      workers: [{ configPath: `test/fixtures/broken/${fixture}.jsonc` }],
    });
    try {
      await expect(harness.listen()).rejects.toThrow("failed to start");
      expect(
        harness
          .getLogs()
          .map((log) => log.message)
          .join("\n"),
      ).toContain(message);
    } finally {
      await harness.close();
    }
  });
});

describe("a class that is not exported under its name is told in answer to every request, and logged", () => {
  test.each([
    ["missing-export", 'Agent "desk": the Worker exports no class "Desk". Export it from the main module'],
    ["renamed-class", 'the name looks minified: set "keep_names": true in wrangler.jsonc'],
  ])("%s", async (fixture, message) => {
    await using gateway = await startGateway(`test/fixtures/broken/${fixture}.jsonc`);
    const answer = await gateway.get("/healthz");
    expect(answer.status).toBe(503);
    expect(answer.json()).toMatchObject({
      code: "gateway_not_configured",
      detail: expect.stringContaining(message),
    });
    expect(
      gateway.harness
        .getLogs()
        .map((log) => log.message)
        .join("\n"),
    ).toContain(message);
  });
});
