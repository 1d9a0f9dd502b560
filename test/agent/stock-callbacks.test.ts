import type { WorkflowCallback } from "agents/workflows";
import { describe, expect, test } from "vitest";
import { hear } from "../../src/gateway/agent/stock-callbacks.ts";
import { type Desk, force, NOON, openDesk, RefundEvent } from "./stand-ins.ts";

type Told = WorkflowCallback extends infer One
  ? One extends WorkflowCallback
    ? Omit<One, "workflowName" | "workflowId" | "timestamp">
    : never
  : never;

function openStock() {
  const desk = openDesk();
  desk.accept("r-1");
  const tell = (told: Told, now = NOON) => {
    const callback = { workflowName: "REFUND", workflowId: "engine-r-1", timestamp: now, ...told };
    return desk.records.change(() => hear(desk.records, desk.row("r-1"), callback as WorkflowCallback, now));
  };
  return { desk, tell };
}
const progressOf = (desk: Desk): unknown => JSON.parse(desk.row("r-1").progress ?? "null");

describe("a run of the SDK's own class", () => {
  test("runs from the first that it tells", () => {
    const { desk, tell } = openStock();
    expect(tell({ type: "progress", progress: { percent: 0.1 } })).toEqual({
      type: "progress",
      progress: { percent: 0.1 },
    });
    expect(desk.row("r-1")).toMatchObject({ status: "running", started_at: NOON, voice: "unheard" });
    expect(desk.types()).toEqual(["instance.started", "instance.progress"]);
    expect(desk.published.flat().every((event) => RefundEvent.safeParse(event).success)).toBe(true);
  });

  test("puts into the journal once what it tells again on each replay; the last that it said is its progress", () => {
    const { desk, tell } = openStock();
    for (let replay = 0; replay < 3; replay += 1)
      for (const percent of [0.1, 0.2]) tell({ type: "progress", progress: { percent } });
    expect(desk.types().filter((type) => type === "instance.progress")).toHaveLength(2);
    expect(progressOf(desk)).toEqual({ percent: 0.2 });
    tell({ type: "progress", progress: { percent: 0.1 } });
    expect(progressOf(desk)).toEqual({ percent: 0.1 });
  });

  test("tells each event, also the same again", () => {
    const { desk, tell } = openStock();
    for (let n = 0; n < 2; n += 1)
      expect(tell({ type: "event", event: { at: 1 } })).toEqual({ type: "event", event: { at: 1 } });
    expect(desk.types().filter((type) => type === "instance.event")).toHaveLength(2);
  });

  test.each<readonly [Told, object]>([
    [
      { type: "complete", result: { refundId: "x" } },
      { type: "complete", result: { refundId: "x" } },
    ],
    [
      { type: "error", error: "no" },
      { type: "error", error: "no" },
    ],
  ])("has not ended when it says so, but soon the engine is asked: %j", (told, callback) => {
    const { desk, tell } = openStock();
    expect(tell(told)).toEqual(callback);
    expect(desk.row("r-1")).toMatchObject({ status: "running", check_at: NOON + 1000 });
    expect(desk.types()).toEqual(["instance.started"]);
  });

  test("has not failed when the engine stops it", () => {
    const { desk, tell } = openStock();
    expect(tell({ type: "error", error: "Aborting engine: User called pause" })).toBeUndefined();
    expect(desk.published.flat()).toEqual([]);
  });

  test.each(["complete", "errored", "terminated"] as const)("is not heard once it is %s", (status) => {
    const { desk, tell } = openStock();
    force(desk, "r-1", status);
    expect(tell({ type: "progress", progress: { percent: 1 } })).toBeUndefined();
    expect(desk.published.flat()).toEqual([]);
  });

  test("is not heard while it is being restarted", () => {
    const { desk, tell } = openStock();
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { intent: "restart" }, NOON));
    expect(tell({ type: "error", error: "no" })).toBeUndefined();
  });
});
