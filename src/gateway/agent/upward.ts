import type { GatewayEvent } from "../contract/event";
import type { AgentStep } from "../contract/names";
import type { Feed, Forgotten } from "./feed";
import type { Row, Store } from "../durable/store";

/** What a sub-agent passes up to its parent, in one go. */
export interface Rise {
  /** Names the list that the places are of. */
  readonly epoch: string;
  /** In order, each with its place in that list. */
  readonly events: readonly { readonly seq: number; readonly event: GatewayEvent }[];
  readonly forgotten: readonly Forgotten[];
}

interface ForgottenRow extends Row {
  ordinal: number;
  agent: string;
  instance_id: string | null;
}

/** Most events that one rise takes; there are fewer if they are large. */
const EVENTS_A_RISE = 200;
/** Most of what is forgotten that one rise takes. */
const FORGOTTEN_A_RISE = 200;

/** Where the events come from that a sub-agent passes up: its feed, if it has sub-agents itself; otherwise its journal. */
export interface Source {
  readonly epoch: string;
  /** The first after a place: no more than the limit, nor than one call takes; at least one, if there is one. */
  after(seq: number, limit: number): Rise["events"];
}

/**
 * What a sub-agent has still to pass up. What came to be is in its own lists, and stays there after it was passed up: only
 * the place up to which that is done is kept, so that nothing is written twice where nobody dies.
 */
export class Upward {
  readonly #store: Store;
  readonly #source: () => Source;
  #isNews = true;

  constructor(store: Store, source: () => Source) {
    this.#store = store;
    this.#source = source;
  }

  /** Notes that the parent is to forget something, too. Inside a change. */
  forget({ agent, instanceId }: Forgotten): void {
    this.#isNews = true;
    this.#store.run("INSERT INTO switchyard_forgotten (agent, instance_id) VALUES (?, ?)", agent, instanceId);
  }

  /** Whether there may be something to pass up. */
  get isNews(): boolean {
    return this.#isNews;
  }

  /** Notes that events came to be. */
  expect(): void {
    this.#isNews = true;
  }

  /** What is to be passed up next, and what notes that it was; undefined if there is nothing. */
  next(): { readonly rise: Rise; readonly done: () => void } | undefined {
    const source = this.#source();
    const { epoch } = source;
    this.#isNews = false;
    const events = source.after(this.#risen(epoch), EVENTS_A_RISE);
    const forgotten = this.#store.rows<ForgottenRow>(
      "SELECT * FROM switchyard_forgotten ORDER BY ordinal LIMIT ?",
      FORGOTTEN_A_RISE,
    );
    const [last, lastForgotten] = [events.at(-1), forgotten.at(-1)];
    if (last === undefined && lastForgotten === undefined) return undefined;
    return {
      rise: {
        epoch,
        events,
        forgotten: forgotten.map((row) => ({ agent: row.agent, instanceId: row.instance_id })),
      },
      done: () => {
        if (last !== undefined) this.#store.setMeta("risen", `${epoch} ${last.seq}`);
        if (lastForgotten !== undefined)
          this.#store.run("DELETE FROM switchyard_forgotten WHERE ordinal <= ?", lastForgotten.ordinal);
      },
    };
  }

  #risen(epoch: string): number {
    const [of, seq] = this.#store.findMeta("risen")?.split(" ") ?? [];
    return of === epoch ? Number(seq) : 0;
  }
}

/** Takes the events that a sub-agent passes up into the feed of its parent; what came before is passed over. Inside a change. */
export function takeEvents(
  store: Store,
  feed: Feed,
  child: AgentStep,
  { epoch, events }: Pick<Rise, "epoch" | "events">,
): void {
  const key = childKey(child);
  const [known] = store.rows<{ epoch: string; seq: number }>(
    "SELECT epoch, seq FROM switchyard_fed WHERE child = ?",
    key,
  );
  const taken = known?.epoch === epoch ? known.seq : 0;
  const fresh = events.filter(({ seq }) => seq > taken);
  feed.add(fresh.map(({ event }) => event));
  const last = fresh.at(-1);
  if (last === undefined) return;
  store.run(
    "INSERT OR REPLACE INTO switchyard_fed (child, epoch, seq) VALUES (?, ?, ?)",
    key,
    epoch,
    last.seq,
  );
}

/** Forgets how far a sub-agent that is gone had come. Inside a change. */
export function forgetChild(store: Store, child: AgentStep): void {
  store.run("DELETE FROM switchyard_fed WHERE child = ?", childKey(child));
}

function childKey({ agent, name }: AgentStep): string {
  return `${agent}/${name}`;
}
