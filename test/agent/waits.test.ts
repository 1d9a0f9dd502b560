import { describe, expect, test } from "vitest";
import type { Wait } from "../../src/gateway/agent/waits.ts";
import { type Desk, force, NOON, openDesk, RefundEvent } from "./stand-ins.ts";

const parcel: Wait = {
  key: "parcel:1",
  stepName: "parcel",
  eventType: "parcel-scanned",
  deadline: NOON + 60_000,
};
const nap: Wait = { key: "nap:1", stepName: "nap", eventType: undefined, deadline: NOON + 1_000 };

/** An instance that runs; nothing is told of it yet. */
function running(): Desk {
  const desk = openDesk();
  desk.accept("r-1");
  desk.report("r-1", { type: "started" });
  desk.published.length = 0;
  return desk;
}
const begin = (desk: Desk, wait: Wait) => desk.report("r-1", { type: "wait-began", wait });
const end = (desk: Desk, { key }: Wait) => desk.report("r-1", { type: "wait-ended", key });
/** What an instance shows: its status, and the step that waits. */
function shown({ row }: Desk): string {
  const { status, waiting_for: waitingFor } = row("r-1");
  const step = (JSON.parse(waitingFor ?? "null") as { stepName: string } | null)?.stepName;
  return step === undefined ? status : `${status} at ${step}`;
}
function decide(desk: Desk, id: string): void {
  desk.records.change(() =>
    desk.records.approvals.close(
      id,
      { status: "approved", decidedBy: "ada", reason: null, metadata: null },
      NOON,
    ),
  );
}

describe("a wait", () => {
  test.each([
    [
      "for an event",
      parcel,
      {
        type: "event",
        eventType: "parcel-scanned",
        stepName: "parcel",
        deadline: "2026-04-01T12:01:00.000Z",
      },
    ],
    ["for a time", nap, { type: "time", stepName: "nap", deadline: "2026-04-01T12:00:01.000Z" }],
  ] as const)("%s is shown and told, and its end lets the instance run", (_, wait, waitingFor) => {
    const desk = running();
    begin(desk, wait);
    expect(desk.row("r-1").status).toBe("waiting");
    expect(JSON.parse(desk.row("r-1").waiting_for ?? "null")).toEqual(waitingFor);
    expect(desk.published.flat()).toMatchObject([{ type: "instance.waiting", data: { waitingFor } }]);
    expect(RefundEvent.safeParse(desk.published.flat()[0]).error).toBeUndefined();
    end(desk, wait);
    expect(shown(desk)).toBe("running");
    expect(desk.types()).toEqual(["instance.waiting"]);
  });

  test("begins once and ends once, however often that is said", () => {
    const { records, row } = running();
    expect([1, 2].map(() => records.change(() => records.waits.begin(row("r-1"), parcel)))).toEqual([
      true,
      false,
    ]);
    expect([1, 2].map(() => records.change(() => records.waits.end(row("r-1"), parcel.key)))).toEqual([
      true,
      false,
    ]);
  });

  test("that is over does not begin again when it is replayed: the instance never seems to wait", () => {
    const desk = running();
    begin(desk, parcel);
    end(desk, parcel);
    const before = desk.row("r-1");
    for (let replay = 1; replay <= 3; replay += 1) {
      begin(desk, parcel);
      expect(desk.row("r-1")).toEqual(before);
      end(desk, parcel);
    }
    expect(desk.row("r-1")).toEqual(before);
    expect(desk.types()).toEqual(["instance.waiting"]);
  });

  test("that is still open is told once, also when it is replayed", () => {
    const desk = running();
    begin(desk, parcel);
    begin(desk, { ...parcel, deadline: NOON + 120_000 });
    expect(desk.types()).toEqual(["instance.waiting"]);
    expect(desk.row("r-1").waiting_for).toContain("12:01:00");
  });

  test("that ends before it has begun changes nothing", () => {
    const desk = running();
    const before = desk.row("r-1");
    end(desk, parcel);
    expect(desk.row("r-1")).toEqual(before);
  });

  test("of another instance is another wait", () => {
    const desk = running();
    desk.accept("r-2");
    begin(desk, parcel);
    expect(desk.records.waits.current(desk.row("r-2"))).toBeUndefined();
    expect(desk.records.change(() => desk.records.waits.end(desk.row("r-2"), parcel.key))).toBe(false);
    expect(shown(desk)).toBe("waiting at parcel");
  });

  test("of another attempt is another wait", () => {
    const desk = running();
    begin(desk, parcel);
    end(desk, parcel);
    desk.records.change(() => desk.records.ledger.change(desk.row("r-1"), { attempt: 2 }, NOON));
    begin(desk, parcel);
    expect(shown(desk)).toBe("waiting at parcel");
  });
});

describe("several waits", () => {
  test("show the oldest, then the next, each told once", () => {
    const desk = running();
    begin(desk, parcel);
    begin(desk, nap);
    expect(shown(desk)).toBe("waiting at parcel");
    end(desk, parcel);
    expect(shown(desk)).toBe("waiting at nap");
    end(desk, nap);
    expect(shown(desk)).toBe("running");
    expect(desk.types()).toEqual(["instance.waiting", "instance.waiting"]);
  });

  test("of which a younger one ends first leave the instance at the older one", () => {
    const desk = running();
    begin(desk, parcel);
    begin(desk, nap);
    end(desk, nap);
    expect(shown(desk)).toBe("waiting at parcel");
    expect(desk.types()).toEqual(["instance.waiting"]);
  });

  test("show a gate before any wait: it is what a person can do something about", () => {
    const desk = running();
    begin(desk, nap);
    const { approvalId } = desk.ask("r-1");
    expect(shown(desk)).toBe("waiting at manager");
    end(desk, nap);
    expect(shown(desk)).toBe("waiting at manager");
    begin(desk, parcel);
    expect(shown(desk)).toBe("waiting at manager");
    decide(desk, approvalId);
    end(desk, nap);
    begin(desk, { ...nap, key: "nap:2" });
    expect(shown(desk)).toBe("waiting at parcel");
  });
});

describe("a paused instance", () => {
  test("stays paused through all its waits, and knows where it will wait", () => {
    const desk = running();
    force(desk, "r-1", "paused");
    begin(desk, nap);
    expect(shown(desk)).toBe("paused at nap");
    const { approvalId } = desk.ask("r-1");
    expect(shown(desk)).toBe("paused at manager");
    decide(desk, approvalId);
    begin(desk, parcel);
    expect(shown(desk)).toBe("paused at nap");
    end(desk, nap);
    end(desk, parcel);
    expect(shown(desk)).toBe("paused");
    expect(desk.types()).toEqual(["approval.requested"]);
  });
});

test("an event is awaited only by an open wait for its type", () => {
  const desk = running();
  const isAwaited = (type: string) => desk.records.waits.isAwaited(desk.row("r-1"), type);
  begin(desk, nap);
  expect(isAwaited("parcel-scanned")).toBe(false);
  begin(desk, parcel);
  expect(["parcel-scanned", "parcel", "nap", ""].filter(isAwaited)).toEqual(["parcel-scanned"]);
  end(desk, parcel);
  expect(isAwaited("parcel-scanned")).toBe(false);
});

test("an instance that has ended does not wait any more, whatever comes late", () => {
  const desk = running();
  desk.report("r-1", { type: "completed", output: null });
  const before = desk.row("r-1");
  begin(desk, parcel);
  end(desk, parcel);
  expect(desk.row("r-1")).toEqual(before);
  expect(desk.types()).toEqual(["instance.completed"]);
});
