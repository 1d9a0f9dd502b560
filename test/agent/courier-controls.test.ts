import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { applyControl } from "../../src/gateway/agent/controls.ts";
import { remove } from "../../src/gateway/agent/removing.ts";
import type { Control } from "../../src/gateway/contract/control.ts";
import { deliverForLong, failFirst, isEmpty, openCourier, running } from "./stand-in-engine.ts";
import { type Desk, force, NOON } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const apply = ({ records, row }: Desk, control: Control): boolean =>
  records.change((now) => applyControl(records, row("r-1"), control, now));
const removeInstance = ({ records, row }: Desk): void =>
  records.change((now) => remove(records, row("r-1"), now));
const addCreate = ({ accept, records }: Desk): void => {
  accept("r-1");
  records.outbox.add({ kind: "create", instanceId: "r-1", payload: { params: {} } }, NOON);
};
const pause: Control = { action: "pause" };
const resume: Control = { action: "resume" };
const terminate: Control = { action: "terminate", rollback: false };
const restart: Control = { action: "restart", resetClock: false };

describe("a pause", () => {
  test("that the engine reaches at once is shown and told", async () => {
    const { courier, desk, workflow } = running();
    apply(desk, pause);
    await courier.deliver();
    expect(workflow.log).toEqual(["pause"]);
    expect(desk.row("r-1")).toMatchObject({ status: "paused", intent: null });
    expect(desk.types()).toEqual(["instance.paused"]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("that is not reached yet is looked after until it is, and asked for once", async () => {
    const { courier, desk, workflow } = running();
    workflow.afterPause = "waitingForPause";
    apply(desk, pause);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(desk.row("r-1")).toMatchObject({ status: "running", intent: "pause" });
    expect(desk.types()).toEqual([]);
    workflow.views.set("engine-r-1", { status: "paused" });
    await vi.advanceTimersByTimeAsync(60_000);
    await round;
    expect(workflow.log).toEqual(["pause"]);
    expect(desk.row("r-1")).toMatchObject({ status: "paused", intent: null });
    expect(desk.types()).toEqual(["instance.paused"]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("of an instance that the engine has not begun is asked for once it runs", async () => {
    const { courier, desk, workflow } = running({ status: "queued" });
    apply(desk, pause);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(workflow.log).toEqual([]);
    expect(desk.row("r-1").intent).toBe("pause");
    workflow.views.set("engine-r-1", { status: "running" });
    await vi.advanceTimersByTimeAsync(60_000);
    await round;
    expect(workflow.log).toEqual(["pause"]);
    expect(desk.row("r-1").status).toBe("paused");
  });

  test("that the engine cannot take for a moment is tried again", async () => {
    const { courier, desk, workflow } = running();
    failFirst(workflow, "pause", 2);
    apply(desk, pause);
    await deliverForLong(courier);
    expect(workflow.log).toEqual(["pause", "pause", "pause"]);
    expect(desk.row("r-1").status).toBe("paused");
  });

  test.each([
    [{ status: "complete", output: { refundId: "x" } }, "complete", "instance.completed"],
    [{ status: "errored", error: { name: "Error", message: "no" } }, "errored", "instance.errored"],
    [{ status: "terminated" }, "terminated", "instance.terminated"],
  ] as const)(
    "of an instance that the engine has ended meanwhile finds the end: %j",
    async (view, status, type) => {
      const { courier, desk } = running(view);
      apply(desk, pause);
      await courier.deliver();
      expect(desk.row("r-1")).toMatchObject({ status, intent: null });
      expect(desk.types()).toEqual([type]);
      expect(isEmpty(desk)).toBe(true);
    },
  );

  test("of an instance that the engine has lost finds that out", async () => {
    const { courier, desk, workflow } = running();
    workflow.views.clear();
    apply(desk, pause);
    await courier.deliver();
    expect(desk.row("r-1")).toMatchObject({ status: "errored", intent: null });
    expect(desk.row("r-1").error).toContain("InstanceLost");
    expect(isEmpty(desk)).toBe(true);
  });

  test("that was called off while the engine took it is not shown, and the engine resumes", async () => {
    const { courier, desk, workflow } = running();
    const taken = Promise.withResolvers<void>();
    workflow.before = (call) => (call === "pause" ? taken.promise : undefined);
    apply(desk, pause);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    apply(desk, resume);
    taken.resolve();
    await deliverForLong(courier);
    await round;
    expect(workflow.log).toEqual(["pause", "resume"]);
    expect(workflow.views.get("engine-r-1")?.status).toBe("running");
    expect(desk.row("r-1")).toMatchObject({ status: "running", intent: null });
    expect(desk.types()).toEqual([]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("that was overtaken by a termination while the engine took it is not shown", async () => {
    const { courier, desk, workflow } = running();
    const taken = Promise.withResolvers<void>();
    workflow.before = (call) => (call === "pause" ? taken.promise : undefined);
    apply(desk, pause);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    apply(desk, terminate);
    taken.resolve();
    await deliverForLong(courier);
    await round;
    expect(desk.row("r-1").status).toBe("terminated");
    expect(desk.types()).toEqual(["instance.terminated"]);
    expect(workflow.views.get("engine-r-1")?.status).toBe("terminated");
    expect(isEmpty(desk)).toBe(true);
  });
});

describe("a resume", () => {
  test.each([
    ["paused", ["resume"]],
    ["waitingForPause", ["resume"]],
    ["running", []],
    ["waiting", []],
    ["complete", []],
  ] as const)("of an instance that the engine has %s asks it for %j", async (status, log) => {
    const { courier, desk, workflow } = running({ status });
    force(desk, "r-1", "paused");
    apply(desk, resume);
    await courier.deliver();
    expect(workflow.log).toEqual(log);
    expect(isEmpty(desk)).toBe(true);
  });

  test("follows what the instance was to be told before", async () => {
    const { courier, desk, workflow } = running();
    desk.records.outbox.add(
      { kind: "event", instanceId: "r-1", payload: { type: "first", payload: null } },
      NOON,
    );
    workflow.views.set("engine-r-1", { status: "paused" });
    force(desk, "r-1", "paused");
    apply(desk, resume);
    await courier.deliver();
    expect(workflow.log).toEqual(["send first", "resume"]);
  });
});

describe("a termination", () => {
  test.each([
    [false, "terminate"],
    [true, "terminate with rollback"],
  ])("tells the engine whether to roll back: %j", async (rollback, call) => {
    const { courier, desk, workflow } = running();
    apply(desk, { action: "terminate", rollback });
    await courier.deliver();
    expect(workflow.log).toEqual([call]);
    expect(workflow.views.get("engine-r-1")?.status).toBe("terminated");
    expect(isEmpty(desk)).toBe(true);
  });

  test.each(["complete", "errored", "terminated"] as const)(
    "of an instance that the engine has %s already is as good as done",
    async (status) => {
      const { courier, desk, workflow } = running({ status });
      apply(desk, terminate);
      await deliverForLong(courier);
      expect(workflow.log).toEqual(["terminate"]);
      expect(workflow.views.get("engine-r-1")?.status).toBe(status);
      expect(isEmpty(desk)).toBe(true);
    },
  );

  test("of an instance that the engine does not have is as good as done", async () => {
    const { courier, desk, workflow } = running();
    workflow.views.clear();
    apply(desk, terminate);
    await deliverForLong(courier);
    expect(isEmpty(desk)).toBe(true);
    expect(desk.row("r-1").status).toBe("terminated");
  });

  test("that the engine cannot take for a moment is tried again until it is", async () => {
    const { courier, desk, workflow } = running();
    failFirst(workflow, "terminate", 4);
    apply(desk, terminate);
    await deliverForLong(courier);
    expect(workflow.log).toHaveLength(5);
    expect(workflow.views.get("engine-r-1")?.status).toBe("terminated");
    expect(isEmpty(desk)).toBe(true);
  });

  test("that is sent again, because its answer was lost, is harmless", async () => {
    const { courier, desk, workflow } = running();
    apply(desk, terminate);
    await courier.deliver();
    desk.records.outbox.add(
      { kind: "terminate", instanceId: "r-1", payload: { rollback: false } },
      Date.now(),
    );
    await deliverForLong(courier);
    expect(workflow.views.get("engine-r-1")?.status).toBe("terminated");
    expect(desk.types()).toEqual(["instance.terminated"]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("of an instance that is still to be created ends it all the same", async () => {
    const { courier, desk, workflow } = openCourier();
    addCreate(desk);
    apply(desk, terminate);
    await courier.deliver();
    expect(workflow.log).toEqual(["create engine-r-1", "terminate"]);
    expect(workflow.views.get("engine-r-1")?.status).toBe("terminated");
  });
});

describe("a restart", () => {
  test("is over for the ledger once the engine has begun it, and not before", async () => {
    const { courier, desk, workflow } = running({ status: "complete" });
    const begun = Promise.withResolvers<void>();
    workflow.before = () => begun.promise;
    apply(desk, restart);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    expect(workflow.log).toEqual(["restart {}"]);
    expect(desk.row("r-1").intent).toBe("restart");
    begun.resolve();
    await round;
    expect(desk.row("r-1")).toMatchObject({ status: "queued", intent: null, attempt: 2 });
    expect(isEmpty(desk)).toBe(true);
  });

  test("tells the engine the step that it begins from", async () => {
    const { courier, desk, workflow } = running();
    apply(desk, { ...restart, from: { name: "charge", count: 2 } });
    await courier.deliver();
    expect(workflow.log).toEqual(['restart {"from":{"name":"charge","count":2}}']);
  });

  test("that the engine cannot take for a moment is tried again, and the old attempt stays unheard", async () => {
    const { courier, desk, workflow } = running();
    failFirst(workflow, "restart", 2);
    apply(desk, restart);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.row("r-1").intent).toBe("restart");
    expect(() => desk.report("r-1", { type: "completed", output: null })).toThrow("being restarted");
    await vi.advanceTimersByTimeAsync(60_000);
    await round;
    expect(workflow.log).toHaveLength(3);
    expect(desk.row("r-1").intent).toBeNull();
    desk.report("r-1", { type: "completed", output: null });
    expect(desk.row("r-1")).toMatchObject({ status: "complete", attempt: 2 });
  });

  test("that is sent again, because its answer was lost, is the same attempt", async () => {
    const { courier, desk } = running();
    apply(desk, restart);
    await courier.deliver();
    const before = desk.row("r-1");
    desk.records.outbox.add(
      { kind: "restart", instanceId: "r-1", payload: { from: undefined, attempt: 2 } },
      Date.now(),
    );
    await deliverForLong(courier);
    expect(desk.row("r-1")).toEqual(before);
    expect(desk.types()).toEqual(["instance.restarted"]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("that was overtaken by another is not over for the ledger before that one is taken", async () => {
    const { courier, desk, workflow } = running();
    const begun = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let asked = 0;
    workflow.before = () => begun[asked++]?.promise;
    apply(desk, restart);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    apply(desk, restart);
    begun[0]?.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(workflow.log).toHaveLength(2);
    expect(desk.row("r-1")).toMatchObject({ intent: "restart", attempt: 3 });
    begun[1]?.resolve();
    await round;
    expect(desk.row("r-1")).toMatchObject({ intent: null, attempt: 3 });
    expect(isEmpty(desk)).toBe(true);
  });

  test("of an instance of before the gateway that the engine has forgotten has failed: nobody knows its params", async () => {
    const { courier, desk, failures, workflow } = openCourier();
    desk.accept("r-1");
    desk.query("UPDATE switchyard_instances SET params = 'null'");
    force(desk, "r-1", "complete");
    apply(desk, restart);
    await courier.deliver();
    expect(failures).toEqual(["r-1"]);
    expect(workflow.log).toEqual([]);
    expect(desk.records.outbox.hasAny("r-1")).toBe(false);
  });

  test("with a pause behind it is restarted first, and then paused", async () => {
    const { courier, desk, workflow } = running();
    apply(desk, restart);
    apply(desk, pause);
    await courier.deliver();
    expect(workflow.log).toEqual(["restart {}", "pause"]);
    expect(desk.row("r-1")).toMatchObject({ status: "paused", intent: null, attempt: 2 });
    expect(isEmpty(desk)).toBe(true);
  });

  test("that the engine will never do has failed at once, and is not tried again", async () => {
    const { courier, desk, failures, workflow } = running({ status: "complete" });
    workflow.before = () => {
      throw new Error('Step "nope" not found in execution history (instance.cannot_restart)');
    };
    apply(desk, { ...restart, from: { name: "nope" } });
    await deliverForLong(courier);
    expect(workflow.log).toEqual(['restart {"from":{"name":"nope"}}']);
    expect(failures).toEqual(["r-1"]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("of an instance that the engine has forgotten creates it again", async () => {
    const { courier, desk, workflow } = running();
    workflow.views.clear();
    apply(desk, restart);
    await courier.deliver();
    expect(workflow.log).toEqual(["create engine-r-1"]);
    expect(desk.row("r-1")).toMatchObject({ status: "queued", intent: null, attempt: 2 });
  });

  test("that was overtaken by a termination leaves the instance terminated, here and in the engine", async () => {
    const { courier, desk, workflow } = running();
    const begun = Promise.withResolvers<void>();
    workflow.before = (call) => (call.startsWith("restart") ? begun.promise : undefined);
    apply(desk, restart);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    apply(desk, terminate);
    begun.resolve();
    await deliverForLong(courier);
    await round;
    expect(desk.row("r-1")).toMatchObject({ status: "terminated", intent: null, attempt: 2 });
    expect(workflow.views.get("engine-r-1")?.status).toBe("terminated");
    expect(isEmpty(desk)).toBe(true);
  });
});

describe("a deletion", () => {
  test("ends what still runs, and then has the engine forget it", async () => {
    const { courier, desk, workflow } = running();
    removeInstance(desk);
    await courier.deliver();
    expect(workflow.log).toEqual(["terminate", "delete"]);
    expect(workflow.views.size).toBe(0);
    expect(isEmpty(desk)).toBe(true);
  });

  test("of an instance that has ended, or that the engine does not have, is harmless", async () => {
    for (const status of ["complete", undefined] as const) {
      const { courier, desk, workflow } = running();
      if (status === undefined) workflow.views.clear();
      else workflow.views.set("engine-r-1", { status });
      removeInstance(desk);
      await deliverForLong(courier);
      expect(workflow.views.size).toBe(0);
      expect(isEmpty(desk)).toBe(true);
    }
  });

  test("that is sent again, because its answer was lost, is harmless", async () => {
    const { courier, desk, workflow } = running();
    removeInstance(desk);
    await courier.deliver();
    const payload = { binding: "REFUND", engineId: "engine-r-1" };
    desk.records.outbox.add({ kind: "delete", instanceId: "engine-r-1", payload }, Date.now());
    await deliverForLong(courier);
    expect(workflow.log).toEqual(["terminate", "delete"]);
    expect(isEmpty(desk)).toBe(true);
  });

  test.each(["terminate", "delete"])(
    "that the engine cannot take for a moment is tried again until nothing is left: %s",
    async (word) => {
      const { courier, desk, workflow } = running();
      failFirst(workflow, word, 3);
      removeInstance(desk);
      await deliverForLong(courier);
      expect(workflow.views.size).toBe(0);
      expect(isEmpty(desk)).toBe(true);
    },
  );

  test("of an instance that is being created at that moment leaves nothing in the engine", async () => {
    const { courier, desk, failures, workflow } = openCourier();
    const created = Promise.withResolvers<void>();
    workflow.before = (call) => (call.startsWith("create") ? created.promise : undefined);
    addCreate(desk);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    expect(workflow.log).toEqual(["create engine-r-1"]);
    removeInstance(desk);
    created.resolve();
    await deliverForLong(courier);
    await round;
    expect(workflow.views.size).toBe(0);
    expect(failures).toEqual([]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("of an instance that was never created has the engine create nothing", async () => {
    const { courier, desk, workflow } = openCourier();
    addCreate(desk);
    removeInstance(desk);
    await deliverForLong(courier);
    expect(workflow.log).toEqual([]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("of an instance that the engine was never told of asks nothing of the engine", () => {
    const { desk } = openCourier();
    desk.accept("r-1");
    const create = { kind: "create", instanceId: "r-1", payload: { params: {} } } as const;
    desk.records.outbox.add(create, NOON + 3_600_000);
    removeInstance(desk);
    expect(isEmpty(desk)).toBe(true);
  });

  test("of an instance whose creation was tried has the engine look: the answer may have been lost", async () => {
    const { courier, desk, workflow } = openCourier();
    failFirst(workflow, "create", 1);
    addCreate(desk);
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    workflow.views.set("engine-r-1", { status: "running" });
    removeInstance(desk);
    await deliverForLong(courier);
    await round;
    expect(workflow.views.size).toBe(0);
  });

  test("does not keep back a new instance of the same id", async () => {
    const { courier, desk, workflow } = running();
    workflow.before = (call) => {
      if (call === "delete") throw new Error("overloaded");
    };
    removeInstance(desk);
    desk.records.change((now) => {
      const { ledger, outbox } = desk.records;
      const row = { id: "r-1", workflow: "refund", binding: "REFUND", params: {}, metadata: {}, now };
      ledger.insert({ ...row, engineId: "engine-anew" });
      outbox.add({ kind: "create", instanceId: "r-1", payload: { params: {} } }, now);
    });
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    expect(workflow.views.get("engine-anew")?.status).toBe("running");
    workflow.before = () => {};
    await deliverForLong(courier);
    await round;
    expect([...workflow.views.keys()]).toEqual(["engine-anew"]);
  });
});
