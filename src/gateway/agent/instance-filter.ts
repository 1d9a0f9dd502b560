import type { InstanceFilter, Span } from "../port";
import { labelText } from "./labels";
import { type Condition, inSpan, type Range, type Route, STRETCH } from "./route";
import type { Store } from "../durable/store";

const INSTANCES = "switchyard_instances";

/** What distinguishes a filter from every other, in whatever order its parts are given. */
export function nameOf({ status, workflow, metadata = {}, ...times }: InstanceFilter): unknown[] {
  const labels = Object.entries(metadata).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const { created = {}, updated = {}, completed = {} } = times;
  const spans = [created, updated, completed].map(({ from, to }) => [from, to]);
  return [INSTANCES, [...new Set(status)].toSorted(), workflow, labels, spans];
}

/**
 * The ways to read what a filter lets through: by a span of time that few are in, by each of the labels, by status and
 * workflow. What a way does not use it checks, and the `+` keeps SQLite from using it all the same.
 */
export function routesOf(store: Store, filter: InstanceFilter): readonly Route[] {
  const { status, workflow, metadata = {} } = filter;
  const labels = Object.entries(metadata);
  const spans = spansOf(filter);
  const spanChecks = spans.flatMap(({ column, span }) => inSpan(`+${column}`, span));
  const labelChecks = labels.map(([key, value]): Condition => {
    const has = "SELECT 1 FROM switchyard_labels AS label WHERE label.key = ? AND label.value = ?";
    return [`EXISTS (${has} AND label.ordinal = entry.ordinal)`, key, labelText(value)];
  });
  const kindChecks: Condition[] = [
    ...(status.length === 0
      ? []
      : [[`+status IN (${status.map(() => "?").join(", ")})`, ...status] as const]),
    ...(workflow === undefined ? [] : [["+workflow = ?", workflow] as const]),
  ];

  const short = spans.find((one) => isShort(store, one));
  if (short !== undefined) {
    const range: Range = { index: INSTANCES, within: [ordinalsIn(short)] };
    return [{ ranges: [range], checks: [...spanChecks, ...kindChecks, ...labelChecks], isShort: true }];
  }
  const byLabel = labels.map(([key, value], at): Route => {
    const range: Range = {
      index: "switchyard_labels",
      within: [
        ["entry.key = ?", key],
        ["entry.value = ?", labelText(value)],
      ],
    };
    return { ranges: [range], checks: [...kindChecks, ...spanChecks, ...labelChecks.toSpliced(at, 1)] };
  });
  const byKind: Route = { ranges: kindRanges(filter), checks: [...spanChecks, ...labelChecks] };
  return byLabel.length > 0 && kindChecks.length === 0 ? byLabel : [...byLabel, byKind];
}

/** Each status is a range of its own. */
function kindRanges({ status, workflow }: InstanceFilter): Range[] {
  const ofWorkflow: Condition[] = workflow === undefined ? [] : [["workflow = ?", workflow]];
  if (status.length === 0) return [{ index: INSTANCES, within: ofWorkflow }];
  return [...new Set(status)].map((one) => ({
    index: INSTANCES,
    within: [...ofWorkflow, ["status = ?", one]],
  }));
}

interface TimeSpan {
  readonly column: "created_at" | "updated_at" | "completed_at";
  readonly span: Span;
}

function spansOf({ created = {}, updated = {}, completed = {} }: InstanceFilter): TimeSpan[] {
  const spans: TimeSpan[] = [
    { column: "created_at", span: created },
    { column: "updated_at", span: updated },
    { column: "completed_at", span: completed },
  ];
  return spans.filter(({ span: { from, to } }) => from !== undefined || to !== undefined);
}

/** Whether a span of time holds few instances. `updated_at` has no index, which every report would have to rewrite. */
function isShort(store: Store, { column, span }: TimeSpan): boolean {
  if (column === "updated_at") return false;
  const [sql, ...bindings] = ordinalsOf({ column, span });
  return store.rows(`${sql} LIMIT 1 OFFSET ?`, ...bindings, STRETCH).length === 0;
}

function ordinalsIn(timeSpan: TimeSpan): Condition {
  const [sql, ...bindings] = ordinalsOf(timeSpan);
  return [`entry.ordinal IN (${sql})`, ...bindings];
}

function ordinalsOf({ column, span }: TimeSpan): Condition {
  const conditions = inSpan(column, span);
  const where = conditions.map(([sql]) => sql).join(" AND ");
  return [
    `SELECT ordinal FROM ${INSTANCES} WHERE ${where}`,
    ...conditions.flatMap(([, ...values]) => values),
  ];
}
