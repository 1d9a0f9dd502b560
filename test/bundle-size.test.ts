import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Build, build } from "../bench/build.ts";
import { ROOT } from "../scripts/local-environment.ts";
import { fromJSONSchema } from "../src/left-out/from-json-schema.ts";
import { Client } from "../src/left-out/mcp-client.ts";
import { newWebSocketRpcSession } from "../src/left-out/web-socket-rpc.ts";

/** What the reference app may weigh as it is uploaded, in bytes. */
const MOST_BYTES = 400_000;

let folder: string;
let built: Build;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-bundle-"));
  built = await build(join(ROOT, "wrangler.jsonc"), folder);
});
afterAll(() => rm(folder, { recursive: true }));

describe("the reference app in a bundle", () => {
  test("is small", () => {
    expect(built.compressedBytes).toBeLessThan(MOST_BYTES);
  });

  test("is without what is left out", async () => {
    const { sources } = JSON.parse(await readFile(`${built.script}.map`, "utf8")) as { sources: string[] };
    const leftOut =
      /\/node_modules\/(?:zod\/v4\/(?:locales\/(?!en\.js)|classic\/from-json)|mime-db\/|@modelcontextprotocol\/client\/|.*cfWorkerProvider|capnweb\/|yaml\/)/;
    expect(sources.filter((source) => leftOut.test(source))).toEqual([]);
    expect(sources.some((source) => source.endsWith("/src/left-out/mcp-client.ts"))).toBe(true);
  });

  test.each([Client, newWebSocketRpcSession, fromJSONSchema])(
    "tells whoever asks for what was left out how to have it",
    (asked) => {
      expect(asked).toThrow(/"alias" in wrangler\.jsonc/);
    },
  );
});
