import { expect, test } from "vitest";
import { toStepChange } from "../../src/gateway/agent/step-changes.ts";
import { STEP_EVENT_TYPES, stepEvents } from "../../src/gateway/contract/step-event.ts";
import { engineEvent, type EngineTelling } from "./engine-step.ts";

const PAY = { stepName: "pay", occurrence: 1 };
const change = (told: EngineTelling) =>
  toStepChange(engineEvent(1, told), (type) => (type === "approval-1" ? "apr_1" : undefined));

const SHOWN: readonly (readonly [EngineTelling, object])[] = [
  [
    { type: "step_started", stepName: "pay-1" },
    { type: "step.started", data: PAY },
  ],
  [
    { type: "attempt_started", stepName: "pay-1", attempt: 2 },
    { type: "step.retried", data: { ...PAY, attempt: 2 } },
  ],
  [
    {
      type: "attempt_errored",
      stepName: "pay-1",
      attempt: 1,
      retryDelayMs: 500,
      error: { name: "Error", message: "RangeError: no" },
    },
    {
      type: "step.failed",
      data: { ...PAY, attempt: 1, error: { name: "RangeError", message: "no" }, retryDelayMs: 500 },
    },
  ],
  [
    { type: "attempt_errored", stepName: "pay-1", attempt: 3, error: { name: "TypeError", message: "no" } },
    {
      type: "step.failed",
      data: { ...PAY, attempt: 3, error: { name: "TypeError", message: "no" }, retryDelayMs: null },
    },
  ],
  [
    { type: "step_errored", stepName: "pay-1" },
    { type: "step.errored", data: PAY },
  ],
  [
    { type: "sleep_started", stepName: "pay-1", durationMs: 9 },
    { type: "step.sleeping", data: { ...PAY, durationMs: 9 } },
  ],
  [
    { type: "wait_started", stepName: "pay-1", eventType: "paid" },
    { type: "step.waiting", data: { ...PAY, waitingFor: { type: "event", eventType: "paid" } } },
  ],
  [
    { type: "wait_started", stepName: "pay-1", eventType: "approval-1" },
    { type: "step.waiting", data: { ...PAY, waitingFor: { type: "approval", approvalId: "apr_1" } } },
  ],
  [
    { type: "wait_timed_out", stepName: "pay-1" },
    { type: "step.expired", data: PAY },
  ],
  [
    { type: "wait_completed", stepName: "pay-1" },
    { type: "step.completed", data: PAY },
  ],
  [
    { type: "sleep_completed", stepName: "pay-1" },
    { type: "step.completed", data: PAY },
  ],
  [
    { type: "step_completed", stepName: "pay-1", output: "secret" },
    { type: "step.completed", data: PAY },
  ],
];

test.each(SHOWN)("%j is shown as %j", (told, shown) => expect(change(told)).toEqual(shown));

test("every type that clients may meet comes from the engine, and is as the contract says", () => {
  const at = { id: "0a1b2c3d-1.1", agent: "/agents/order-desk/acme", time: "2026-04-01T10:00:00.000Z" };
  const events = SHOWN.map(([told]) => ({
    ...at,
    instanceId: "r-1",
    workflow: "refund",
    attempt: 1,
    ...change(told),
  }));
  for (const event of events) {
    expect(stepEvents().filter((schema) => schema.safeParse(event).success)).toHaveLength(1);
  }
  expect(new Set(SHOWN.map(([, { type }]: readonly [unknown, { type?: string }]) => type))).toEqual(
    new Set(STEP_EVENT_TYPES),
  );
});

test.each<readonly [string, EngineTelling]>([
  ["a step of the gateway", { type: "step_started", stepName: "__gateway_ask_manager-1" }],
  ["a step of the SDK", { type: "step_completed", stepName: "__agent_sendEvent_0-1" }],
  ["the attempt with which a step begins", { type: "attempt_started", stepName: "pay-1", attempt: 1 }],
  ["what the journal says itself", { type: "workflow_paused" }],
  [
    "a step that the engine stopped",
    {
      type: "attempt_errored",
      stepName: "pay-1",
      attempt: 1,
      error: { name: "Error", message: "Aborting engine: User called pause" },
    },
  ],
])("%s is not shown", (_, told) => expect(change(told)).toBeUndefined());

test.each([
  ["pay-12", "pay", 12],
  ["pay-2-1", "pay-2", 1],
  ["-1", "", 1],
  ["two\nlines-3", "two\nlines", 3],
  ["pay", "pay", 1],
])("%j is step %j, occurrence %d", (name, stepName, occurrence) =>
  expect(change({ type: "step_errored", stepName: name })?.data).toEqual({ stepName, occurrence }),
);

test("an error of which the engine tells nothing is one all the same", () => {
  const told = { type: "attempt_errored", stepName: "pay-1", attempt: 1, error: {} } as EngineTelling;
  expect(change(told)?.data).toMatchObject({ error: { name: "Error", message: "" } });
});
