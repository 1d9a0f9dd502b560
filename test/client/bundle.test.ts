import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

/** What the client may be, minified: it is in the page of every user. */
const MOST_BYTES = 16 * 1024;

const { metafile, outputFiles } = await build({
  absWorkingDir: ROOT,
  entryPoints: ["src/client.ts"],
  bundle: true,
  format: "esm",
  // No part of Node, and nothing else that a browser does not have, can be resolved.
  platform: "browser",
  minify: true,
  metafile: true,
  write: false,
});
const inputs = Object.keys(metafile.inputs);

describe("the client in a bundle", () => {
  test("is itself and the parser of event streams, and nothing else", () => {
    const others = inputs.filter(
      (file) => !/^src\/(?:client\.ts|gateway\/client\/)|^node_modules\/eventsource-parser\//.test(file),
    );
    expect(others).toEqual([]);
    expect(inputs.length).toBeGreaterThan(10);
  });

  test("has no import left that somebody else would have to resolve", () => {
    const [output] = Object.values(metafile.outputs);
    expect(output?.imports).toEqual([]);
    expect(output?.exports.toSorted()).toContain("createClient");
  });

  test("is small", () => {
    expect(outputFiles[0]?.contents.byteLength).toBeLessThan(MOST_BYTES);
  });
});
