import { describe, expect, test } from "vitest";
import type { Page } from "../../src/gateway/contract/page.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import type { InstanceStatus } from "../../src/gateway/contract/instance.ts";
import type { ApprovalFilter } from "../../src/gateway/port.ts";
import { type Desk, force, NOON, openDesk } from "./stand-ins.ts";

interface Asked {
  readonly status?: readonly InstanceStatus[];
  readonly workflow?: string;
  readonly limit?: number;
  readonly cursor?: string | null;
}

const list = ({ records }: Desk, { status = [], workflow, limit = 2, cursor }: Asked = {}) =>
  records.ledger.list({ status, workflow, limit, cursor: cursor ?? undefined }, records.agent);
const ids = (page: Page<{ id: string }>): string[] => page.items.map(({ id }) => id);

function deskWith(count: number): Desk {
  const desk = openDesk();
  for (let n = 1; n <= count; n += 1) desk.accept(`r-${n}`);
  return desk;
}

/** Turns all pages of a list, doing something between them. */
function allPages(desk: Desk, asked: Asked, between: (turned: number) => void = () => {}): string[][] {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const page = list(desk, { ...asked, cursor });
    pages.push(ids(page));
    cursor = page.nextCursor;
    between(pages.length);
  } while (cursor !== null);
  return pages;
}

describe("pages of a list", () => {
  test("are newest first, as long as was asked for, and the last one says so", () => {
    expect(allPages(deskWith(5), { limit: 2 })).toEqual([["r-5", "r-4"], ["r-3", "r-2"], ["r-1"]]);
  });

  test("end where the list ends, also if that is where a page ends", () => {
    expect(allPages(deskWith(4), { limit: 2 })).toEqual([
      ["r-4", "r-3"],
      ["r-2", "r-1"],
    ]);
    expect(allPages(deskWith(0), { limit: 2 })).toEqual([[]]);
  });

  test("show nothing twice and miss nothing while new items come", () => {
    const desk = deskWith(5);
    const pages = allPages(desk, { limit: 2 }, (turned) => {
      desk.accept(`new-${turned}`);
    });
    expect(pages).toEqual([["r-5", "r-4"], ["r-3", "r-2"], ["r-1"]]);
  });

  test("go on where they were, also if the item that they ended with is gone from the list", () => {
    const desk = deskWith(5);
    const pages = allPages(desk, { limit: 2, status: ["queued"] }, (turned) => {
      if (turned === 1) force(desk, "r-4", "running");
    });
    expect(pages).toEqual([["r-5", "r-4"], ["r-3", "r-2"], ["r-1"]]);
  });

  test("are of the statuses that were asked for, merged in one order", () => {
    const desk = deskWith(6);
    for (const id of ["r-2", "r-5"]) force(desk, id, "complete");
    for (const id of ["r-3", "r-6"]) force(desk, id, "errored");
    expect(allPages(desk, { limit: 3, status: ["complete", "errored"] })).toEqual([
      ["r-6", "r-5", "r-3"],
      ["r-2"],
    ]);
    expect(allPages(desk, { limit: 9, status: ["complete", "complete"] })).toEqual([["r-5", "r-2"]]);
    expect(allPages(desk, { limit: 9, status: ["paused"] })).toEqual([[]]);
  });

  test("are of the workflow that was asked for, also together with a status", () => {
    const desk = deskWith(2);
    desk.accept("s-1", { workflow: "ship" });
    desk.accept("s-2", { workflow: "ship" });
    force(desk, "s-1", "complete");
    force(desk, "r-1", "complete");
    expect(allPages(desk, { limit: 1, workflow: "ship" })).toEqual([["s-2"], ["s-1"]]);
    expect(allPages(desk, { workflow: "ship", status: ["complete"] })).toEqual([["s-1"]]);
    expect(allPages(desk, { workflow: "nothing'; --" })).toEqual([[]]);
  });
});

/** Ten gates, one a second: of r-1 and r-2 in turn, the last three of another workflow. Every third is approved. */
function deskWithGates(): Desk {
  const desk = openDesk();
  desk.accept("r-1");
  desk.accept("r-2");
  desk.accept("s-1", { workflow: "ship" });
  for (let n = 1; n <= 10; n += 1) {
    const id = n > 7 ? "s-1" : `r-${(n % 2) + 1}`;
    const { approvalId } = desk.ask(id, { stepName: `gate-${n}` }, NOON + n * 1_000);
    const closing = { status: "approved", decidedBy: "ada", reason: null, metadata: null } as const;
    if (n % 3 === 0) desk.records.approvals.close(approvalId, closing, NOON);
  }
  return desk;
}
const pages = (desk: Desk, filter: Partial<ApprovalFilter>): number[][] => {
  const turned: number[][] = [];
  let cursor: string | undefined;
  do {
    const page = desk.records.approvals.list({ status: [], ...filter, limit: 2, cursor });
    turned.push(page.items.map(({ stepName }) => Number(stepName.slice("gate-".length))));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return turned;
};
const span = (from: number, to: number) => ({ from: NOON + from * 1_000, to: NOON + to * 1_000 });

describe("pages of approvals", () => {
  test.each([
    [{}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
    [{ status: ["approved"] as const }, [9, 6, 3]],
    [{ workflow: "ship" }, [10, 9, 8]],
    [{ workflow: "ship", status: ["pending"] as const }, [10, 8]],
    [{ workflow: "refund", status: ["approved", "expired"] as const }, [6, 3]],
    [{ workflow: "nothing'; --" }, []],
    [{ instanceId: "r-1" }, [6, 4, 2]],
    [{ instanceId: "r-1", status: ["pending"] as const }, [4, 2]],
    [{ instanceId: "r-1", workflow: "ship" }, []],
    [{ instanceId: "nobody" }, []],
    [{ requested: span(3, 6) }, [5, 4, 3]],
    [{ requested: { from: NOON + 9_000 } }, [10, 9]],
    [{ requested: span(1, 9), workflow: "ship" }, [8]],
    [{ requested: span(3, 7), instanceId: "r-2", status: ["pending"] as const }, [5]],
  ] satisfies readonly (readonly [Partial<ApprovalFilter>, readonly number[]])[])(
    "of %j are those, newest first",
    (filter, expected) => {
      const turned = pages(deskWithGates(), filter);
      expect(turned.flat()).toEqual(expected);
      expect(turned.slice(0, -1).every((page) => page.length === 2)).toBe(true);
    },
  );

  test("have cursors that are good for their own filter alone", () => {
    const desk = deskWithGates();
    const asked = { status: [], workflow: "refund", instanceId: "r-1", requested: span(0, 99), limit: 1 };
    const cursor = desk.records.approvals.list({ ...asked, cursor: undefined }).nextCursor ?? undefined;
    expect(cursor).toBeDefined();
    expect(desk.records.approvals.list({ ...asked, cursor }).items).toHaveLength(1);
    for (const other of [
      { workflow: undefined },
      { instanceId: "r-2" },
      { instanceId: undefined },
      { requested: span(0, 98) },
      { status: ["pending" as const] },
    ]) {
      expect(refusal(() => desk.records.approvals.list({ ...asked, ...other, cursor }))).toBe(
        "invalid_cursor",
      );
    }
  });
});

const refusal = (ask: () => unknown): string => {
  try {
    ask();
  } catch (failure) {
    if (failure instanceof ProblemError) return failure.code;
    throw failure;
  }
  return "accepted";
};

describe("a cursor", () => {
  test("of a list with the same filters is accepted, in whatever order they are given", () => {
    const desk = deskWith(5);
    const { nextCursor } = list(desk, { status: ["queued", "running"] });
    expect(ids(list(desk, { status: ["running", "queued"], cursor: nextCursor }))).toEqual(["r-3", "r-2"]);
  });

  test("may be used again, and with another size of the page", () => {
    const desk = deskWith(5);
    const { nextCursor } = list(desk);
    expect(ids(list(desk, { cursor: nextCursor }))).toEqual(["r-3", "r-2"]);
    expect(ids(list(desk, { cursor: nextCursor, limit: 9 }))).toEqual(["r-3", "r-2", "r-1"]);
  });

  test("of another list is refused", () => {
    const desk = deskWith(5);
    const { nextCursor } = list(desk);
    expect(refusal(() => list(desk, { cursor: nextCursor, status: ["queued"] }))).toBe("invalid_cursor");
    expect(refusal(() => list(desk, { cursor: nextCursor, workflow: "refund" }))).toBe("invalid_cursor");
    const cursor = nextCursor ?? undefined;
    expect(refusal(() => desk.records.approvals.list({ status: [], limit: 2, cursor }))).toBe(
      "invalid_cursor",
    );
  });

  test.each([
    "",
    "x",
    "null",
    "!!!!",
    "日本",
    btoa("null"),
    btoa("[]"),
    btoa("{}"),
    btoa('["switchyard_instances",1]'),
    btoa(JSON.stringify([JSON.stringify(["switchyard_instances", [], []]), "1"])),
    btoa(JSON.stringify([JSON.stringify(["switchyard_instances", [], []]), 1.5])),
    btoa(JSON.stringify([JSON.stringify(["switchyard_instances", [], []]), 1, 2])),
  ])("that is none is refused: %j", (cursor) => {
    expect(refusal(() => list(deskWith(1), { cursor }))).toBe("invalid_cursor");
  });

  test("can stand in a URL as it is", () => {
    const { nextCursor } = list(deskWith(5), { status: ["queued"], workflow: "refund" });
    expect(encodeURIComponent(nextCursor ?? "")).toBe(nextCursor);
  });
});
