import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { tagOf } from "../../src/gateway/agent/state.ts";
import type { Report } from "../../src/gateway/agent/reports.ts";
import type { GatewayStub } from "../../src/gateway/agent/stub.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { openGateway } from "./stand-in-gateway.ts";
import { NOON, refund } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

class Bench {
  readonly kind = "Bench";
}
class Workshop {
  readonly kind = "Workshop";
}
const bench = defineAgent({ name: "gateway-bench", agent: Bench });
const workshop = defineAgent({
  name: "gateway-workshop",
  binding: "Workshop",
  agent: Workshop,
  workflows: [refund],
  children: [bench],
});

const progress = (percent: number): Report => ({
  type: "progress",
  key: `p:${percent}`,
  progress: { percent },
});

describe("what a workflow reports", () => {
  test("is told to the author before the report is answered, with what the SDK tells", async () => {
    const { heard, records, report, start } = openGateway();
    await start("r-1");
    await report("r-1", progress(0.5));
    expect(heard).toEqual([
      {
        type: "progress",
        progress: { percent: 0.5 },
        workflowName: "REFUND",
        workflowId: "r-1",
        timestamp: NOON,
      },
    ]);
    expect(records.callbacks.any()).toBe(false);
    await report("r-1", progress(0.5));
    expect(heard).toHaveLength(1);
  });

  test("is kept for the author with the change, and an alarm is set before it", async () => {
    const during: unknown[] = [];
    const opened = openGateway(undefined, {
      tellAuthor: async () => {
        during.push([opened.records.callbacks.any(), opened.wakesAt()]);
      },
    });
    await opened.start("r-1");
    await opened.background();
    await opened.ring();
    await opened.report("r-1", progress(0.5));
    expect(during).toEqual([[true, 40_000]]);
  });

  test("is not kept where the author hears nothing of it, and sets no alarm", async () => {
    let kept: unknown;
    const opened = openGateway(undefined, {
      hears: () => false,
      tellAuthor: async () => {
        kept = opened.records.callbacks.any();
      },
    });
    await opened.start("r-1");
    await opened.background();
    await opened.ring();
    const wakesAt = opened.wakesAt();
    const { length } = opened.sqlite.queries;
    await opened.report("r-1", progress(0.5));
    expect(kept).toBe(false);
    expect(opened.wakesAt()).toBe(wakesAt);
    const queries = opened.sqlite.queries
      .slice(length)
      .filter((query) => /INTO switchyard_callbacks/.test(query));
    expect(queries).toEqual([]);
  });

  test("as a message goes to clients, and is not kept", async () => {
    const { heard, messages, records, report, start } = openGateway();
    await start("r-1");
    await report("r-1", { type: "message", key: "m", message: { hello: 1 } });
    expect([messages, heard, records.callbacks.any()]).toEqual([[{ hello: 1 }], [], false]);
  });

  test("is told to the author by the process that comes after one that died", async () => {
    const never = openGateway(undefined, { tellAuthor: () => new Promise(() => {}) });
    await never.start("r-1");
    void never.report("r-1", progress(0.5));
    await vi.advanceTimersByTimeAsync(0);
    expect(never.records.callbacks.any()).toBe(true);

    const { background, heard, records } = openGateway(never.sqlite);
    await background();
    expect(heard).toMatchObject([{ type: "progress", workflowId: "r-1", progress: { percent: 0.5 } }]);
    expect(records.callbacks.any()).toBe(false);
  });

  test("is told also if the instance was restarted or deleted since: it did happen", async () => {
    for (const since of ["restart", "delete"] as const) {
      const never = openGateway(undefined, { tellAuthor: () => new Promise(() => {}) });
      await never.start("r-1");
      void never.report("r-1", progress(0.5));
      await vi.advanceTimersByTimeAsync(0);
      if (since === "delete") await never.service.deleteInstance({ id: "r-1", force: true });
      else {
        const restarted = never.service.control({
          id: "r-1",
          control: { action: "restart", resetClock: false },
        });
        await vi.advanceTimersByTimeAsync(10_000);
        await restarted;
      }
      const { background, heard } = openGateway(never.sqlite);
      await vi.advanceTimersByTimeAsync(0);
      await background();
      expect(heard, since).toMatchObject([{ type: "progress", workflowId: "r-1" }]);
    }
  });
});

describe("the alarm", () => {
  test("is set anew as long as the author is being called, and does not call it twice", async () => {
    const call = Promise.withResolvers<void>();
    let calls = 0;
    const { gateway, records, report, ring, start, wakesAt } = openGateway(undefined, {
      tellAuthor: () => {
        calls += 1;
        return call.promise;
      },
    });
    await start("r-1");
    void report("r-1", progress(0.5));
    await vi.advanceTimersByTimeAsync(0);
    await ring();
    expect(wakesAt()).toBe(40_000);
    await ring();
    expect([calls, wakesAt()]).toEqual([1, 60_000]);
    call.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(records.callbacks.any()).toBe(false);
    await gateway.alarm();
    expect(calls).toBe(1);
  });

  test("is set anew while a sub-agent takes long to end, and the rest is done meanwhile", async () => {
    const { records, ring, service, start, wakesAt } = openGateway(undefined, {
      definition: workshop,
      hasChild: () => true,
      child: async () => ({ gatewayDissolve: () => new Promise(() => {}) }) as unknown as GatewayStub,
    });
    await start("r-1");
    const deleted = service.deleteChild({ agent: "gateway-bench", name: "x", once: undefined });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await deleted).toMatchObject({ status: "deleting" });
    await ring();
    expect(wakesAt()).toBe(21_000);
    const checkAt = records.ledger.nextCheckAt() ?? 0;
    while (Date.now() < checkAt) await ring();
    expect(records.ledger.nextCheckAt()).toBeGreaterThan(checkAt);
  });

  test("goes on with the end of a sub-agent that had to wait", async () => {
    let outcome = "waits";
    const wiped: string[] = [];
    const { ring, service } = openGateway(undefined, {
      definition: workshop,
      hasChild: () => true,
      child: async () =>
        ({
          gatewayDissolve: async () => ({ ok: true, json: JSON.stringify(outcome) }),
        }) as unknown as GatewayStub,
      wipeChild: async (_, name) => void wiped.push(name),
    });
    void service.deleteChild({ agent: "gateway-bench", name: "x", once: undefined });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(wiped).toEqual([]);
    outcome = "done";
    await ring();
    await vi.advanceTimersByTimeAsync(0);
    expect(wiped).toEqual(["x"]);
  });

  test("rings for answers that are to be forgotten, also if nothing else is to be done", async () => {
    const { records, ring, service, wakesAt } = openGateway();
    records.store.open();
    const once = { key: "k", fingerprint: "f" };
    const change = { kind: "replace", state: { n: 1 } } as const;
    await service.changeState({ change, ifMatch: undefined, once });
    expect(wakesAt()).toBe(DAY_MS);
    await ring();
    expect(records.answers.find(once)).toBeUndefined();
    expect(wakesAt()).toBe(Number.POSITIVE_INFINITY);
  });

  test("is not set for a change of the state without a key", async () => {
    const { records, service, wakesAt } = openGateway();
    records.store.open();
    const changed = await service.changeState({ change: { kind: "reset" }, ifMatch: undefined });
    expect(changed).toEqual({ state: null, etag: tagOf(null) });
    expect(wakesAt()).toBe(Number.POSITIVE_INFINITY);
  });

  test("forgets the answers of an hour together", async () => {
    const { gateway, records, ring, wakesAt } = openGateway();
    const minutes = [0, 10, 59, 61];
    records.change(() => {
      for (const n of minutes)
        records.answers.keep({ key: `k-${n}`, fingerprint: "f" }, n, NOON + n * 60_000);
    });
    await gateway.alarm();
    expect(wakesAt()).toBe(DAY_MS + HOUR_MS);
    await ring();
    expect(minutes.map((n) => records.answers.find({ key: `k-${n}`, fingerprint: "f" })?.answer)).toEqual([
      undefined,
      undefined,
      undefined,
      61,
    ]);
  });
});
