import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DefinitionError } from "../../src/gateway/registry/definition-error.ts";
import { DefaultProgress, defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";

const contract = {
  name: "refund",
  binding: "REFUND",
  params: z.object({ orderId: z.string() }),
  output: z.object({}),
};

/** The DefinitionError of a mistake; anything else fails the test. */
function mistakeOf(define: () => unknown): string {
  try {
    define();
  } catch (failure) {
    if (failure instanceof DefinitionError) return failure.message;
    throw failure;
  }
  throw new Error("no mistake was found");
}

describe("a mistake in a workflow is told with its name and a remedy", () => {
  test.each(["", "Refund", "refundOrder", "refund_order", "refund order", "sub", "x".repeat(65)])(
    "the name %j",
    (name) => {
      const message = mistakeOf(() => defineWorkflow({ ...contract, name }));
      expect(message).toContain(`Workflow "${name}"`);
      expect(message).toContain("Rename it");
    },
  );

  test.each(["customerReplied", "customer replied", "sub"])("the event %j", (type) => {
    const message = mistakeOf(() =>
      defineWorkflow({ ...contract, events: { fine: z.string(), [type]: z.string() } }),
    );
    expect(message).toContain('Workflow "refund"');
    expect(message).toContain(`"${type}"`);
    expect(message).toContain("Rename it");
  });

  test.each(["", "my binding", "my-binding", "1ST", "REFUND;"])("the binding %j", (binding) => {
    const message = mistakeOf(() => defineWorkflow({ ...contract, binding }));
    expect(message).toContain('Workflow "refund"');
    expect(message).toContain(`"${binding}"`);
    expect(message).toContain("wrangler.jsonc");
  });

  test.each(["", "1st", "a b", 'a"', "a,b", "é", "__gateway", "x".repeat(65)])("the label %j", (label) => {
    const message = mistakeOf(() => defineWorkflow({ ...contract, labels: ["fine", label] }));
    expect(message).toContain('Workflow "refund"');
    expect(message).toContain(`"${label}" cannot be a label`);
  });

  test.each(["__gateway", "__agentName", "__"])(
    "the parameter %j, which is the platform's or the gateway's",
    (parameter) => {
      const params = z.object({ fine: z.string(), [parameter]: z.string() });
      const message = mistakeOf(() => defineWorkflow({ ...contract, params }));
      expect(message).toContain('Workflow "refund"');
      expect(message).toContain(`"${parameter}"`);
      expect(message).toContain("Rename it");
    },
  );
});

const accepts = (params: z.ZodObject, value: unknown): boolean =>
  defineWorkflow({ ...contract, params }).params.safeParse(value).success;

describe("params", () => {
  test("refuse a field that is not known, and name it", () => {
    const { error } = defineWorkflow(contract).params.safeParse({ orderId: "o-1", orderID: "o-2" });
    expect(error?.issues).toMatchObject([{ code: "unrecognized_keys", keys: ["orderID"] }]);
  });

  test("keep fields that are not known if the author made the object loose", () => {
    const { params } = defineWorkflow({ ...contract, params: z.looseObject({ orderId: z.string() }) });
    expect(params.parse({ orderId: "o-1", more: true })).toEqual({ orderId: "o-1", more: true });
  });

  test("check fields that are not known if the author said how", () => {
    const params = z.object({ orderId: z.string() }).catchall(z.number());
    expect(accepts(params, { orderId: "o-1", more: 1 })).toBe(true);
    expect(accepts(params, { orderId: "o-1", more: "text" })).toBe(false);
  });

  test("keep the author's refinements, defaults and transforms", () => {
    const params = z
      .object({
        from: z.number(),
        to: z.number().default(9),
        unit: z.string().transform((unit) => unit.toUpperCase()),
      })
      .refine(({ from, to }) => from <= to);
    expect(defineWorkflow({ ...contract, params }).params.parse({ from: 1, unit: "m" })).toEqual({
      from: 1,
      to: 9,
      unit: "M",
    });
    expect(accepts(params, { from: 10, unit: "m" })).toBe(false);
    expect(accepts(params, { from: 1, unit: "m", more: 1 })).toBe(false);
  });

  test("leave the author's own schema as it was", () => {
    const params = z.object({ orderId: z.string() });
    defineWorkflow({ ...contract, params });
    expect(params.safeParse({ orderId: "o-1", more: 1 }).success).toBe(true);
  });
});

describe("what a contract leaves out", () => {
  const refund = defineWorkflow(contract);

  test("is Cloudflare's own progress", () => {
    expect(refund.progress).toBe(DefaultProgress);
    const report = { step: "pay", status: "running", message: "…", percent: 0.5, more: true };
    expect(refund.progress.parse(report)).toEqual(report);
    expect(refund.progress.safeParse({ status: "asleep" }).success).toBe(false);
  });

  test("is no metadata with a decision", () => {
    expect(refund.approval.safeParse(undefined).success).toBe(true);
    expect(refund.approval.safeParse({ note: "x" }).success).toBe(false);
  });

  test("is how much is kept of an instance: thirty days, and ten thousand events", () => {
    const month = 30 * 86_400_000;
    expect(refund.keepMs).toEqual({ complete: month, errored: month, terminated: month });
    expect(refund.keepEvents).toBe(10_000);
  });

  test("is no events and no description", () => {
    expect(refund.events).toEqual({});
    expect(refund.description).toBeUndefined();
  });
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("%d events cannot be kept", (keepEvents) => {
  expect(() => defineWorkflow({ ...contract, keepEvents })).toThrow("keepEvents must be a number of events");
});

test("a contract is kept as it was written", () => {
  const options = {
    ...contract,
    description: "Pay back",
    progress: z.object({ percent: z.number() }),
    approval: z.object({ note: z.string() }),
    events: { "customer-replied": z.string() },
    keepEvents: 500,
  };
  const { params: _, ...rest } = options;
  expect(defineWorkflow(options)).toMatchObject(rest);
});
