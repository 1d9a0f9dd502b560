import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { requireJson } from "../../routes/json-text.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";

const SUITE = new URL("../data/json-test-suite/", import.meta.url);
const names = readdirSync(SUITE);

/** Code of the problem by which bytes are refused; `taken` if they are not. */
function outcomeOf(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    requireJson(bytes.buffer);
    return "taken";
  } catch (failure) {
    if (failure instanceof ProblemError) return failure.code;
    throw failure;
  }
}
const outcomeOfFile = (name: string): string =>
  outcomeOf(new Uint8Array(readFileSync(new URL(encodeURIComponent(name), SUITE))));
const outcomeOfText = (text: string): string => outcomeOf(new TextEncoder().encode(text));

describe("of the suite of JSON texts", () => {
  test("none is taken that is no JSON", () => {
    expect(names.filter((name) => name.startsWith("n_") && outcomeOfFile(name) === "taken")).toEqual([]);
  });

  test("all are taken that are JSON, but those with a key twice", () => {
    const refused = names.filter((name) => name.startsWith("y_") && outcomeOfFile(name) !== "taken");
    expect(refused).toEqual(["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"]);
  });

  test("of those that may be taken, these are: numbers that JavaScript rounds, and lone surrogates that are escaped", () => {
    const taken = names.filter((name) => name.startsWith("i_") && outcomeOfFile(name) === "taken");
    expect(taken.filter((name) => !/^i_(?:number_|string_|object_key_lone)/.test(name))).toEqual([]);
    const misread = names.filter((name) => name.startsWith("i_") && !taken.includes(name));
    expect(misread.map((name) => `${outcomeOfFile(name)} ${name.slice(2, -5)}`)).toEqual([
      "invalid_request number_huge_exp",
      "invalid_request number_neg_int_huge_exp",
      "invalid_request number_pos_double_huge_exp",
      "invalid_request number_real_neg_overflow",
      "invalid_request number_real_pos_overflow",
      "malformed_json string_UTF-16LE_with_BOM",
      "malformed_json string_UTF-8_invalid_sequence",
      "malformed_json string_UTF8_surrogate_U+D800",
      "malformed_json string_invalid_utf-8",
      "malformed_json string_iso_latin_1",
      "malformed_json string_lone_utf8_continuation_byte",
      "malformed_json string_not_in_unicode_range",
      "malformed_json string_overlong_sequence_2_bytes",
      "malformed_json string_overlong_sequence_6_bytes",
      "malformed_json string_overlong_sequence_6_bytes_null",
      "malformed_json string_truncated-utf-8",
      "malformed_json string_utf16BE_no_BOM",
      "malformed_json string_utf16LE_no_BOM",
      "invalid_request structure_500_nested_arrays",
      "malformed_json structure_UTF-8_BOM_empty_object",
    ]);
  });
});

test.each([
  ["{}", "taken"],
  ["[]", "taken"],
  ['"text"', "taken"],
  ['{"a":{"b":1},"b":{"b":1}}', "taken"],
  ['[{"a":1},{"a":1}]', "taken"],
  ['{"a":"a","b":"a"}', "taken"],
  ['{"a\\"":1,"a":2}', "taken"],
  ['{"a":",\\"a\\":1"}', "taken"],
  ['{"a":[1,2,"a"],"b":3}', "taken"],
  ['{"a":1,"a":2}', "malformed_json"],
  ['{"a":1,"b":{},"a":2}', "malformed_json"],
  ['{"a":1,"b":[{}],"a":2}', "malformed_json"],
  ['[[{"a":1 , "a" : 2}]]', "malformed_json"],
  ['{"é":1,"\\u00e9":2}', "malformed_json"],
  ['{"\\\\":1,"\\u005c":2}', "malformed_json"],
  ['{"__proto__":1}', "invalid_request"],
  ['{"a":"__proto__"}', "taken"],
  ["[1e308,-1e308,5e-324]", "taken"],
  ["[1e309]", "invalid_request"],
  ['"\\ud800"', "taken"],
  ["", "malformed_json"],
  [" ", "malformed_json"],
])("%s is %s", (text, outcome) => {
  expect(outcomeOfText(text)).toBe(outcome);
});

test("a text of many quotes costs no more than one of as many letters", () => {
  // What looked for the end of a string again and again would not come back from this.
  expect(outcomeOfText(`{"a":"${'\\"'.repeat(500_000)}`)).toBe("malformed_json");
  expect(outcomeOfText(`{"a":"${'\\"'.repeat(500_000)}"}`)).toBe("taken");
});
