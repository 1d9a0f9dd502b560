import { describe, expect, test, vi } from "vitest";
import { type Desk, NOON, openDesk } from "./stand-ins.ts";

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

const tell = ({ records, row }: Desk, message: number): boolean =>
  records.journal.append(row("r-1"), "instance.message", { message }, NOON);

describe("a change within a change", () => {
  test("is published with the outer one, in order, and never if that fails", () => {
    const desk = openDesk();
    desk.accept("r-1");
    desk.records.change(() => {
      tell(desk, 1);
      desk.records.change(() => tell(desk, 2));
      expect(desk.types()).toEqual([]);
      tell(desk, 3);
    });
    expect(desk.published.flat().map(({ data }) => data)).toEqual([1, 2, 3].map((message) => ({ message })));
    desk.published.length = 0;
    const failing = () =>
      desk.records.change(() => {
        desk.records.change(() => tell(desk, 4));
        throw new TypeError("half-way");
      });
    expect(failing).toThrow(TypeError);
    expect(desk.published).toEqual([]);
  });

  test("that fails takes nothing of the outer one with it", () => {
    const desk = openDesk();
    desk.accept("r-1");
    const done: string[] = [];
    desk.published.length = 0;
    desk.records.change(() => {
      tell(desk, 1);
      desk.records.afterwards(() => done.push("outer"));
      const failing = () =>
        desk.records.change(() => {
          tell(desk, 2);
          desk.records.afterwards(() => done.push("inner"));
          throw new TypeError("half-way");
        });
      expect(failing).toThrow(TypeError);
    });
    expect(desk.published.flat().map(({ data }) => data)).toEqual([{ message: 1 }]);
    expect(done).toEqual(["outer"]);
  });
});

describe("what follows a change", () => {
  test("is done once it is committed and published, in order, and at once where there is none", () => {
    const desk = openDesk();
    const row = desk.accept("r-1");
    const done: string[] = [];
    desk.published.length = 0;
    desk.records.change(() => {
      for (const what of ["first", "second"])
        desk.records.afterwards(() => done.push(`${what} after ${desk.types().join()}`));
      desk.records.journal.append(row, "instance.started", {}, NOON);
      expect(done).toEqual([]);
    });
    expect(done).toEqual(["first after instance.started", "second after instance.started"]);
    desk.records.afterwards(() => done.push("at once"));
    expect(done).toHaveLength(3);
  });

  test("fails alone: the change stands, and the others are done", () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const { records } = openDesk();
    let done = 0;
    records.change(() => {
      records.afterwards(() => {
        throw new Error("a client is gone");
      });
      records.afterwards(() => {
        done += 1;
      });
    });
    expect([done, logged.mock.calls.length]).toEqual([1, 1]);
    logged.mockRestore();
  });
});
