import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Engine, type EngineView } from "../../src/gateway/agent/engine.ts";
import { Inspection } from "../../src/gateway/agent/inspection.ts";
import type { Voice } from "../../src/gateway/agent/ledger.ts";
import { type Desk, force, NOON, openDesk, refund } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** An engine with one instance, which waits at a gate; and what it was asked. */
function openInspection(voice: Voice = "unheard") {
  const desk = openDesk();
  desk.accept("r-1");
  desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { voice, status: "running" }, NOON));
  const asked: string[] = [];
  const engine: { view: EngineView | Error } = { view: { status: "running" } };
  const told: object[] = [
    { type: "workflow_started", timestamp: NOON - 1000, params: { orderId: "x" } },
    { type: "wait_started", timestamp: NOON, stepName: "manager-1", eventType: "approval" },
  ];
  const instance = {
    status: async () => {
      asked.push("status");
      if (engine.view instanceof Error) throw engine.view;
      return engine.view;
    },
    subscribe: async () => {
      asked.push("subscribe");
      const rest = [...told];
      const next = async () => ({ done: rest.length === 0, value: rest.shift() });
      return { next, [Symbol.dispose]: () => asked.push("dispose") };
    },
  };
  const binding = { create: () => {}, get: async () => instance };
  const inspection = new Inspection(desk.records, new Engine({ REFUND: binding }), [refund]);
  return { desk, inspection, engine, asked };
}
const at = (later: number): void => void vi.setSystemTime(NOON + later);
const gates = ({ records }: Desk) => records.approvals.pendingOf("r-1");

describe("a reader", () => {
  test.each<readonly [Voice, number]>([
    ["gateway", 30_000],
    ["unheard", 3_000],
    ["adopted", 3_000],
  ])("of a run that is %s has the engine asked once in %d ms", async (voice, stale) => {
    const { desk, inspection, asked } = openInspection(voice);
    at(stale - 1);
    await inspection.checkIfStale(desk.row("r-1"));
    expect(asked).toEqual([]);
    at(stale);
    await inspection.checkIfStale(desk.row("r-1"));
    expect(asked).toContain("status");
    asked.length = 0;
    await inspection.checkIfStale(desk.row("r-1"));
    expect(asked).toEqual([]);
  });

  test("shares a look that is under way", async () => {
    const { desk, inspection, asked } = openInspection();
    const row = desk.row("r-1");
    expect(await Promise.all([inspection.check(row), inspection.check(row)])).toEqual([true, true]);
    expect(asked).toEqual(["status", "subscribe", "dispose"]);
  });
});

describe("a look at the engine", () => {
  test("reads the history of a run that does not tell where it waits, and lets go of it", async () => {
    const { desk, inspection, asked } = openInspection();
    await inspection.checkIfUnheard(desk.row("r-1"));
    expect(asked).toEqual(["status", "subscribe", "dispose"]);
    expect(desk.row("r-1")).toMatchObject({ status: "waiting", started_at: NOON - 1000 });
    expect(gates(desk)).toMatchObject([{ step_name: "manager", event_type: "approval" }]);
  });

  test("reads no history of a run that tells it, nor of one that has ended", async () => {
    const heard = openInspection("gateway");
    await heard.inspection.checkIfUnheard(heard.desk.row("r-1"));
    expect(heard.asked).toEqual([]);
    const ended = openInspection();
    ended.engine.view = { status: "complete", output: { refundId: "x" } };
    await ended.inspection.check(ended.desk.row("r-1"));
    expect(ended.asked).toEqual(["status"]);
    expect(ended.desk.row("r-1").status).toBe("complete");
  });

  test("leaves a restart to come about", async () => {
    const { desk, inspection } = openInspection();
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { intent: "restart" }, NOON));
    await inspection.check(desk.row("r-1"));
    expect(gates(desk)).toEqual([]);
  });

  test("learns what an instance of before the gateway was created with, once", async () => {
    const { desk, inspection } = openInspection("adopted");
    await inspection.check(desk.row("r-1"));
    expect(desk.row("r-1").params).toBe('{"orderId":"r-1"}');
    desk.query("UPDATE switchyard_instances SET params = 'null'");
    await inspection.check(desk.row("r-1"));
    expect(desk.row("r-1").params).toBe('{"orderId":"x"}');
  });

  test("makes an end certain that only the SDK knew, and looks no more at one that is", async () => {
    const { desk, inspection, engine, asked } = openInspection("adopted");
    force(desk, "r-1", "complete");
    await inspection.checkIfStale(desk.row("r-1"));
    expect(asked).toEqual([]);
    desk.query(`UPDATE switchyard_instances SET check_at = ${NOON}`);
    engine.view = { status: "complete", output: { refundId: "x" } };
    await inspection.checkIfStale(desk.row("r-1"));
    expect(desk.row("r-1")).toMatchObject({ output: '{"refundId":"x"}', check_at: null });
  });

  test("that fails is tried again later, and says that nothing is known", async () => {
    const { desk, inspection, engine } = openInspection("adopted");
    vi.spyOn(console, "warn").mockImplementation(() => {});
    engine.view = new Error("the engine is away");
    expect(await inspection.check(desk.row("r-1"))).toBe(false);
    expect(desk.row("r-1")).toMatchObject({ status: "running", check_at: NOON + 60_000 });
  });
});
