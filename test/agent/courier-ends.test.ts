import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { applyControl } from "../../src/gateway/agent/controls.ts";
import { remove } from "../../src/gateway/agent/removing.ts";
import type { Control } from "../../src/gateway/contract/control.ts";
import { deliverForLong, failFirst, isEmpty, openCourier, running } from "./stand-in-engine.ts";
import { type Desk, force, NOON } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Messages for an instance that runs, and that the engine would have to take. */
type Kind = "event" | "pause" | "resume";
const KINDS: readonly Kind[] = ["event", "pause", "resume"];
const CALLS: Record<Kind, string> = { event: "send", pause: "pause", resume: "resume" };

const control = ({ records, row }: Desk, action: "pause" | "resume" | "terminate"): void => {
  const asked: Control = action === "terminate" ? { action, rollback: false } : { action };
  records.change((now) => applyControl(records, row("r-1"), asked, now));
};
const addEvent = ({ records }: Desk, type: string): void =>
  records.outbox.add({ kind: "event", instanceId: "r-1", payload: { type, payload: null } }, Date.now());
/** Leaves a message of a kind, with the engine in the status in which it acts. */
const leave = ({ desk, workflow }: ReturnType<typeof running>, kind: Kind): void => {
  if (kind === "event") return addEvent(desk, "first");
  if (kind === "resume") {
    workflow.views.set("engine-r-1", { status: "paused" });
    force(desk, "r-1", "paused");
  }
  control(desk, kind);
};
/** Lets four days pass, with the alarm behind. */
const fourDays = 4 * 24 * 60;

describe("of an instance that the engine has lost", () => {
  test.each(KINDS)("a message finds that out at once, and nothing is left to tell: %s", async (kind) => {
    const opened = running();
    const { courier, desk, workflow } = opened;
    leave(opened, kind);
    addEvent(desk, "second");
    workflow.views.clear();
    await courier.deliver();
    expect(desk.row("r-1")).toMatchObject({ status: "errored", intent: null });
    expect(desk.row("r-1").error).toContain("InstanceLost");
    expect(desk.types().filter((type) => type === "instance.errored")).toHaveLength(1);
    expect(isEmpty(desk)).toBe(true);
  });
});

describe("of an instance that the engine has ended", () => {
  test.each(["event", "resume"] as const)("a message finds the end: %s", async (kind) => {
    const opened = running();
    const { courier, desk, workflow } = opened;
    leave(opened, kind);
    workflow.views.set("engine-r-1", { status: "complete", output: { refundId: "x" } });
    workflow.before = () => {
      throw new Error("the instance has ended");
    };
    await courier.deliver();
    expect(desk.row("r-1")).toMatchObject({ status: "complete", output: '{"refundId":"x"}' });
    expect(isEmpty(desk)).toBe(true);
  });
});

describe("of an instance that has ended here", () => {
  test.each(KINDS)("a message is dropped, and the engine is not asked: %s", async (kind) => {
    const opened = running();
    const { courier, desk, workflow } = opened;
    leave(opened, kind);
    const { status } = force(desk, "r-1", "complete");
    await courier.deliver();
    expect(workflow.log).toEqual([]);
    expect([desk.row("r-1").status, isEmpty(desk)]).toEqual([status, true]);
  });

  test("a termination is not dropped: the engine has still to hear of it", async () => {
    const { courier, desk, workflow } = running();
    control(desk, "terminate");
    await courier.deliver();
    expect(workflow.log).toEqual(["terminate"]);
  });
});

describe("a message that the engine refuses again and again", () => {
  test.each(KINDS)("is given up after ten tries, and keeps nothing back: %s", async (kind) => {
    const opened = running();
    const { courier, desk, workflow } = opened;
    leave(opened, kind);
    failFirst(workflow, CALLS[kind], 10);
    addEvent(desk, "second");
    await deliverForLong(courier);
    expect(workflow.log).toEqual([...Array.from({ length: 10 }, () => workflow.log[0]), "send second"]);
    expect(isEmpty(desk)).toBe(true);
    expect(console.error).toHaveBeenCalledOnce();
  });

  test("and that was a pause is called off: the ledger says that the instance runs", async () => {
    const { courier, desk, workflow } = running();
    control(desk, "pause");
    failFirst(workflow, "pause");
    await deliverForLong(courier);
    expect(desk.row("r-1")).toMatchObject({ status: "running", intent: null });
    expect(desk.types()).toEqual([]);
  });

  test("and that was a resume leaves what is true: the ledger says that the instance is paused", async () => {
    const opened = running();
    const { courier, desk, workflow } = opened;
    leave(opened, "resume");
    expect(desk.row("r-1").status).toBe("running");
    failFirst(workflow, "resume");
    await deliverForLong(courier);
    expect(desk.row("r-1")).toMatchObject({ status: "paused", intent: null });
    expect(desk.types()).toEqual(["instance.resumed", "instance.paused"]);
  });

  test("of an instance that ended meanwhile finds the end", async () => {
    const { courier, desk, workflow } = running();
    control(desk, "pause");
    failFirst(workflow, "pause");
    void courier.deliver();
    await vi.advanceTimersByTimeAsync(4_000);
    workflow.views.set("engine-r-1", { status: "errored", error: { name: "TypeError", message: "no" } });
    await deliverForLong(courier);
    expect(desk.row("r-1")).toMatchObject({ status: "errored", intent: null });
    expect(isEmpty(desk)).toBe(true);
  });

  test("is not given up for failures that lie apart: a pause that is not reached yet may fail at times", async () => {
    const { courier, desk, workflow } = running();
    workflow.afterPause = "waitingForPause";
    control(desk, "pause");
    await deliverForLong(courier, 30);
    workflow.unreachable = true;
    await deliverForLong(courier, 3);
    workflow.unreachable = false;
    await deliverForLong(courier, 30);
    expect(desk.row("r-1").intent).toBe("pause");
    workflow.views.set("engine-r-1", { status: "paused" });
    await deliverForLong(courier, 2);
    expect(desk.row("r-1").status).toBe("paused");
    expect(console.error).not.toHaveBeenCalled();
  });
});

describe("an engine that does not answer at all", () => {
  test.each(KINDS)("is told later, however long that takes within four days: %s", async (kind) => {
    const opened = running();
    const { courier, desk, workflow } = opened;
    leave(opened, kind);
    workflow.unreachable = true;
    await deliverForLong(courier, 24 * 60);
    expect([desk.row("r-1").completed_at, isEmpty(desk)]).toEqual([null, false]);
    workflow.unreachable = false;
    await deliverForLong(courier, 61);
    expect(workflow.log).toHaveLength(1);
    expect(isEmpty(desk)).toBe(true);
  });

  test("is asked once an hour after a while, and not for ever", async () => {
    const { courier, desk, workflow } = running();
    addEvent(desk, "first");
    workflow.unreachable = true;
    const asked = vi.spyOn(workflow, "get");
    await deliverForLong(courier, 24 * 60);
    const onFirstDay = asked.mock.calls.length;
    await deliverForLong(courier, 24 * 60);
    // Each try asks twice: to tell it, and to be told.
    expect(asked.mock.calls.length - onFirstDay).toBe(48);
    await deliverForLong(courier, fourDays);
    expect(isEmpty(desk)).toBe(true);
    expect(desk.row("r-1").status).toBe("running");
  });
});

describe("what is to be gone", () => {
  test.each(["terminate", "delete"] as const)(
    "is asked for ever more rarely as long as it is there, for some four days: %s",
    async (word) => {
      const { courier, desk, workflow } = running();
      failFirst(workflow, word);
      if (word === "terminate") control(desk, "terminate");
      else desk.records.change((now) => remove(desk.records, desk.row("r-1"), now));
      await deliverForLong(courier, 24 * 60);
      expect(isEmpty(desk)).toBe(false);
      expect(workflow.log.filter((call) => call === word).length).toBeLessThan(50);
      await deliverForLong(courier, fourDays);
      expect(isEmpty(desk)).toBe(true);
      expect(console.error).toHaveBeenCalledOnce();
    },
  );

  test("is gone if the engine takes it after all", async () => {
    const { courier, desk, workflow } = running();
    failFirst(workflow, "terminate", 20);
    control(desk, "terminate");
    await deliverForLong(courier, 24 * 60);
    expect(workflow.views.get("engine-r-1")?.status).toBe("terminated");
    expect(isEmpty(desk)).toBe(true);
    expect(console.error).not.toHaveBeenCalled();
  });
});

test("an instance whose restart is under way is not judged by what the engine says of the run before", async () => {
  const { courier, desk, workflow } = openCourier();
  desk.accept("r-1");
  force(desk, "r-1", "running");
  workflow.views.set("engine-r-1", { status: "complete" });
  addEvent(desk, "first");
  failFirst(workflow, "send");
  let restarted = false;
  const before = workflow.before;
  workflow.before = (call) => {
    if (!restarted) {
      restarted = true;
      desk.records.change((now) =>
        applyControl(desk.records, desk.row("r-1"), { action: "restart", resetClock: false }, now),
      );
    }
    return before(call);
  };
  await courier.deliver();
  expect(desk.row("r-1")).toMatchObject({ status: "queued", attempt: 2, intent: null });
  expect(desk.types()).not.toContain("instance.completed");
});
