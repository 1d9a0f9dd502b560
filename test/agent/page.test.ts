import { describe, expect, test } from "vitest";
import type { Page } from "../../src/gateway/contract/page.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import type { InstanceStatus } from "../../src/gateway/contract/instance.ts";
import { type Desk, force, openDesk } from "./stand-ins.ts";

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
