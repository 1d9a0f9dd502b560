import { type AgentStep, Name } from "../contract/names";
import type { AgentDefinition } from "../registry/agent-definition";
import type { Row, Store } from "../durable/store";

/** One sub-agent as its parent has it on record. */
export interface ChildRecord extends AgentStep {
  /** In milliseconds. */
  readonly createdAt: number;
}

interface ChildRow extends Row {
  name: string;
  created_at: number;
}

const AT_ONCE = 50;

/**
 * The sub-agents of one agent, in an order that stays: of their classes, as they are declared, then of their names. They
 * are read from the SDK's own table, since its `list` reads all of them, and sorts them by age.
 */
export class Children {
  readonly #store: Store;
  readonly #definitions: readonly AgentDefinition[];
  readonly #isLeaving: (child: AgentStep) => boolean;

  /** @param isLeaving whether a sub-agent is being deleted, and so not there for anybody. */
  constructor(
    store: Store,
    { children }: Pick<AgentDefinition, "children">,
    isLeaving: (child: AgentStep) => boolean,
  ) {
    this.#store = store;
    this.#definitions = children;
    this.#isLeaving = isLeaving;
  }

  /** Whether there is any, be it one that is being deleted. */
  isAny(): boolean {
    if (!this.#store.hasTable("cf_agents_sub_agents")) return false;
    return this.#definitions.some(({ agent }) => {
      const query = "SELECT 1 FROM cf_agents_sub_agents WHERE class = ? LIMIT 1";
      return this.#store.rows(query, agent.name).length > 0;
    });
  }

  /** Gives those that have an address one after the other, read in batches. @param place where to begin, that included. */
  *from(place: AgentStep | undefined): Generator<ChildRecord> {
    // One that the author named otherwise has none.
    for (const child of this.#from(place)) if (Name.safeParse(child.name).success) yield child;
  }

  /** Gives all that are not being deleted, whatever they are called. */
  staying(): Generator<ChildRecord> {
    return this.#from(undefined);
  }

  *#from(place: AgentStep | undefined): Generator<ChildRecord> {
    const first = this.#definitions.findIndex(({ name }) => name === place?.agent);
    for (const definition of this.#definitions.slice(Math.max(first, 0))) {
      yield* this.#ofClass(definition, definition.name === place?.agent ? place.name : "");
    }
  }

  *#ofClass({ name: agent, agent: childClass }: AgentDefinition, from: string): Generator<ChildRecord> {
    if (!this.#store.hasTable("cf_agents_sub_agents")) return;
    let comparison = ">=";
    let place = from;
    for (;;) {
      const rows = this.#store.rows<ChildRow>(
        `SELECT name, created_at FROM cf_agents_sub_agents WHERE class = ? AND name ${comparison} ? ORDER BY name LIMIT ?`,
        childClass.name,
        place,
        AT_ONCE,
      );
      for (const { name, created_at: createdAt } of rows) {
        if (!this.#isLeaving({ agent, name })) yield { agent, name, createdAt };
      }
      const last = rows.at(-1);
      if (rows.length < AT_ONCE || last === undefined) return;
      [comparison, place] = [">", last.name];
    }
  }
}
