import { describe, expect, test } from "vitest";
import { z } from "zod";
import { instanceSchema, InstanceStatus, isTerminal, Metadata } from "../../src/gateway/contract/instance.ts";

const schema = instanceSchema(
  { name: "refund", progress: z.object({ percent: z.number() }), output: z.object({ refundId: z.string() }) },
  "RefundInstance",
);
const common = {
  id: "r-1",
  workflow: "refund",
  agent: "/agents/order-desk/acme",
  attempt: 1,
  metadata: {},
  startedBy: "ada",
  progress: null,
  createdAt: "2026-04-01T10:00:00.000Z",
  updatedAt: "2026-04-01T10:00:00.000Z",
  startedAt: null,
  completedAt: null,
  links: {
    self: "/agents/order-desk/acme/instances/r-1",
    events: "/agents/order-desk/acme/instances/r-1/events",
  },
};
const waitingFor = { type: "approval", approvalId: "apr_1", stepName: "manager", deadline: null };
const error = { name: "TypeError", message: "no" };
const fits = (value: object): boolean => schema.safeParse({ ...common, ...value }).success;

describe("the schema of an instance", () => {
  test.each([
    { status: "queued" },
    { status: "running" },
    { status: "paused" },
    { status: "terminated" },
    { status: "waiting", waitingFor },
    { status: "complete", output: { refundId: "x" } },
    { status: "errored", error },
  ])("takes one that is $status", (shape) => expect(fits(shape)).toBe(true));

  test("has a shape for every status", () => {
    const extras = { waitingFor, output: { refundId: "x" }, error };
    expect(InstanceStatus.options.filter((status) => !fits({ ...extras, status }))).toEqual([]);
  });

  test.each([
    ["an errored one without its error", { status: "errored" }],
    ["an errored one whose error has no message", { status: "errored", error: { name: "Error" } }],
    ["a complete one without its output", { status: "complete" }],
    [
      "a complete one with the output of another workflow",
      { status: "complete", output: { shipmentId: "x" } },
    ],
    ["a waiting one that does not say for what", { status: "waiting" }],
    [
      "a waiting one that waits for nothing that is known",
      { status: "waiting", waitingFor: { type: "godot" } },
    ],
    ["one without a status", {}],
    ["one of another status", { status: "sleeping" }],
    ["one of another workflow", { status: "queued", workflow: "shipment" }],
    ["one at attempt 0", { status: "queued", attempt: 0 }],
    [
      "one with progress that its workflow cannot report",
      { status: "running", progress: { percent: "half" } },
    ],
    ["one whose id is no name", { status: "queued", id: "a/b" }],
    ["one that was created at no time", { status: "queued", createdAt: 1_775_000_000_000 }],
  ])("refuses %s", (_, shape) => expect(fits(shape)).toBe(false));
});

test("an instance has ended when it is complete, errored or terminated, and in no other status", () => {
  expect(InstanceStatus.options.filter(isTerminal)).toEqual(["complete", "errored", "terminated"]);
});

const keys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, at]));

const isMetadata = (value: unknown): boolean => Metadata.safeParse(value).success;

describe("metadata", () => {
  test.each([
    ["nothing", {}],
    ["strings, numbers and booleans", { order: "o-1", amount: 1.5, urgent: false }],
    ["50 keys", keys(50)],
    ["a key of 64 characters and a value of 512", { ["k".repeat(64)]: "v".repeat(512) }],
    ["a key that every object has", { constructor: "x", toString: "y" }],
  ])("may be %s", (_, value) => expect(Metadata.safeParse(value)).toEqual({ success: true, data: value }));

  test.each([
    ["51 keys", keys(51)],
    ["an empty key", { "": 1 }],
    ["a key of 65 characters", { ["k".repeat(65)]: 1 }],
    ["a value of 513 characters", { key: "v".repeat(513) }],
    ["an object in it", { key: {} }],
    ["a list in it", { key: [1] }],
    ["null in it", { key: null }],
    ["a number that JSON cannot say", { key: Number.POSITIVE_INFINITY }],
    ["a list", ["x"]],
    ["text", "x"],
  ])("may not be %s", (_, value) => expect(isMetadata(value)).toBe(false));
});
