import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { checksumOf, digestOf, mintKey, readKey } from "../../src/gateway/auth/key-text.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** CRC-32 as Node has it, in base62: what a scanner for secrets computes. */
function expectedChecksum(text: string): string {
  let [left, word] = [crc32(text), ""];
  for (let at = 0; at < 6; at += 1) {
    word = ALPHABET.charAt(left % 62) + word;
    left = Math.floor(left / 62);
  }
  return word;
}

describe("a key", () => {
  test("says of which gateway and which key it is, and nothing else", async () => {
    const { id, key, digest } = await mintKey("live");
    expect(key).toMatch(/^sy_live_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}$/);
    expect(readKey(key)).toEqual({ environment: "live", id });
    expect(digest).toBe(createHash("sha256").update(key).digest("hex"));
  });

  test("keeps its id when it gets a new secret", async () => {
    const first = await mintKey("live");
    const second = await mintKey("live", first.id);
    expect(second.id).toBe(first.id);
    expect(second.key).not.toBe(first.key);
    expect(readKey(second.key)?.id).toBe(first.id);
  });

  test("is another one every time", async () => {
    const minted = await Promise.all(Array.from({ length: 500 }, () => mintKey("live")));
    expect(new Set(minted.map(({ key }) => key)).size).toBe(500);
    expect(new Set(minted.map(({ id }) => id)).size).toBe(500);
  });

  test("ends with the CRC-32 of all before it, so that anybody can tell it", async () => {
    const { key } = await mintKey("test");
    expect(key.slice(-6)).toBe(expectedChecksum(key.slice(0, -6)));
    for (const text of ["", "a", "sy_live_", "é", "\u0000".repeat(50)])
      expect(checksumOf(text)).toBe(expectedChecksum(text));
  });

  test("that was changed anywhere is none", async () => {
    const { key } = await mintKey("live");
    for (let at = 0; at < key.length; at += 1) {
      const other = key.charAt(at) === "a" ? "b" : "a";
      expect(readKey(key.slice(0, at) + other + key.slice(at + 1)), String(at)).toBeUndefined();
    }
    for (const changed of [
      `${key}a`,
      key.slice(1),
      key.slice(0, -1),
      ` ${key}`,
      `${key}\n`,
      key.toLowerCase(),
    ])
      expect(readKey(changed)).toBeUndefined();
  });

  test.each(["", "sy_", "sy_live", "sy_test_4f1c2b7d9e0a6358", "Bearer", "a.b.c", "sy_live__", "__proto__"])(
    "is not %j",
    (text) => {
      expect(readKey(text)).toBeUndefined();
    },
  );

  test("has a digest of its own", async () => {
    expect(await digestOf("a")).not.toBe(await digestOf("b"));
  });
});
