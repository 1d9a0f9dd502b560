import { describe, expect, test } from "vitest";
import { lengthFromPath, pathOf } from "../../routes/url.ts";

describe("the path of a URL", () => {
  test.each([
    ["https://desk.example.com/agents/desk/a%40b?scope=subtree", "/agents/desk/a%40b"],
    ["http://127.0.0.1:8787/", "/"],
    ["http://127.0.0.1:8787/docs?to=/a/b#c", "/docs"],
    ["http://[::1]:8787/a//b/", "/a//b/"],
    ["https://desk.example.com/?u=https://other.example/x", "/"],
  ])("is that which URL finds: %s", (url, path) => {
    expect(pathOf(url)).toBe(path);
    expect(pathOf(url)).toBe(new URL(url).pathname);
  });

  test.each(["http://a?b/agents/x", "http://a#b/agents/x", "http://a"])(
    "is none where it was not sent: %s",
    (url) => {
      expect(pathOf(url)).toBe("");
    },
  );

  test.each([
    ["https://desk.example.com/agents?limit=1", "/agents?limit=1"],
    ["http://127.0.0.1:8787/", "/"],
    ["http://127.0.0.1", ""],
  ])("counts with its query: %s", (url, rest) => {
    expect(lengthFromPath(url)).toBe(rest.length);
  });
});
