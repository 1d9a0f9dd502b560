import { AsyncLocalStorage } from "node:async_hooks";
import type { Agent } from "agents";
import type { StateSource } from "../contract/event";
import type { Records } from "./records";
import { tagOf } from "./state";

/** Who changes a state, where that is not the author's own code. */
const changedBy = new AsyncLocalStorage<StateSource | undefined>();

/** Does work whose changes of the state are told as those of `source`. */
export function changingState<Result>(source: StateSource, work: () => Result): Result {
  return changedBy.run(source, work);
}

/** How the state journal reaches the records of its agent. */
export interface StateJournalHost {
  /** The records; making them costs, so they are asked for only when there is something to write. */
  records(): Records;
  /** Does something once the change that is under way is committed; at once if none is. */
  afterwards(work: () => void): void;
}

/** Where the SDK writes every state, whoever changes it, and what it calls when it has: the clients, then the author's hook. */
interface StateInternals {
  readonly initialState: unknown;
  readonly _state: { get(): unknown; set(next: unknown, source: unknown): void };
  _handleStateChanged(next: unknown, source: unknown): void;
}

/**
 * Makes each change of an Agent's state an event of its journal: both are written in one transaction, and told after it.
 * It must be done on the Agent itself, in its constructor: whatever hooks the author overrides, nothing passes by.
 */
export function journalState(agent: Agent, host: StateJournalHost): void {
  // The SDK keeps these to itself: there is no hook that sees a write before it is told.
  const sdk = agent as unknown as StateInternals;
  const { _state: state, initialState: unset } = sdk;
  const get = state.get.bind(state);
  const set = state.set.bind(state);
  const tellAll = sdk._handleStateChanged.bind(agent);
  /** Of the state as it was last written or first read: an author may change the object in place before it is set. */
  let tag: string | undefined;

  state.get = () => {
    const stored = get();
    if (stored !== undefined) tag ??= tagOf(stored);
    return stored;
  };
  state.set = (next, source) => {
    // That the first state is stored when it is first read changes nothing.
    if (state.get() === undefined) tag = tagOf(sdk.initialState === unset ? null : sdk.initialState);
    const etag = tagOf(next);
    if (etag === tag) return set(next, source);
    const records = host.records();
    records.change((now) => {
      const by = source === "server" ? (changedBy.getStore() ?? "agent") : "client";
      records.journal.appendOfAgent("state.updated", { etag, source: by }, now);
      // Last: what the SDK holds in memory cannot be rolled back.
      set(next, source);
    });
    tag = etag;
  };
  sdk._handleStateChanged = (next, source) => {
    // What the author's hook does then is the author's.
    host.afterwards(() => changedBy.run(undefined, () => tellAll(next, source)));
  };
}
