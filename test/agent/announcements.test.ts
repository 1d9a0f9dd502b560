import { describe, expect, test } from "vitest";
import { Announcer } from "../../src/gateway/agent/announcer.ts";
import type { Records } from "../../src/gateway/agent/records.ts";
import type { Message } from "../../src/gateway/webhook/messages.ts";
import type { Listener } from "../../src/gateway/webhook/subscription.ts";
import { openDesk } from "./stand-ins.ts";

const listener = (change: Partial<Listener> = {}): Listener => ({
  endpointId: "whe_1",
  eventTypes: ["instance.queued"],
  workflows: [],
  approvalLinks: null,
  ...change,
});

/** The directory and the endpoints that an agent tells. */
interface Station {
  listeners: readonly Listener[];
  asked: number;
  alarms: number;
  /** What each endpoint has taken. */
  readonly taken: Map<string, Message[]>;
  unreachable: Set<string>;
}

/** An agent, and what it tells. */
function openStation() {
  const desk = openDesk(undefined, { isAnnouncing: true });
  const station = {
    desk,
    records: desk.records,
    listeners: [listener()] as readonly Listener[],
    asked: 0,
    alarms: 0,
    taken: new Map<string, Message[]>(),
    unreachable: new Set<string>(),
    tell: () => announcer.tell(),
    soon: () => announcer.soon(),
    mayFollow: () => announcer.mayFollow(),
    rows: () => desk.query("SELECT * FROM switchyard_announcements").length,
    /** Starts an instance, as far as its journal tells. */
    queue: (id: string) => {
      desk.records.change((now) => {
        desk.accept(id);
        desk.records.journal.append(desk.row(id), "instance.queued", { metadata: {} }, now);
      });
    },
  };
  const announcer = announcerOf(desk.records, station);
  return station;
}

function announcerOf(records: Records, station: Station): Announcer {
  return new Announcer(records, {
    background: () => {},
    ensureAlarm: async () => {
      station.alarms += 1;
    },
    directory: {
      listenersOf: async () => {
        station.asked += 1;
        if (station.unreachable.has("directory")) throw new Error("the directory cannot be reached");
        return station.listeners;
      },
    },
    callsOf: (endpointId) => ({
      accept: async ({ messages }) => {
        if (station.unreachable.has(endpointId)) throw new Error("the endpoint cannot be reached");
        const known = station.taken.get(endpointId) ?? [];
        const fresh = messages.filter(({ id }) => !known.some((one) => one.id === id));
        station.taken.set(endpointId, [...known, ...fresh]);
        return "taken";
      },
    }),
    linkTo: async (approvalId) => `https://example.com/approvals/token-of-${approvalId}`,
  });
}

const typesOf = (messages: readonly Message[] | undefined): string[] =>
  (messages ?? []).map(({ type }) => type);

describe("what happens", () => {
  test("is written before it is known who listens, matched then, and told once", async () => {
    const station = openStation();
    station.queue("one");
    expect(station.rows()).toBe(1);
    await station.tell();
    expect(typesOf(station.taken.get("whe_1"))).toEqual(["instance.queued"]);
    expect(station.rows()).toBe(0);
    station.queue("two");
    expect(station.rows()).toBe(1);
    await station.tell();
    expect(station.asked).toBe(1);
    expect(station.taken.get("whe_1")).toHaveLength(2);
  });

  test("is not written where it is known that nobody listens, or to nothing of that type", async () => {
    const station = openStation();
    station.listeners = [];
    station.queue("one");
    await station.tell();
    expect([station.rows(), station.mayFollow()]).toEqual([0, false]);
    station.queue("two");
    expect(station.rows()).toBe(0);

    const picky = openStation();
    picky.listeners = [listener({ eventTypes: ["instance.errored"] })];
    picky.queue("one");
    await picky.tell();
    picky.queue("two");
    expect(picky.rows()).toBe(0);
  });

  test("is written again once that is not certain any more", async () => {
    const station = openStation();
    station.listeners = [];
    station.queue("one");
    await station.tell();
    const text = station.records.store.meta("listening");
    const { at } = JSON.parse(text) as { at: number };
    expect(Date.now() - at).toBeLessThan(30_000);
    station.records.announcements?.match({ listeners: [], at: Date.now() - 30_000 });
    expect(station.mayFollow()).toBe(true);
    station.listeners = [listener()];
    station.queue("two");
    await station.tell();
    expect(typesOf(station.taken.get("whe_1"))).toEqual(["instance.queued"]);
  });

  test("is rolled back with the change that it tells of", () => {
    const station = openStation();
    expect(() =>
      station.records.change(() => {
        station.queue("one");
        throw new Error("undone");
      }),
    ).toThrow("undone");
    expect(station.records.store.hasTable("switchyard_announcements") ? station.rows() : 0).toBe(0);
  });
});

describe("nothing is lost", () => {
  test("where an endpoint or the directory cannot be reached; others are told meanwhile", async () => {
    const station = openStation();
    station.listeners = [listener(), listener({ endpointId: "whe_2" })];
    station.unreachable.add("directory");
    station.queue("one");
    await station.tell();
    expect([station.rows(), station.alarms]).toEqual([1, 1]);
    station.unreachable = new Set(["whe_1"]);
    await station.tell();
    expect([...station.taken.keys()]).toEqual(["whe_2"]);
    expect(station.rows()).toBe(1);
    station.unreachable.clear();
    await station.tell();
    expect(station.taken.get("whe_1")).toEqual([
      expect.objectContaining({ type: "instance.queued", id: expect.stringMatching(/^msg_[\w-]{32}$/) }),
    ]);
    expect(station.rows()).toBe(0);
    const [one, two] = [station.taken.get("whe_1")?.[0], station.taken.get("whe_2")?.[0]];
    expect(one?.id).not.toBe(two?.id);
    expect(one?.body).toBe(two?.body);
  });

  test("of many, which go in batches, in order", async () => {
    const station = openStation();
    for (let n = 0; n < 250; n += 1) station.queue(`one-${n}`);
    await station.tell();
    const told = (station.taken.get("whe_1") ?? []).map(
      ({ body }) => (JSON.parse(body) as { data: { instanceId: string } }).data.instanceId,
    );
    expect(told).toEqual(Array.from({ length: 250 }, (_, n) => `one-${n}`));
  });

  test("where a process dies after the hand-over: the same messages come again", async () => {
    const station = openStation();
    station.queue("one");
    const change = station.records.change.bind(station.records);
    await station.tell();
    const before = station.taken.get("whe_1");
    // The rows are there again, as if their deletion had not been stored.
    change(() => station.records.announcements?.write(station.desk.published.flat(), Date.now()));
    expect(station.rows()).toBe(1);
    await station.tell();
    expect(station.taken.get("whe_1")).toEqual(before);
  });
});

test("an approval that is asked carries a link, of the endpoint that wants one alone", async () => {
  const station = openStation();
  const eventTypes = ["approval.requested"] as const;
  const approvalLinks: Listener["approvalLinks"] = {
    for: "finance",
    decisions: ["approve"],
    name: "ada",
    scopes: "all",
    origin: "https://example.com",
  };
  station.listeners = [
    listener({ eventTypes, approvalLinks }),
    listener({ endpointId: "whe_2", eventTypes }),
  ];
  station.queue("one");
  station.desk.report("one", { type: "started" });
  const { approvalId } = station.desk.ask("one") as { approvalId: string };
  await station.tell();
  const linkIn = (endpointId: string): unknown =>
    (JSON.parse(station.taken.get(endpointId)?.[0]?.body ?? "{}") as { data: { links: { decide?: string } } })
      .data.links.decide;
  expect(linkIn("whe_1")).toBe(`https://example.com/approvals/token-of-${approvalId}`);
  expect(linkIn("whe_2")).toBeUndefined();
});
