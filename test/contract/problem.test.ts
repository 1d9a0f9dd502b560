import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  placesOf,
  Problem,
  type ProblemCode,
  ProblemError,
  PROBLEMS,
} from "../../src/gateway/contract/problem.ts";

const codes = Object.keys(PROBLEMS) as ProblemCode[];

describe("the table of problems", () => {
  test.each(codes)(
    "%s is snake_case, an HTTP error, and has a title that is a sentence of its own",
    (code) => {
      const { status, title } = PROBLEMS[code];
      expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      expect(title).toMatch(/^[A-Z].*[^.]$/);
      expect(codes.filter((other) => PROBLEMS[other].title === title)).toEqual([code]);
    },
  );

  test("sends nobody to try again what the client itself must change first", () => {
    const pass = [408, 425, 429];
    const misleading = codes.filter((code) => {
      const { status, retryable } = PROBLEMS[code];
      // What is in progress ends without the client.
      return retryable && status < 500 && !pass.includes(status) && code !== "request_in_progress";
    });
    expect(misleading).toEqual([]);
  });

  test("is the closed set of `code` on the wire", () => {
    const body = { type: "urn:x", title: "T", status: 400, requestId: "r", retryable: false };
    expect(codes.filter((code) => !Problem.safeParse({ ...body, code }).success)).toEqual([]);
    expect(Problem.safeParse({ ...body, code: "teapot" }).success).toBe(false);
    expect(Problem.safeParse(body).success).toBe(false);
  });
});

describe("a problem that is thrown", () => {
  test("says its detail, and the title of its code where there is none", () => {
    expect(new ProblemError("agent_not_found").message).toBe("No such agent");
    const failure = new ProblemError("agent_not_found", { detail: "No agent acme." });
    expect(failure).toMatchObject({
      name: "ProblemError",
      code: "agent_not_found",
      message: "No agent acme.",
    });
    expect(failure.extras).toEqual({ detail: "No agent acme." });
  });
});

describe("places of a request that do not match", () => {
  const schema = z.strictObject({
    id: z.string(),
    tags: z.array(z.strictObject({ label: z.string() })).optional(),
    "a/b": z.record(z.string(), z.number()).optional(),
  });
  const placesIn = (value: unknown, prefix?: readonly string[]) => {
    const { error } = schema.safeParse(value);
    if (error === undefined) throw new Error("the value was to be refused");
    return placesOf(error, "body", prefix);
  };
  const pointersIn = (value: unknown, prefix?: readonly string[]) =>
    placesIn(value, prefix).map(({ pointer }) => pointer);

  test("are pointed to through objects and lists", () => {
    expect(pointersIn({ id: "x", tags: [{ label: "fine" }, { label: 1 }] })).toEqual(["/tags/1/label"]);
  });

  test("are all told, not only the first", () => {
    expect(pointersIn({ id: 1, tags: [{ label: 1 }] })).toEqual(["/id", "/tags/0/label"]);
  });

  test("name the part of the request, and say what is wrong", () => {
    const [place] = placesIn({ id: 1 });
    expect(place).toMatchObject({ in: "body", pointer: "/id" });
    expect(place?.message).toContain("string");
  });

  test("are the empty pointer if the whole value is wrong", () => {
    expect(pointersIn("text")).toEqual([""]);
  });

  test("are one for each field that is not known, where that field stands", () => {
    expect(placesIn({ id: "x", extra: 1, tags: [{ label: "a", more: 2, most: 3 }] })).toEqual(
      expect.arrayContaining([
        { in: "body", pointer: "/extra", message: "is not a known field" },
        { in: "body", pointer: "/tags/0/more", message: "is not a known field" },
        { in: "body", pointer: "/tags/0/most", message: "is not a known field" },
      ]),
    );
  });

  test("escape `~` and `/` as RFC 6901 says: `~` first", () => {
    expect(pointersIn({ id: "x", "~1": 0 })).toEqual(["/~01"]);
    expect(pointersIn({ id: "x", "/~": 0 })).toEqual(["/~1~0"]);
    expect(pointersIn({ id: "x", "a/b": { "c~d": "no number" } })).toEqual(["/a~1b/c~0d"]);
    expect(pointersIn({ id: "x", "": 0 })).toEqual(["/"]);
  });

  test("begin where they are told to", () => {
    expect(pointersIn({ id: 1, extra: 1 }, ["params", "a/b"])).toEqual([
      "/params/a~1b/id",
      "/params/a~1b/extra",
    ]);
  });
});
