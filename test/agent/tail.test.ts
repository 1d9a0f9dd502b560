import type { Connection } from "agents";
import { describe, expect, test } from "vitest";
import { besideSteps } from "../../src/gateway/agent/events-with-steps.ts";
import {
  appointPump,
  asksToPump,
  hasPump,
  leaveTail,
  publishStepToTails,
  publishToTails,
  startTail,
  tailTags,
  wakePump,
} from "../../src/gateway/agent/tail.ts";
import { StreamCounts } from "../../src/gateway/agent/tail-quota.ts";
import { takeSteps } from "../../src/gateway/agent/step-taking.ts";
import type { GatewayEvent } from "../../src/gateway/contract/event.ts";
import type { StepEvent } from "../../src/gateway/contract/step-event.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { engineEvent } from "./engine-step.ts";
import { AGENT, type Desk, NOON, openDesk } from "./stand-ins.ts";

/** As much of a connection as a tail uses. */
class StandInConnection {
  readonly frames: GatewayEvent[] = [];
  /** How often it was asked to copy steps. */
  pumps = 0;
  readonly id = crypto.randomUUID();
  readonly closings: number[] = [];
  readonly tags: readonly string[];
  state: unknown = null;

  constructor(instanceId: string | undefined, steps = false) {
    this.tags = tailTags({ instanceId, steps });
  }
  send(text: string): void {
    if (asksToPump(text)) this.pumps += 1;
    else this.frames.push(JSON.parse(text) as GatewayEvent);
  }
  close(code: number): void {
    this.closings.push(code);
  }
  setState(state: unknown): void {
    this.state = state;
  }
  get asConnection(): Connection {
    return this as unknown as Connection;
  }
}

const tell = ({ records, row }: Desk, id: string, count: number): void => {
  for (let n = 1; n <= count; n += 1)
    records.change(() => records.journal.append(row(id), "instance.message", { message: n }, NOON));
};
const cursorOf = ({ records }: Desk): string =>
  records.journal.read({ instanceId: undefined, after: undefined, limit: 1_000 }).cursor;
/** Opens a tail after a cursor. */
const tailOf = ({ records }: Desk, after: string, instanceId?: string, steps = false): StandInConnection => {
  const connection = new StandInConnection(instanceId, steps);
  const tailKey = records.store.meta("tail_key");
  const request = { agent: AGENT, instanceId, steps, after, tailKey };
  startTail(connection.asConnection, request, records, () => [], new StreamCounts());
  return connection;
};

describe("a tail", () => {
  test("begins after its cursor, and then is live", () => {
    const desk = openDesk();
    desk.accept("r-1");
    tell(desk, "r-1", 1);
    const after = cursorOf(desk);
    tell(desk, "r-1", 2);
    const tail = tailOf(desk, after);
    expect(tail.frames).toHaveLength(2);
    expect([tail.state, tail.closings]).toEqual([{ live: true, types: [] }, []]);
  });

  test.each([undefined, "r-1"])(
    "after whose cursor events were dropped since is closed: its reader is told when it reads on (%s)",
    (instanceId) => {
      const desk = openDesk(sqliteStorage(), { keepEvents: 10 });
      desk.accept("r-1");
      tell(desk, "r-1", 1);
      const after = cursorOf(desk);
      tell(desk, "r-1", 63);
      const tail = tailOf(desk, after, instanceId);
      expect(tail.frames).toEqual([]);
      expect([tail.state, tail.closings]).toEqual([null, [1000]]);
    },
  );
});

test("what is of the agent itself goes once to each tail of the agent, and to none of an instance", () => {
  const desk = openDesk();
  desk.accept("r-1");
  const tails = [undefined, undefined, "r-1"].map((instanceId) => tailOf(desk, cursorOf(desk), instanceId));
  desk.records.change((now) => desk.records.journal.appendOfAgent("state.updated", {}, now));
  tell(desk, "r-1", 1);
  publishToTails(
    desk.published.flat(),
    [],
    (tag) => tails.filter(({ tags }) => tags.includes(tag)).map(({ asConnection }) => asConnection),
    () => {
      throw new Error("nobody follows steps");
    },
  );
  expect(tails.map(({ frames }) => frames.map(({ type }) => type))).toEqual([
    ["state.updated", "instance.message"],
    ["state.updated", "instance.message"],
    ["instance.message"],
  ]);
});

/** Tails of one instance, with and without its steps. */
function openTails(...steps: boolean[]) {
  const desk = openDesk();
  desk.accept("r-1");
  desk.report("r-1", { type: "started" });
  const tails = steps.map((shown) => tailOf(desk, cursorOf(desk), "r-1", shown));
  const connections = (tag: string) =>
    tails.filter(({ tags }) => tags.includes(tag)).map(({ asConnection }) => asConnection);
  return { connections, desk, tails };
}

const step = (n: number) => [engineEvent(n, { type: "step_started", stepName: "pay-1" })];

describe("tails with steps", () => {
  test("have them beside the journal, with the place that each event has in both", () => {
    const { connections, desk, tails } = openTails(true, false);
    const source = { id: "r-1", attempt: 1, end: false };
    const publish = (event: StepEvent) => publishStepToTails(event, connections);
    takeSteps(desk.records, { ...source, after: 0, events: step(1) }, publish);
    desk.published.splice(0);
    tell(desk, "r-1", 1);
    publishToTails(desk.published.flat(), [], connections, (event) => besideSteps(desk.records, event));
    takeSteps(desk.records, { ...source, after: 1, events: step(2) }, publish);
    const [shown, plain] = tails.map(({ frames }) =>
      frames.map(({ id, type }) => [id.replace(/^.*-/, ""), type]),
    );
    expect(shown).toEqual([
      ["1.1", "step.started"],
      ["2.1", "instance.message"],
      ["2.2", "step.started"],
    ]);
    expect(plain).toEqual([["2", "instance.message"]]);
  });

  test("have one among them that copies, until it leaves", () => {
    const { connections, tails } = openTails(false, true, true, true);
    expect(hasPump("r-1", connections)).toBe(false);
    for (const _ of tails) appointPump("r-1", connections);
    expect(tails.map(({ pumps }) => pumps)).toEqual([0, 1, 0, 0]);
    expect(hasPump("r-1", connections)).toBe(true);
    wakePump("r-1", connections);
    expect(tails.map(({ pumps }) => pumps)).toEqual([0, 2, 0, 0]);

    const leave = (at: number): void => {
      const [gone] = tails.splice(at, 1);
      if (gone !== undefined) leaveTail(gone.asConnection, connections);
    };
    // One that does not copy, and one that shows no steps, leave nothing to be done.
    leave(3);
    leave(0);
    expect(tails.map(({ pumps }) => pumps)).toEqual([2, 0]);
    leave(0);
    expect(tails.map(({ pumps }) => pumps)).toEqual([1]);
    leave(0);
    expect(hasPump("r-1", connections)).toBe(false);
  });
});
