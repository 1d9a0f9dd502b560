import { describe, expect, test } from "vitest";
import { remove } from "../../src/gateway/agent/removing.ts";
import { STRETCH } from "../../src/gateway/agent/route.ts";
import { OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import type { ApprovalFilter, InstanceFilter, ListOrder } from "../../src/gateway/port.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { type Desk, force, NOON, openDesk } from "./stand-ins.ts";

const SPAN = { from: NOON, to: NOON + 1 };
const FILTERS: readonly InstanceFilter[] = [
  { status: [] },
  { status: [], workflow: "refund" },
  { status: ["queued"] },
  { status: ["queued", "complete"] },
  { status: ["queued", "complete"], workflow: "refund" },
  { status: [], metadata: { owner: "ada" } },
  { status: [], metadata: { owner: "ada", n: 1 } },
  { status: ["queued"], metadata: { owner: "ada" } },
  { status: ["queued", "complete"], workflow: "refund", metadata: { owner: "ada", n: 1, urgent: true } },
  { status: [], created: SPAN },
  { status: [], completed: { from: NOON } },
  { status: [], updated: { to: NOON } },
  { status: ["complete"], workflow: "refund", metadata: { owner: "ada" }, completed: { to: NOON } },
  { status: ["queued", "complete"], metadata: { n: 1 }, created: SPAN, updated: SPAN, completed: SPAN },
];

/** How SQLite goes about every query that was made on what grows. */
function plansOf(desk: Desk, made: readonly string[]): { query: string; detail: string }[] {
  return [...new Set(made)]
    .filter(
      (query) =>
        /^\s*(?:SELECT|UPDATE|INSERT|DELETE)\b/.test(query) &&
        /switchyard_(?:audit|instances|labels|events|approvals|votes|dropped_\w+)/.test(query),
    )
    .flatMap((query) =>
      desk.query(`EXPLAIN QUERY PLAN ${query}`).map(({ detail }) => ({ query, detail: detail as string })),
    );
}
const isExpensive = ({ detail }: { detail: string }): boolean => /^SCAN|TEMP B-TREE/.test(detail);

/** Puts many on record at once: every second is of ada, every tenth urgent, every 100th complete. Each starts a second later. */
function fill(desk: Desk, count: number): void {
  desk.query(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO switchyard_instances (id, engine_id, workflow, binding, attempt, status, created_at, updated_at, completed_at,
      check_after, metadata, params)
    SELECT 'r-' || i, 'engine-' || i, 'refund', 'REFUND', 1, iif(i % 100 = 0, 'complete', 'waiting'),
      ${NOON} + i * 1000, ${NOON} + i * 1000, iif(i % 100 = 0, ${NOON} + i * 2000, NULL), 0,
      json_object('owner', iif(i % 2 = 0, 'ada', 'grace'), 'urgent', json(iif(i % 10 = 0, 'true', 'false')), 'n', i), '{}' FROM n`);
  // As if the labels had been declared only now.
  desk.query("DELETE FROM switchyard_labels");
  desk.query("DELETE FROM switchyard_meta WHERE key = 'labels'");
  desk.records.change(() => desk.records.labels.bringUpToDate());
}

/** Follows the cursors. @returns the pages, by the numbers of their instances. */
function walk(desk: Desk, filter: InstanceFilter, order: ListOrder, limit: number): number[][] {
  const pages: number[][] = [];
  let cursor: string | null | undefined;
  do {
    const page = desk.records.ledger.list(
      { ...filter, order, limit, cursor: cursor ?? undefined },
      desk.records.agent,
    );
    pages.push(page.items.map(({ id }) => Number(id.slice(2))));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return pages;
}

test("no query scans a table that grows, or sorts one: cost does not grow with their number", () => {
  const desk = openDesk(sqliteStorage(), { keepEvents: 1 });
  const { records } = desk;
  const page = { limit: 10, cursor: undefined };
  // The first instance makes the index of labels, from a table that is empty but for it.
  desk.accept("r-0", { metadata: { owner: "ada", n: 1, urgent: true } });
  const before = desk.queries.length;
  desk.accept("r-1", { metadata: { owner: "ada", n: 1, urgent: true } });
  const { approvalId } = desk.ask("r-1", { terms: { ...OPEN_TERMS, required: 2 } });
  const vote = { principal: "ada", decision: "approve", door: "rest", reason: null, metadata: null } as const;
  records.change((now) => records.votes.cast({ ...vote, approvalId }, now));
  records.votes.countApprovals(approvalId);
  records.change((now) => records.note({ action: "instance.start", target: "/x" }, now));
  desk.report("r-1", { type: "progress", key: "p", progress: { percent: 1 } });
  desk.report("r-1", { type: "completed", output: null });
  records.approvals.list({ ...page, status: [] });
  records.approvals.list({ ...page, status: ["pending", "approved"] });
  records.approvals.countPending();
  records.journal.read({ instanceId: undefined, after: undefined, limit: 10 });
  records.journal.read({ instanceId: "r-1", after: undefined, limit: 10 });
  desk.accept("r-2");
  for (let n = 1; n <= 70; n += 1) desk.report("r-2", { type: "progress", key: `p:${n}`, progress: n });
  records.change((now) => records.journal.appendOfAgent("state.updated", {}, now));
  records.change((now) => remove(records, desk.row("r-2"), now));
  records.change(() => records.forget(desk.row("r-1")));
  expect(desk.query("SELECT * FROM switchyard_dropped_events")).toHaveLength(1);

  const plans = plansOf(desk, desk.queries.slice(before));
  expect(plans.length).toBeGreaterThan(10);
  expect(plans.filter(isExpensive)).toEqual([]);
});

const APPROVALS: readonly ApprovalFilter[] = [
  { status: [] },
  { status: ["pending", "approved"] },
  { status: [], workflow: "refund" },
  { status: ["approved"], workflow: "refund" },
  { status: [], instanceId: "r-1" },
  { status: ["pending"], workflow: "refund", instanceId: "r-1" },
  { status: [], requested: SPAN },
  { status: ["pending"], workflow: "refund", instanceId: "r-1", requested: { from: NOON } },
];

/** Puts many gates on record at once: all of r-1, every 100th pending, one a second. */
function fillGates(desk: Desk, count: number): void {
  desk.query(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO switchyard_approvals (id, instance_id, workflow, attempt, step_name, occurrence, event_type, status, requested_at)
    SELECT 'apr_' || i, 'r-1', 'refund', 1, 'gate', i, 'type-' || i, iif(i % 100 = 0, 'pending', 'approved'),
      ${NOON} + i * 1000 FROM n`);
}

test.each(APPROVALS.map((filter) => [JSON.stringify(filter), filter] as const))(
  "a page of approvals of %s is read through an index, and gives each once",
  (_, filter) => {
    for (const count of [2, STRETCH * 2 + 500]) {
      const desk = openDesk();
      fillGates(desk, count);
      const before = desk.queries.length;
      const listed: string[] = [];
      let cursor: string | undefined;
      do {
        const page = desk.records.approvals.list({ ...filter, limit: 1_000, cursor });
        listed.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      const plans = plansOf(desk, desk.queries.slice(before));
      expect(plans.length).toBeGreaterThan(0);
      expect(plans.filter(isExpensive)).toEqual([]);
      const { status, requested = {} } = filter;
      const expected = Array.from({ length: count }, (__, at) => count - at).filter((i) => {
        const at = NOON + i * 1_000;
        const is = i % 100 === 0 ? "pending" : "approved";
        return (
          (status.length === 0 || status.includes(is)) &&
          at >= (requested.from ?? 0) &&
          at < (requested.to ?? Number.POSITIVE_INFINITY)
        );
      });
      expect(listed).toEqual(expected.map((i) => `apr_${i}`));
    }
  },
);

describe.each(["newest", "oldest"] as const)("%s first", (order) => {
  test.each(FILTERS.map((filter) => [JSON.stringify(filter), filter] as const))(
    "a page of %s is read through an index, in its order",
    (_, filter) => {
      for (const count of [2, STRETCH * 2]) {
        const desk = openDesk();
        fill(desk, count);
        const before = desk.queries.length;
        walk(desk, filter, order, 10);
        const plans = plansOf(desk, desk.queries.slice(before));
        expect(plans.length).toBeGreaterThan(0);
        expect(plans.filter(isExpensive)).toEqual([]);
        expect(
          desk.queries
            .slice(before)
            .filter(
              (query) =>
                !/ LIMIT (?:\?|1 OFFSET \?)$| WHERE ordinal IN \(\d+(?:, \d+){0,9}\)$/.test(query) &&
                query.includes("switchyard_instances"),
            ),
        ).toEqual([]);
      }
    },
  );
});

const even = (i: number): boolean => i % 2 === 0;

describe("of many instances", () => {
  const COUNT = STRETCH * 2 + 500;
  const desk = openDesk();
  fill(desk, COUNT);
  const all = Array.from({ length: COUNT }, (_, at) => at + 1);
  const created = { from: NOON + 100_000, to: NOON + 200_000 };
  const longAgo = { to: NOON + 50_000 };
  const wide = { from: NOON + 1_000_000 };

  const CASES: readonly (readonly [string, InstanceFilter, (i: number) => boolean])[] = [
    ["a label that half of them have", { status: [], metadata: { owner: "ada" } }, even],
    ["two labels", { status: [], metadata: { owner: "ada", urgent: false } }, (i) => even(i) && i % 10 !== 0],
    [
      "two labels that none has both of",
      { status: [], metadata: { owner: "grace", urgent: true } },
      () => false,
    ],
    ["a label of one", { status: [], metadata: { n: 7 } }, (i) => i === 7],
    [
      "a label of one, beside others",
      { status: ["waiting"], workflow: "refund", metadata: { n: 7, owner: "grace" } },
      (i) => i === 7,
    ],
    ["a rare status and a label", { status: ["complete"], metadata: { owner: "ada" } }, (i) => i % 100 === 0],
    [
      "two statuses, a workflow and a label",
      { status: ["waiting", "complete"], workflow: "refund", metadata: { owner: "ada" } },
      even,
    ],
    [
      "another workflow and a label",
      { status: [], workflow: "ship", metadata: { owner: "ada" } },
      () => false,
    ],
    ["a short span", { status: [], created }, (i) => i >= 100 && i < 200],
    [
      "a short span and a label",
      { status: [], created, metadata: { urgent: true } },
      (i) => i >= 100 && i < 200 && i % 10 === 0,
    ],
    ["a long span", { status: [], created: wide }, (i) => i >= 1000],
    [
      "a span of the end",
      { status: [], completed: { from: NOON + 200_000, to: NOON + 800_000 } },
      (i) => i % 100 === 0 && i >= 100 && i < 400,
    ],
    ["a span of the last change", { status: ["waiting"], updated: longAgo }, (i) => i < 50 && i % 100 !== 0],
    ["spans that do not meet", { status: [], created: longAgo, updated: wide }, () => false],
  ];
  test.each(CASES)("%s: following the cursors gives each once, in order", (_, filter, isListed) => {
    const listed = all.filter(isListed);
    expect(walk(desk, filter, "oldest", 97).flat()).toEqual(listed);
    expect(walk(desk, filter, "newest", 97).flat()).toEqual(listed.toReversed());
    const { total } = desk.records.ledger.list({ ...filter, count: true, limit: 1, cursor: undefined }, "/x");
    expect(total).toBe(listed.length);
    expect(desk.records.ledger.matching(filter, 300)).toEqual(listed.slice(0, 300));
  });

  test("what is rare and old is looked for a stretch at a time, and what few are in is found at once", () => {
    const rare = walk(desk, { status: ["waiting"], updated: longAgo }, "newest", 100);
    expect(rare.map(({ length }) => length)).toEqual([0, 0, 49]);
    for (const [, filter] of CASES.filter(([name]) => /of one|rare|short span|of the end/.test(name)))
      expect(walk(desk, filter, "newest", 1_000)).toHaveLength(1);
  });
});

test("a merge of statuses goes on where the stretch of the first of them ended", () => {
  const desk = openDesk();
  fill(desk, 3);
  force(desk, "r-1", "complete");
  expect(
    walk(desk, { status: ["waiting", "complete"], updated: { from: NOON } }, "newest", 2).flat(),
  ).toEqual([3, 2, 1]);
});
