import { describe, expect, test } from "vitest";
import { refusalOf } from "../../src/gateway/webhook/url-policy.ts";
import { HOSTILE_URLS, loopbackUrls } from "../support/hostile-urls.ts";

test("there are enough hostile URLs", () => {
  expect(HOSTILE_URLS.length).toBeGreaterThan(300);
});

test.each(HOSTILE_URLS.map((url) => [url.slice(0, 80), url] as const))("%j is refused", (_, url) => {
  expect(refusalOf(url, false)).toMatch(/^\w.*\.$/);
});

test.each([
  "https://example.com/",
  "https://example.com",
  "https://example.com:443/hook",
  "HTTPS://EXAMPLE.COM/Hook?Token=A%20b&c=d",
  "https://hooks.example.co.uk/a/b/c?d=e@f",
  "https://xn--bcher-kva.example.com/",
  "https://bücher.example.com/",
  "https://a_b.example.com/",
  "https://hooks.slack.com/services/T000/B000/XXXX",
  "https://1.example.com/",
  "https://127.0.0.1.example.com/",
  "https://localhost.example.com/",
  "https://notnip.io/",
  `https://example.com/${"a".repeat(2_000)}`,
])("%s is allowed", (url) => {
  expect(refusalOf(url, false)).toBeUndefined();
});

describe("this machine, where that is allowed", () => {
  test.each([
    "http://127.0.0.1/",
    "http://127.0.0.1:8787/hook",
    "https://127.0.0.1:8443/",
    "http://localhost:3000/",
    "https://localhost/",
    "http://[::1]:8080/",
    "http://2130706433:8080/",
  ])("%s is allowed", (url) => {
    expect(refusalOf(url, true)).toBeUndefined();
    expect(refusalOf(url, false)).toBeDefined();
  });

  test("is all that is: nothing else that is refused is allowed for it", () => {
    const allowed = HOSTILE_URLS.filter((url) => refusalOf(url, true) === undefined);
    const hosts = new Set(allowed.map((url) => URL.parse(url)?.hostname));
    expect([...hosts].toSorted()).toEqual(["127.0.0.1", "[::1]", "localhost"]);
    expect(allowed.length).toBeGreaterThan(10);
  });

  test.each([
    "http://user@localhost/",
    "http://localhost/#a",
    "ftp://localhost/",
    "http://127.0.0.2/",
    "http://0.0.0.0/",
  ])("%s is refused all the same", (url) => {
    expect(refusalOf(url, true)).toBeDefined();
  });
});

test("every spelling of a port of this machine is refused", () => {
  expect(loopbackUrls(9_000).filter((url) => refusalOf(url, false) === undefined)).toEqual([]);
});
