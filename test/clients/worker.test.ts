import { join } from "node:path";
import { createTestHarness } from "wrangler";
import { expect, test } from "vitest";
import { startGateway } from "../support/gateway.ts";
import { ask } from "../support/received.ts";

test("the client runs in a Worker", async () => {
  await using gateway = await startGateway("test/fixtures/workshop/wrangler.jsonc");
  const root = join(import.meta.dirname, "..", "..");
  const caller = createTestHarness({
    root,
    workers: [{ configPath: join(root, "test/fixtures/caller/wrangler.jsonc") }],
  });
  try {
    const { url } = await caller.listen();
    const body = JSON.stringify({ url: gateway.url.origin, key: gateway.key });
    const answer = await ask(url, { method: "POST", body });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        types: expect.arrayContaining(["instance.queued", "approval.decided", "instance.completed"]),
        output: { signatures: ["a worker"] },
      },
    ]);
  } finally {
    await caller.close();
  }
});
