import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { startProxy } from "../support/proxy.ts";
import { inspect } from "../support/received.ts";
import { until } from "../support/until.ts";

const DATASET = "/agents/catalog/acme/sub/dataset/capitals";

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-curl-"));
  gateway = await startGateway();
});
afterAll(async () => {
  await gateway.harness.close();
  await rm(folder, { recursive: true });
});

/** The commands that README shows. */
async function commandsOfReadme(): Promise<string> {
  const readme = await readFile(join(import.meta.dirname, "..", "..", "README.md"), "utf8");
  return /```sh\n(D=http:[^`]*)```/.exec(readme)?.[1]?.trim() ?? "";
}

test("there is a curl that knows --json, which came with 7.82", () => {
  const { stdout } = spawnSync("curl", ["--help", "all"], { encoding: "utf8" });
  expect(stdout, "install curl, to run these tests").toContain("--json");
});

test("by curl, as README shows in ten lines at most, an import is started, followed through a cut, approved and listed", async () => {
  const commands = await commandsOfReadme();
  expect(commands).toContain("/workflows/import-dataset");
  expect(commands.split("\n").length).toBeLessThanOrEqual(10);

  await using proxy = await startProxy(gateway);
  const shell = spawn("bash", ["-c", commands.replace("http://127.0.0.1:8787", proxy.url.origin)], {
    cwd: folder,
    env: { ...process.env, A: `Authorization: Bearer ${gateway.key}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const events = (): Promise<string> => readFile(join(folder, "events"), "utf8").catch(() => "");
  const ended = Promise.all([text(shell.stdout), text(shell.stderr), once(shell, "close")]);
  await until(events, (told) => /^event: approval\.requested\ndata: .*\n\n/m.test(told));
  proxy.cut();
  const [said, complaints] = await ended;
  inspect("curl", said);
  expect([shell.exitCode, complaints]).toEqual([0, ""]);

  const frames = Array.from((await events()).matchAll(/^id: (.*)\nevent: (.*)$/gm), ([, id, type]) => ({
    id,
    type,
  }));
  // What a stream says of itself has the id of the event before.
  const told = frames.filter(({ type }) => !type?.startsWith("stream."));
  const [, list = "{}"] = /(\{"items":.*\})$/s.exec(said) ?? [];
  const { items } = JSON.parse(list) as { items: { id: string; status: string; output: object }[] };
  expect(items).toMatchObject([{ status: "complete", output: { rows: 1, rejected: 0 } }]);
  const journal = await gateway.get(`${DATASET}/instances/${items[0]?.id}/events`, {
    accept: "application/json",
  });
  expect(told).toEqual(
    journal.json<{ items: { id: string; type: string }[] }>().items.map(({ id, type }) => ({ id, type })),
  );
  expect(frames.at(-1)?.type).toBe("stream.end");
  const asked = told.find(({ type }) => type === "approval.requested");
  expect(proxy.passed.flatMap(({ lastEventId }) => lastEventId ?? [])).toEqual([asked?.id]);
});
