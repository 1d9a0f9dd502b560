import { describe, expect, test } from "vitest";
import { reconcile } from "../../src/gateway/agent/controls.ts";
import type { EngineView } from "../../src/gateway/agent/engine.ts";
import type { InstanceStatus } from "../../src/gateway/contract/instance.ts";
import { type Desk, force, NOON, openDesk, RefundEvent } from "./stand-ins.ts";

const LATER = NOON + 5_000;
const ACTIVE = ["queued", "running", "waiting", "paused"] as const satisfies InstanceStatus[];

/** An instance in a status, of which nothing is told yet. */
function deskIn(status: InstanceStatus): Desk {
  const desk = openDesk();
  desk.accept("r-1");
  force(desk, "r-1", status);
  return desk;
}
const check = ({ records, row }: Desk, view: EngineView | undefined): boolean =>
  records.change(() => reconcile(records, row("r-1"), view, LATER));
const eventsFit = ({ published }: Desk): boolean =>
  published.flat().every((event) => RefundEvent.safeParse(event).success);

describe("an end that nobody told us of", () => {
  test.each(ACTIVE)("is taken from the engine by an instance that is %s", (status) => {
    const desk = deskIn(status);
    expect(check(desk, { status: "complete", output: { refundId: "x" } })).toBe(true);
    expect(desk.row("r-1")).toMatchObject({
      status: "complete",
      output: '{"refundId":"x"}',
      completed_at: LATER,
      check_at: null,
    });
    expect(desk.published.flat()).toMatchObject([
      { type: "instance.completed", data: { output: { refundId: "x" } } },
    ]);
    expect(eventsFit(desk)).toBe(true);
  });

  test("without an output has the output null", () => {
    const desk = deskIn("running");
    check(desk, { status: "complete" });
    expect(desk.published.flat()).toMatchObject([{ type: "instance.completed", data: { output: null } }]);
  });

  test.each([
    [
      { name: "TypeError", message: "no" },
      { name: "TypeError", message: "no" },
    ],
    [undefined, { name: "Error", message: "" }],
  ])("by an error says which, as far as the engine knows: %j", (error, kept) => {
    const desk = deskIn("waiting");
    expect(check(desk, error === undefined ? { status: "errored" } : { status: "errored", error })).toBe(
      true,
    );
    expect(desk.row("r-1").status).toBe("errored");
    expect(JSON.parse(desk.row("r-1").error ?? "null")).toEqual(kept);
    expect(desk.types()).toEqual(["instance.errored"]);
    expect(eventsFit(desk)).toBe(true);
  });

  test("by a termination elsewhere is one", () => {
    const desk = deskIn("running");
    expect(check(desk, { status: "terminated" })).toBe(true);
    expect(desk.row("r-1").status).toBe("terminated");
    expect(desk.types()).toEqual(["instance.terminated"]);
  });

  test.each(ACTIVE)("is also that the engine has no such instance any more: it was %s", (status) => {
    const desk = deskIn(status);
    expect(check(desk, undefined)).toBe(true);
    expect(desk.row("r-1").status).toBe("errored");
    expect(JSON.parse(desk.row("r-1").error ?? "null")).toMatchObject({ name: "InstanceLost" });
    expect(desk.types()).toEqual(["instance.errored"]);
  });

  test("cancels the gates that nobody waits at", () => {
    const desk = deskIn("running");
    const { approvalId } = desk.ask("r-1");
    check(desk, { status: "terminated" });
    expect(desk.records.approvals.find(approvalId)?.status).toBe("cancelled");
  });

  test("calls off a pause that was asked for", () => {
    const desk = deskIn("running");
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { intent: "pause" }, NOON));
    check(desk, { status: "complete" });
    expect(desk.row("r-1").intent).toBeNull();
  });
});

describe("a pause from elsewhere", () => {
  test.each(["queued", "running", "waiting"] as const)(
    "is taken over by a %s instance, and told",
    (status) => {
      const desk = deskIn(status);
      expect(check(desk, { status: "paused" })).toBe(true);
      expect(desk.row("r-1")).toMatchObject({ status: "paused", intent: null });
      expect(desk.types()).toEqual(["instance.paused"]);
      expect(eventsFit(desk)).toBe(true);
    },
  );

  test("reaches what was asked for here", () => {
    const desk = deskIn("running");
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { intent: "pause" }, NOON));
    check(desk, { status: "paused" });
    expect(desk.row("r-1")).toMatchObject({ status: "paused", intent: null });
  });

  test("that is over lets the instance go on", () => {
    for (const status of ["queued", "running", "waiting"] as const) {
      const desk = deskIn("paused");
      expect(check(desk, { status })).toBe(true);
      expect(desk.row("r-1").status).toBe("running");
      expect(desk.types()).toEqual(["instance.resumed"]);
    }
  });

  test("that is over lets an instance wait where it waited", () => {
    const desk = deskIn("running");
    desk.ask("r-1");
    force(desk, "r-1", "paused");
    expect(check(desk, { status: "waiting" })).toBe(true);
    expect(desk.row("r-1").status).toBe("waiting");
  });
});

describe("no news", () => {
  test.each([
    ...(["queued", "running", "waiting"] as const).flatMap((status) =>
      (["queued", "running", "waiting", "waitingForPause", "rollingBack", "unknown"] as const).map(
        (view) => [status, view] as const,
      ),
    ),
    ...(["paused", "waitingForPause", "rollingBack", "unknown"] as const).map(
      (view) => ["paused", view] as const,
    ),
  ])("is it, where the ledger says %s, that the engine says %s", (status, view) => {
    const desk = deskIn(status);
    const before = desk.row("r-1");
    expect(check(desk, { status: view })).toBe(false);
    expect(desk.row("r-1")).toEqual(before);
    expect(desk.types()).toEqual([]);
  });

  test("is it that the engine says again what it said before", () => {
    for (const status of ["paused", "running"] as const) {
      const desk = deskIn(status === "paused" ? "running" : "paused");
      expect([check(desk, { status }), check(desk, { status })]).toEqual([true, false]);
      expect(desk.types()).toHaveLength(1);
    }
  });
});
