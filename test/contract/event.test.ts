import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  ControlFrame,
  ENDING_TYPES,
  EVENT_TYPES,
  eventSchema,
  INSTANCE_EVENT_TYPES,
  isOfInstance,
  StateUpdated,
} from "../../src/gateway/contract/event.ts";

const schema = eventSchema(
  { name: "refund", progress: z.object({ percent: z.number() }), output: z.object({ refundId: z.string() }) },
  "RefundEvent",
);
const common = {
  id: "0a1b2c3d-1",
  agent: "/agents/order-desk/acme",
  instanceId: "r-1",
  workflow: "refund",
  attempt: 1,
  time: "2026-04-01T10:00:00.000Z",
};
const approval = {
  id: "apr_1",
  instanceId: "r-1",
  workflow: "refund",
  agent: "/agents/order-desk/acme",
  attempt: 1,
  stepName: "manager",
  occurrence: 1,
  summary: null,
  details: null,
  metadataSchema: { type: "object" },
  approvers: { scopes: [], principals: ["ada"] },
  selfApproval: false,
  required: 2,
  votes: [
    {
      principal: "ada",
      decision: "approve",
      door: "rest",
      reason: null,
      votedAt: "2026-04-01T10:00:00.000Z",
    },
  ],
  status: "pending",
  requestedAt: "2026-04-01T10:00:00.000Z",
  deadline: null,
  decidedBy: null,
  decidedVia: null,
  decidedAt: null,
  reason: null,
  shown: null,
  metadata: null,
  links: {
    self: "/agents/desk/acme/approvals/a",
    instance: "/agents/desk/acme/instances/i",
    approve: "/agents/desk/acme/approvals/a/approve",
    reject: "/agents/desk/acme/approvals/a/reject",
  },
};
const waitingFor = { type: "approval", approvalId: "apr_1", stepName: "manager", deadline: null };
const error = { name: "Error", message: "no" };
/** Data of every event at once: each type takes its part, and misses it where it is left out. */
const everything = {
  metadata: {},
  progress: { percent: 0.5 },
  waitingFor,
  event: { type: "x" },
  message: "hello",
  from: null,
  output: { refundId: "x" },
  error,
  approval,
};
/** Types whose data is empty, or anything. */
const WITHOUT_DATA: readonly string[] = [
  "instance.started",
  "instance.paused",
  "instance.resumed",
  "instance.terminated",
  "instance.event",
  "instance.message",
];
const fits = (type: string, data: unknown, changes: object = {}): boolean =>
  schema.safeParse({ ...common, type, data, ...changes }).success;

describe("the schema of an event", () => {
  test.each(INSTANCE_EVENT_TYPES)("takes %s with its own data", (type) =>
    expect(fits(type, everything)).toBe(true),
  );

  test.each(INSTANCE_EVENT_TYPES.filter((type) => !WITHOUT_DATA.includes(type)))(
    "refuses %s without its data",
    (type) => expect(fits(type, {})).toBe(false),
  );

  test.each([
    ["progress that the workflow cannot report", "instance.progress", { progress: { percent: "half" } }],
    ["the output of another workflow", "instance.completed", { output: { shipmentId: "x" } }],
    ["an approval that is none", "approval.requested", { approval: { ...approval, status: "maybe" } }],
    ["an error that is a text", "instance.errored", { error: "no" }],
    ["no data at all", "instance.started", undefined],
  ])("refuses %s", (_, type, data) => expect(fits(type, data)).toBe(false));

  test("refuses types that the journal does not have, and `error` first of all", () => {
    expect(
      ["error", "message", "open", "instance", "stream.end", ""].filter((type) => fits(type, everything)),
    ).toEqual([]);
  });

  test("refuses events of other workflows", () => {
    expect(fits("instance.started", {}, { workflow: "shipment" })).toBe(false);
  });
});

describe("an event of the agent itself", () => {
  const { id, agent, time } = common;
  const updated = { id, type: "state.updated", agent, time, data: { etag: '"x"', source: "rest" } } as const;

  test("has a schema of its own, and is none of a workflow's", () => {
    expect(StateUpdated.safeParse(updated).data).toEqual(updated);
    expect(schema.safeParse({ ...common, ...updated }).success).toBe(false);
  });

  test.each([{ etag: '"x"', source: "somebody" }, { source: "rest" }, { etag: '"x"' }, undefined])(
    "says what changed and who changed it: not %j",
    (data) => expect(StateUpdated.safeParse({ ...updated, data }).success).toBe(false),
  );

  test("is told from those of an instance by naming none", () => {
    expect(isOfInstance(updated)).toBe(false);
    expect(isOfInstance({ ...common, type: "instance.started", data: {} })).toBe(true);
  });
});

describe("types of events", () => {
  test("are all `noun.verb`, each once", () => {
    expect(EVENT_TYPES.filter((type) => !/^[a-z]+\.[a-z]+$/.test(type))).toEqual([]);
    expect(new Set(EVENT_TYPES).size).toBe(EVENT_TYPES.length);
  });

  test("that end an attempt are those of its success, its failure and its termination", () => {
    expect(ENDING_TYPES).toEqual(["instance.completed", "instance.errored", "instance.terminated"]);
  });

  test("of control frames are none of the journal's", () => {
    const ofStreams = ["stream.caught-up", "stream.gap", "stream.closing", "stream.end"];
    expect(ofStreams.filter((type) => !ControlFrame.safeParse({ type }).success)).toEqual([]);
    expect(EVENT_TYPES.filter((type) => ControlFrame.safeParse({ type }).success)).toEqual([]);
  });
});
