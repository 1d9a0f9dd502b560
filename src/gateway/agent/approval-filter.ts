import { ApprovalStatus } from "../contract/approval";
import type { ApprovalFilter } from "../port";
import { type Condition, inSpan, type Range, type Route, STRETCH } from "./route";
import type { Store } from "../durable/store";

const APPROVALS = "switchyard_approvals";

/** What distinguishes a filter from every other, in whatever order its parts are given. */
export function nameOf({ status, workflow, instanceId, requested = {} }: ApprovalFilter): unknown[] {
  const { from, to } = requested;
  return [APPROVALS, [...new Set(status)].toSorted(), workflow, instanceId, [from, to]];
}

/**
 * The way to read what a filter lets through: by the instance or by a span of time, if few gates are of them; otherwise by
 * status and workflow. What the way does not use it checks, and the `+` keeps SQLite from using it all the same.
 */
export function routesOf(store: Store, filter: ApprovalFilter): readonly Route[] {
  const { status, workflow, instanceId, requested = {} } = filter;
  const narrow: Condition[][] = [
    ...(instanceId === undefined ? [] : [[["instance_id = ?", instanceId] as const]]),
    ...(inSpan("requested_at", requested).length === 0 ? [] : [inSpan("requested_at", requested)]),
  ];
  const narrowChecks: Condition[] = [
    ...(instanceId === undefined ? [] : [["+instance_id = ?", instanceId] as const]),
    ...inSpan("+requested_at", requested),
  ];
  const kindChecks: Condition[] = [
    ...(status.length === 0
      ? []
      : [[`+status IN (${status.map(() => "?").join(", ")})`, ...status] as const]),
    ...(workflow === undefined ? [] : [["+workflow = ?", workflow] as const]),
  ];
  const short = narrow.find((conditions) => isShort(store, conditions));
  if (short !== undefined) {
    const range: Range = { index: APPROVALS, within: [ordinalsIn(short)] };
    return [{ ranges: [range], checks: [...narrowChecks, ...kindChecks], isShort: true }];
  }
  return [{ ranges: kindRanges(filter), checks: narrowChecks }];
}

/** Each status is a range of its own. In the index of a workflow they come before the order of the list. */
function kindRanges({ status, workflow }: ApprovalFilter): Range[] {
  const asked = status.length === 0 && workflow !== undefined ? ApprovalStatus.options : [...new Set(status)];
  const ofWorkflow: Condition[] = workflow === undefined ? [] : [["workflow = ?", workflow]];
  if (asked.length === 0) return [{ index: APPROVALS, within: [] }];
  return asked.map((one) => ({ index: APPROVALS, within: [...ofWorkflow, ["status = ?", one]] }));
}

function isShort(store: Store, conditions: readonly Condition[]): boolean {
  const [sql, ...bindings] = ordinalsOf(conditions);
  return store.rows(`${sql} LIMIT 1 OFFSET ?`, ...bindings, STRETCH).length === 0;
}

function ordinalsIn(conditions: readonly Condition[]): Condition {
  const [sql, ...bindings] = ordinalsOf(conditions);
  return [`entry.ordinal IN (${sql})`, ...bindings];
}

function ordinalsOf(conditions: readonly Condition[]): Condition {
  const where = conditions.map(([sql]) => sql).join(" AND ");
  return [
    `SELECT ordinal FROM ${APPROVALS} WHERE ${where}`,
    ...conditions.flatMap(([, ...values]) => values),
  ];
}
