import { describe, expect, test } from "vitest";
import { readHistory, toHistory } from "../../src/gateway/agent/engine-history.ts";
import { NOON } from "./stand-ins.ts";

type Told = WorkflowInstanceEvent extends infer One
  ? One extends WorkflowInstanceEvent
    ? Omit<One, "instanceId" | "eventId" | "timestamp">
    : never
  : never;

/** Events as the engine counts them, a second apart. */
const events = (...told: readonly Told[]): WorkflowInstanceEvent[] =>
  told.map(
    (event, at) =>
      ({
        instanceId: "i-1",
        eventId: at + 1,
        timestamp: NOON + at * 1000,
        ...event,
      }) as WorkflowInstanceEvent,
  );
const waitStarted = (stepName: string, eventType = "approval") =>
  ({ type: "wait_started", stepName, eventType }) as const;

describe("the history of a run", () => {
  test("tells since when it runs, and what it was created with, without what the SDK added", () => {
    const params = { orderId: "x", __agentName: "acme", __workflowName: "REFUND", __agentOrigin: {} };
    expect(toHistory(events({ type: "workflow_queued" }, { type: "workflow_started", params }))).toEqual({
      params: { orderId: "x" },
      startedAt: NOON + 1000,
      waits: [],
    });
  });

  test("tells each wait by its name and which use of the name it is, and how it stands", () => {
    const { waits } = toHistory(
      events(
        waitStarted("first-1"),
        { type: "wait_completed", stepName: "first-1" },
        waitStarted("first-2"),
        { type: "wait_timed_out", stepName: "first-2" },
        waitStarted("parcel-12-1", "parcel-arrived"),
      ),
    );
    const since = NOON;
    expect(waits).toEqual([
      { stepName: "first", occurrence: 1, eventType: "approval", since, deadline: null, state: "over" },
      {
        stepName: "first",
        occurrence: 2,
        eventType: "approval",
        since: NOON + 2000,
        deadline: null,
        state: "timed-out",
      },
      {
        stepName: "parcel-12",
        occurrence: 1,
        eventType: "parcel-arrived",
        since: NOON + 4000,
        deadline: null,
        state: "open",
      },
    ]);
  });

  test("tells a sleep with its end, apart from a wait of the same name", () => {
    const { waits } = toHistory(
      events({ type: "sleep_started", stepName: "x-1", durationMs: 500 }, waitStarted("x-1"), {
        type: "sleep_completed",
        stepName: "x-1",
      }),
    );
    expect(waits).toMatchObject([
      { stepName: "x", eventType: undefined, deadline: NOON + 500, state: "over" },
      { stepName: "x", eventType: "approval", state: "open" },
    ]);
  });
});

/** A subscription that goes on without a word once it has told all. */
function instanceWith(told: readonly WorkflowInstanceEvent[], end: "silence" | "done" | Error) {
  const rest = [...told];
  let disposed = 0;
  const next = async (): Promise<IteratorResult<WorkflowInstanceEvent, void>> => {
    const value = rest.shift();
    if (value !== undefined) return { done: false, value };
    if (end instanceof Error) throw end;
    return end === "done" ? { done: true, value: undefined } : new Promise(() => {});
  };
  const dispose = (): void => {
    disposed += 1;
  };
  return {
    instance: { subscribe: async () => ({ next, [Symbol.dispose]: dispose }) },
    disposals: () => disposed,
  };
}

describe("reading it", () => {
  const told = events({ type: "workflow_started" }, waitStarted("manager-1"));

  test.each(["silence", "done"] as const)("ends with %s, and lets go of the subscription", async (end) => {
    const { instance, disposals } = instanceWith(told, end);
    expect((await readHistory(instance))?.waits).toMatchObject([{ stepName: "manager", state: "open" }]);
    expect(disposals()).toBe(1);
  });

  test("lets go of the subscription also if the engine breaks it off", async () => {
    const { instance, disposals } = instanceWith(told, new Error("the run was restarted"));
    await expect(readHistory(instance)).rejects.toThrow("restarted");
    expect(disposals()).toBe(1);
  });
});
