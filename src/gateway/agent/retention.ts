import { TERMINAL_STATUSES } from "../contract/instance";
import { DEFAULT_KEEP_MS, type WorkflowDefinition } from "../registry/workflow-definition";
import type { Store } from "../durable/store";

/** Leaps from each workflow to the next in the index, where DISTINCT would go through all instances. */
const DISTINCT_WORKFLOWS = `
  WITH RECURSIVE leap (workflow) AS (
    SELECT min(workflow) FROM switchyard_instances
    UNION ALL
    SELECT (SELECT min(workflow) FROM switchyard_instances WHERE workflow > leap.workflow) FROM leap WHERE workflow IS NOT NULL
  )
  SELECT workflow FROM leap WHERE workflow IS NOT NULL`;

/** How long instances that have ended are kept. */
export class Retention {
  readonly #store: Store;
  readonly #workflows: readonly WorkflowDefinition[];

  constructor(store: Store, workflows: readonly WorkflowDefinition[]) {
    this.#store = store;
    this.#workflows = workflows;
  }

  /** Instances whose time is over, by their `ordinal`. */
  over(now: number, limit: number): number[] {
    return this.#kinds().flatMap(({ workflow, status, keepMs }) => {
      const rows = this.#store.rows<{ ordinal: number }>(
        `SELECT ordinal FROM switchyard_instances WHERE workflow = ? AND status = ? AND completed_at <= ?
         ORDER BY completed_at LIMIT ?`,
        workflow,
        status,
        now - keepMs,
        limit,
      );
      return rows.map(({ ordinal }) => ordinal);
    });
  }

  /** When the time of the next one is over, in milliseconds; undefined if none has ended. */
  nextAt(): number | undefined {
    const times = this.#kinds().flatMap(({ workflow, status, keepMs }) => {
      const [row] = this.#store.rows<{ at: number | null }>(
        "SELECT min(completed_at) AS at FROM switchyard_instances WHERE workflow = ? AND status = ?",
        workflow,
        status,
      );
      return typeof row?.at === "number" ? [row.at + keepMs] : [];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Also workflows that are not declared any more, of which instances are left. */
  #kinds() {
    const left = this.#store.rows<{ workflow: string }>(DISTINCT_WORKFLOWS);
    return left.flatMap(({ workflow }) =>
      TERMINAL_STATUSES.map((status) => {
        const declared = this.#workflows.find(({ name }) => name === workflow);
        return { workflow, status, keepMs: declared?.keepMs[status] ?? DEFAULT_KEEP_MS };
      }),
    );
  }
}
