import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Json, toYaml } from "../../openapi/yaml.ts";

const NAUGHTY: string[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "data", "naughty-strings.json"), "utf8"),
);

/** What parsers of either version of YAML make of a value. */
const readBack = (value: Json): unknown[] =>
  (["1.1", "1.2"] as const).map((version) =>
    parse(toYaml(value), { version, maxAliasCount: 0, merge: false }),
  );

describe("JSON as YAML", () => {
  test("is written in blocks, with text of several lines as it is", () => {
    const value = {
      openapi: "3.1.0",
      on: true,
      info: { title: "Data desk", description: "# Title\n\n- one: a\n  two # b" },
      tags: [{ name: "gateway", empty: {} }, "x", ["deep", []]],
      paths: { "/agents/{name}": { get: { responses: { "200": { $ref: "#/a" } } } } },
    };
    expect(toYaml(value)).toBe(`openapi: "3.1.0"
"on": true
info:
  title: "Data desk"
  description: |-
    # Title

    - one: a
      two # b
tags:
  - name: gateway
    empty: {}
  - x
  - - deep
    - []
paths:
  "/agents/{name}":
    get:
      responses:
        "200":
          $ref: "#/a"
`);
    expect(readBack(value)).toEqual([value, value]);
  });

  test.each([
    "true",
    "No",
    "y",
    "~",
    "null",
    "1",
    "1e3",
    "0x1f",
    "2026-11-26",
    "12:30:45",
    ".inf",
    "=",
    "<<",
    "- a",
    "a: b",
    "a #b",
    "",
    " a",
    "a ",
    "a\nb",
    " a\nb",
    "a\nb ",
    "a\n",
    "\na",
    "a\n\n  b",
    "a\r\nb",
    "a\tb\nc",
    "---\na",
    "\u2028",
    "\ud800",
    "{",
    "&a",
    "*a",
    "!a",
  ])("%j is read back as itself, also as a key", (text) => {
    const value = [text, { a: text }];
    expect(readBack(value)).toEqual([value, value]);
    expect(parse(toYaml({ [text]: text }))).toEqual({ [text]: text });
  });

  test("every naughty string is read back as itself", () => {
    expect(readBack(NAUGHTY)).toEqual([NAUGHTY, NAUGHTY]);
  });

  test("anything is read back as itself", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.stringMatching(/^[ \na:#-]{0,12}$/),
    );
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.array(texts), (value, lines) => {
        const all = JSON.parse(JSON.stringify({ value, lines })) as Json;
        expect(readBack(all)).toEqual([all, all]);
      }),
    );
  });
});
