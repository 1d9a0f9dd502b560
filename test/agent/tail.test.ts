import type { Connection } from "agents";
import { describe, expect, test } from "vitest";
import { publishToTails, startTail, tailTags } from "../../src/gateway/agent/tail.ts";
import type { GatewayEvent } from "../../src/gateway/contract/event.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";
import { AGENT, type Desk, NOON, openDesk } from "./stand-ins.ts";

/** As much of a connection as a tail uses. */
class StandInConnection {
  readonly frames: GatewayEvent[] = [];
  readonly closings: number[] = [];
  readonly tags: readonly string[];
  state: unknown = null;

  constructor(instanceId: string | undefined) {
    this.tags = tailTags({ instanceId });
  }
  send(text: string): void {
    this.frames.push(JSON.parse(text) as GatewayEvent);
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
const tailOf = ({ records }: Desk, after: string, instanceId?: string): StandInConnection => {
  const connection = new StandInConnection(instanceId);
  const tailKey = records.store.meta("tail_key");
  startTail(connection.asConnection, { agent: AGENT, instanceId, after, tailKey }, records, () => []);
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
    expect([tail.state, tail.closings]).toEqual([{ live: true }, []]);
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
