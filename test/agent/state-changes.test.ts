import { State } from "agents/state";
import type { Agent } from "agents";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { changingState, journalState } from "../../src/gateway/agent/state-changes.ts";
import { tagOf } from "../../src/gateway/agent/state.ts";
import { openDesk } from "./stand-ins.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

const NO_STATE = {};

/** As much of the SDK's Agent as a state goes through, around the SDK's own `State` on real SQLite. */
class StandInAgent {
  readonly told: unknown[] = [];
  initialState: unknown = NO_STATE;
  validate: (next: unknown) => void = () => {};
  onStateChanged: (next: unknown) => void = () => {};
  readonly _state: State;

  constructor(storage: DurableObjectStorage) {
    this._state = new State({
      validateStateChange: (next) => this.validate(next),
      onChanged: (next, source) => this._handleStateChanged(next, source),
    });
    Object.defineProperty(this._state, "lifecycle", { value: { storage } });
  }

  get state(): unknown {
    const stored = this._state.get();
    if (stored !== undefined) return stored;
    if (this.initialState === NO_STATE) return undefined;
    this._state.set(this.initialState, "server");
    return this.initialState;
  }

  _handleStateChanged(next: unknown, _source: unknown): void {
    this.told.push(structuredClone(next));
    this.onStateChanged(next);
  }
}

function openAgent(initialState?: unknown, desk = openDesk(), onStateChanged?: (next: unknown) => void) {
  const agent = new StandInAgent(desk.storage);
  if (onStateChanged !== undefined) agent.onStateChanged = onStateChanged;
  let opened = 0;
  journalState(agent as unknown as Agent, {
    records: () => {
      opened += 1;
      return desk.records;
    },
    afterwards: (work) => desk.records.afterwards(work),
  });
  // The fields of the author's class come after the SDK's constructor.
  if (initialState !== undefined) agent.initialState = initialState;
  const set = (next: unknown) => agent._state.set(next, "server");
  const events = () =>
    desk.records.journal
      .read({ instanceId: undefined, after: undefined, limit: 100 })
      .events.map(({ data }) => data as { etag: string; source: string });
  const stored = () => {
    const [row] = desk.query("SELECT state FROM cf_agents_state");
    return JSON.parse(row?.["state"] as string) as unknown;
  };
  return { agent, desk, events, opened: () => opened, set, stored };
}

describe("a change of the state", () => {
  test("is one event with the tag of what it is now", () => {
    const { agent, events, set, stored } = openAgent();
    set({ n: 1 });
    set({ n: 2 });
    expect(events()).toEqual([
      { etag: tagOf({ n: 1 }), source: "agent" },
      { etag: tagOf({ n: 2 }), source: "agent" },
    ]);
    expect(stored()).toEqual({ n: 2 });
    expect(agent.told).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("to what it was already is none, and is told to clients as the SDK does", () => {
    const { agent, events, set } = openAgent();
    set({ n: 1 });
    set({ n: 1 });
    expect(events()).toHaveLength(1);
    expect(agent.told).toEqual([{ n: 1 }, { n: 1 }]);
  });

  test("that was made in place before it was set is one", () => {
    const { agent, desk, events, set } = openAgent();
    set({ n: 1 });
    const state = agent.state as { n: number };
    state.n = 2;
    set(state);
    expect(events()).toHaveLength(2);

    const awake = openAgent(undefined, openDesk(desk));
    const same = awake.agent.state as { n: number };
    same.n = 3;
    awake.set(same);
    expect(awake.events().at(-1)?.etag).toBe(tagOf({ n: 3 }));
    expect(awake.events()).toHaveLength(3);
  });

  test("says who made it", () => {
    const { agent, events, set } = openAgent();
    changingState("rest", () => set(1));
    changingState("workflow", () => set(2));
    agent._state.set(3, { id: "a connection" } as never);
    changingState("rest", () => agent._state.set(4, { id: "a connection" } as never));
    set(5);
    expect(events().map(({ source }) => source)).toEqual(["rest", "workflow", "client", "client", "agent"]);
  });

  test("that the author's hook makes in answer to another is the author's", () => {
    const { agent, events, set } = openAgent(undefined, openDesk(), (next) => {
      if (next === "ping") set("pong");
    });
    changingState("rest", () => set("ping"));
    expect(events().map(({ source }) => source)).toEqual(["rest", "agent"]);
    expect(agent.state).toBe("pong");
  });
});

describe("the first state", () => {
  test("is no change when it is stored because it is read, and nothing of the gateway is made for it", () => {
    const { agent, events, opened } = openAgent({ n: 0 });
    expect(agent.state).toEqual({ n: 0 });
    expect(opened()).toBe(0);
    expect(events()).toEqual([]);
  });

  test("is no change when it is set, and any other is", () => {
    const { events, set } = openAgent({ n: 0 });
    set({ n: 0 });
    expect(events()).toEqual([]);
    set({ n: 1 });
    expect(events()).toHaveLength(1);
  });

  test("of an agent that declares none is nothing: an empty object is a change", () => {
    const { events, set } = openAgent();
    set({});
    expect(events()).toEqual([{ etag: tagOf({}), source: "agent" }]);
  });
});

describe("the state and its event", () => {
  test("are not there if the author refuses the state, and no client hears of it", () => {
    const { agent, desk, events, set, stored } = openAgent();
    set({ n: 1 });
    agent.validate = () => {
      throw new Error("refused");
    };
    expect(() => set({ n: 2 })).toThrow("refused");
    expect([events().length, stored(), agent.state]).toEqual([1, { n: 1 }, { n: 1 }]);
    expect(agent.told).toEqual([{ n: 1 }]);
    agent.validate = () => {};
    set({ n: 2 });
    expect(events()).toHaveLength(2);
    expect(desk.types()).toEqual(["state.updated", "state.updated"]);
  });

  test("are not there if the event cannot be written", () => {
    const { agent, desk, set, stored } = openAgent();
    set({ n: 1 });
    desk.query("ALTER TABLE switchyard_events RENAME TO elsewhere");
    expect(() => set({ n: 2 })).toThrow("switchyard_events");
    expect([stored(), agent.state, agent.told]).toEqual([{ n: 1 }, { n: 1 }, [{ n: 1 }]]);
  });

  test("are told only after the whole change that they are part of is committed", () => {
    const { agent, desk, set } = openAgent();
    desk.records.change(() => {
      set({ n: 1 });
      expect([agent.told, desk.published]).toEqual([[], []]);
    });
    expect([agent.told, desk.types()]).toEqual([[{ n: 1 }], ["state.updated"]]);
    const failing = () =>
      desk.records.change(() => {
        set({ n: 2 });
        throw new Error("half-way");
      });
    expect(failing).toThrow("half-way");
    expect([agent.told, desk.types()]).toEqual([[{ n: 1 }], ["state.updated"]]);
  });
});
