import { afterEach, describe, expect, test, vi } from "vitest";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import { fromOutcome, passOn, toOutcome } from "../../src/gateway/durable/outcome.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an outcome", () => {
  test.each([null, 0, "", "ü 💩", [], { a: [1, { b: null }] }, undefined])(
    "brings back what was answered: %j",
    async (value) => {
      const outcome = await toOutcome(async () => value);
      expect(fromOutcome(structuredClone(outcome))).toEqual(value);
    },
  );

  test("brings back a problem with its extras", async () => {
    const problem = new ProblemError("instance_exists", { detail: "It is there." });
    const outcome = structuredClone(await toOutcome(() => Promise.reject(problem)));
    expect(() => fromOutcome(outcome)).toThrow(
      expect.objectContaining({ code: "instance_exists", extras: problem.extras }),
    );
  });

  test.each([
    ["what is thrown", () => Promise.reject(new Error("a secret"))],
    ["what is no JSON", async () => 1n],
  ])("tells nothing of %s, which is logged", async (_, work) => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    expect(await toOutcome(work)).toEqual({ ok: false, code: "internal_error", extras: {} });
    expect(log).toHaveBeenCalledOnce();
  });

  test("of another agent is passed on as it is, and so is a problem on the way", async () => {
    const outcome = await toOutcome(async () => "far");
    expect(await passOn(async () => outcome)).toBe(outcome);
    expect(await passOn(() => Promise.reject(new ProblemError("agent_not_found")))).toMatchObject({
      ok: false,
      code: "agent_not_found",
    });
  });
});
