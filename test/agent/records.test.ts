import { describe, expect, test } from "vitest";
import { NOON, openDesk } from "./stand-ins.ts";

describe("a change", () => {
  test("is published once it is committed, all of it at once and in order", () => {
    const desk = openDesk();
    const row = desk.accept("r-1");
    const { journal } = desk.records;
    desk.published.length = 0;
    desk.records.change(() => {
      journal.append(row, "instance.started", {}, NOON);
      journal.append(row, "instance.progress", { progress: 1 }, NOON);
      expect(desk.published).toEqual([]);
    });
    expect(desk.published).toHaveLength(1);
    expect(desk.types()).toEqual(["instance.started", "instance.progress"]);
  });

  test("that fails leaves nothing behind: no row, no message, no event, and nothing is published, then or later", () => {
    const desk = openDesk();
    const row = desk.accept("r-1");
    const { journal, outbox, ledger } = desk.records;
    desk.published.length = 0;
    const failing = () =>
      desk.records.change(() => {
        ledger.change(row, { status: "running" }, NOON);
        outbox.add({ kind: "create", instanceId: "r-1", payload: { params: {} } }, NOON);
        journal.append(row, "instance.started", {}, NOON, "started");
        throw new TypeError("half-way");
      });
    expect(failing).toThrow(TypeError);
    expect(desk.published).toEqual([]);
    expect(desk.row("r-1").status).toBe("queued");
    expect(outbox.nextDueAt()).toBeUndefined();

    desk.records.change(() => journal.append(row, "instance.progress", { progress: 1 }, NOON));
    expect(desk.types()).toEqual(["instance.progress"]);
  });

  test("gives back what its work gave, and tells it the time", () => {
    const desk = openDesk();
    const before = Date.now();
    const told = desk.records.change((now) => now);
    expect(told).toBeGreaterThanOrEqual(before);
    expect(told).toBeLessThanOrEqual(Date.now());
  });
});
