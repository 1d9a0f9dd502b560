import type { WorkflowInfo, WorkflowPage, WorkflowQueryCriteria } from "agents/workflows";
import type { InstanceError, InstanceStatus, Metadata } from "../contract/instance";
import type { InstanceRow } from "./ledger";
import type { Store } from "../durable/store";

/** What the SDK's `getWorkflows` and `deleteWorkflows` ask for. */
export type Criteria = WorkflowQueryCriteria & { readonly createdBefore?: Date };

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

/** The ledger as the SDK's own methods show it to the author of an Agent. */
export class WorkflowRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** A page, with how many there are in all. The cursor is the place of its last entry. */
  page(criteria: Criteria): WorkflowPage {
    const ascending = criteria.orderBy === "asc";
    const limit = Math.min(criteria.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
    const { where, bindings } = conditions(criteria);
    const [count] = this.#store.rows<{ n: number }>(
      `SELECT count(*) AS n FROM switchyard_instances WHERE ${where}`,
      ...bindings,
    );
    const beyond = criteria.cursor === undefined ? "" : `AND ordinal ${ascending ? ">" : "<"} ?`;
    const rows = this.#store.rows<InstanceRow>(
      `SELECT * FROM switchyard_instances WHERE ${where} ${beyond} ORDER BY ordinal ${ascending ? "ASC" : "DESC"} LIMIT ?`,
      ...bindings,
      ...(criteria.cursor === undefined ? [] : [Number(criteria.cursor)]),
      limit + 1,
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      workflows: shown.map(toWorkflowInfo),
      total: count?.n ?? 0,
      nextCursor: rows.length > limit && last !== undefined ? String(last.ordinal) : null,
    };
  }

  /** Everything that matches. */
  all(criteria: Criteria): InstanceRow[] {
    const { where, bindings } = conditions(criteria);
    return this.#store.rows<InstanceRow>(`SELECT * FROM switchyard_instances WHERE ${where}`, ...bindings);
  }

  /** Gives instances the present name of their binding. @returns how many there are. */
  rename(from: string, to: string): number {
    return this.#store.change("UPDATE switchyard_instances SET binding = ? WHERE binding = ?", to, from);
  }
}

/** An instance as the SDK shows it: by its public id, and the name of its binding. */
export function toWorkflowInfo(row: InstanceRow): WorkflowInfo {
  return {
    id: row.id,
    workflowId: row.id,
    workflowName: row.binding,
    status: row.status,
    metadata: JSON.parse(row.metadata) as Metadata,
    error: row.error === null ? null : (JSON.parse(row.error) as InstanceError),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    completedAt: row.completed_at === null ? null : new Date(row.completed_at),
  };
}

function conditions({ status = [], workflowName, metadata = {}, createdBefore }: Criteria): {
  where: string;
  bindings: SqlStorageValue[];
} {
  const statuses = (Array.isArray(status) ? status : [status]) as InstanceStatus[];
  const parts: (readonly [string, ...SqlStorageValue[]])[] = [
    ["1 = 1"],
    ...(statuses.length === 0
      ? []
      : [[`status IN (${statuses.map(() => "?").join(", ")})`, ...statuses] as const]),
    ...(workflowName === undefined ? [] : [["binding = ?", workflowName] as const]),
    ...(createdBefore === undefined ? [] : [["created_at < ?", createdBefore.getTime()] as const]),
    // `->` gives JSON text, in which "1", 1 and true differ.
    ...Object.entries(metadata).map(
      ([key, value]) => ["metadata -> ? = ?", `$.${JSON.stringify(key)}`, JSON.stringify(value)] as const,
    ),
  ];
  return {
    where: parts.map(([condition]) => condition).join(" AND "),
    bindings: parts.flatMap(([, ...values]) => values),
  };
}
