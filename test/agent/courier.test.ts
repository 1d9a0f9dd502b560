import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Courier, type CourierHost } from "../../src/gateway/agent/courier.ts";
import { Engine } from "../../src/gateway/agent/engine.ts";
import { type Desk, NOON, openDesk } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A workflow binding that does as it is told, and writes down what was asked of it. */
class StandInWorkflow {
  readonly log: string[] = [];
  readonly created = new Map<string, unknown>();
  /** Runs in place of what the platform would do; a throw is a failure of the platform. */
  onCreate: (id: string) => Promise<void> | void = () => {};
  onSend: (type: string) => Promise<void> | void = () => {};
  status = "running";

  async create({ id, params }: { id: string; params: unknown }): Promise<void> {
    this.log.push(`create ${id}`);
    if (this.created.has(id)) throw new Error("instance.already_exists");
    await this.onCreate(id);
    this.created.set(id, params);
  }

  async get(id: string) {
    if (!this.created.has(id)) throw new Error("instance.not_found");
    return {
      status: async () => ({ status: this.status }),
      sendEvent: async ({ type, payload }: { type: string; payload: unknown }) => {
        this.log.push(`send ${type} ${JSON.stringify(payload)} to ${id}`);
        await this.onSend(type);
      },
    };
  }
}

function openCourier(dissolve: CourierHost["dissolve"] = async () => "done") {
  const desk = openDesk();
  const workflow = new StandInWorkflow();
  const failures: string[] = [];
  const failedAfter: number[] = [];
  const courier = new Courier(
    desk.records,
    new Engine({ REFUND: workflow }),
    (binding, identity) => ({ __workflowName: binding, __agentOrigin: { gateway: identity } }),
    {
      failed: (id, failure) => {
        failures.push(`${id}: ${String(failure)}`);
        failedAfter.push(Date.now() - NOON);
      },
      dissolve,
      finishAttempt: async () => {},
      burst: {},
    },
  );
  return { courier, desk, failedAfter, failures, workflow };
}

function addCreate({ accept, records }: Desk, id: string): void {
  accept(id);
  records.outbox.add({ kind: "create", instanceId: id, payload: { params: { orderId: id } } }, NOON);
}
function addEnd({ records }: Desk, name: string): void {
  const child = { agent: "bench", name };
  records.outbox.add({ kind: "dissolve", instanceId: `sub/bench/${name}`, payload: child }, NOON);
}
function addEvent({ records }: Desk, id: string, type: string): void {
  records.outbox.add({ kind: "event", instanceId: id, payload: { type, payload: { approved: true } } }, NOON);
}
/** An instance that the engine has already. */
function created({ accept }: Desk, workflow: StandInWorkflow, id: string): void {
  accept(id);
  workflow.created.set(`engine-${id}`, {});
}
const isEmpty = ({ records }: Desk): boolean => records.outbox.nextDueAt() === undefined;

describe("a start", () => {
  test("creates the instance with its params, the SDK's keys, and whose it is", async () => {
    const { courier, desk, workflow } = openCourier();
    addCreate(desk, "r-1");
    await courier.deliver();
    expect([...workflow.created]).toEqual([
      [
        "engine-r-1",
        {
          orderId: "r-1",
          __workflowName: "REFUND",
          __agentOrigin: { gateway: { id: "r-1", workflow: "refund" } },
        },
      ],
    ]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("that reached the engine before its answer was lost is not a failure", async () => {
    const { courier, desk, failures, workflow } = openCourier();
    addCreate(desk, "r-1");
    workflow.created.set("engine-r-1", {});
    await courier.deliver();
    expect(isEmpty(desk)).toBe(true);
    expect(failures).toEqual([]);
  });

  test("that the engine refuses for a moment is tried again until it is taken", async () => {
    const { courier, desk, failures, workflow } = openCourier();
    addCreate(desk, "r-1");
    let refusals = 3;
    workflow.onCreate = () => {
      refusals -= 1;
      if (refusals >= 0) throw new Error("overloaded");
    };
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(60_000);
    await round;
    expect(workflow.log).toHaveLength(4);
    expect(workflow.created.size).toBe(1);
    expect(isEmpty(desk)).toBe(true);
    expect(failures).toEqual([]);
  });

  test("that the engine refuses for good has failed, once, within a minute, and does not keep the agent awake", async () => {
    const { courier, desk, failedAfter, failures, workflow } = openCourier();
    addCreate(desk, "r-1");
    workflow.onCreate = () => {
      throw new Error("no such workflow");
    };
    for (let alarm = 1; alarm <= 30; alarm += 1) {
      const round = courier.deliver();
      await vi.advanceTimersByTimeAsync(20_000);
      await round;
    }
    expect(failures).toEqual(["r-1: Error: no such workflow"]);
    expect(failedAfter[0]).toBeLessThan(60_000);
    expect(workflow.log).toHaveLength(7);
    expect(isEmpty(desk)).toBe(true);
  });
});

describe("an event", () => {
  test("goes to its instance", async () => {
    const { courier, desk, workflow } = openCourier();
    created(desk, workflow, "r-1");
    addEvent(desk, "r-1", "approval-x");
    await courier.deliver();
    expect(workflow.log).toEqual(['send approval-x {"approved":true} to engine-r-1']);
    expect(isEmpty(desk)).toBe(true);
  });

  test("that the engine cannot take for a moment is tried again", async () => {
    const { courier, desk, workflow } = openCourier();
    created(desk, workflow, "r-1");
    addEvent(desk, "r-1", "approval-x");
    let refusals = 2;
    workflow.onSend = () => {
      refusals -= 1;
      if (refusals >= 0) throw new Error("overloaded");
    };
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(60_000);
    await round;
    expect(workflow.log).toHaveLength(3);
    expect(isEmpty(desk)).toBe(true);
  });

  test.each(["complete", "errored", "terminated"])(
    "for an instance that is %s is dropped: nobody waits for it",
    async (status) => {
      const { courier, desk, workflow } = openCourier();
      created(desk, workflow, "r-1");
      addEvent(desk, "r-1", "approval-x");
      workflow.status = status;
      workflow.onSend = () => {
        throw new Error("instance is over");
      };
      await courier.deliver();
      expect(workflow.log).toHaveLength(1);
      expect(isEmpty(desk)).toBe(true);
    },
  );

  test("of an instance that is not on record any more is dropped", async () => {
    const { courier, desk, workflow } = openCourier();
    addEvent(desk, "gone", "approval-x");
    await courier.deliver();
    expect(workflow.log).toEqual([]);
    expect(isEmpty(desk)).toBe(true);
  });
});

describe("several messages", () => {
  test("of one instance are sent in order, the next only once the one before was taken", async () => {
    const { courier, desk, workflow } = openCourier();
    addCreate(desk, "r-1");
    addEvent(desk, "r-1", "first");
    addEvent(desk, "r-1", "second");
    let refused = false;
    workflow.onSend = (type) => {
      if (type === "first" && !refused) {
        refused = true;
        throw new Error("overloaded");
      }
    };
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(60_000);
    await round;
    expect(workflow.log.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "create engine-r-1",
      "send first",
      "send first",
      "send second",
    ]);
  });

  test("of other instances do not wait for one that the engine cannot take", async () => {
    const { courier, desk, workflow } = openCourier();
    addCreate(desk, "r-1");
    addCreate(desk, "r-2");
    workflow.onCreate = (id) => {
      if (id === "engine-r-1") throw new Error("overloaded");
    };
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    expect([...workflow.created.keys()]).toEqual(["engine-r-2"]);
    workflow.onCreate = () => {};
    await vi.advanceTimersByTimeAsync(60_000);
    await round;
    expect(isEmpty(desk)).toBe(true);
  });

  test("are all sent by one round, however many there are", async () => {
    const { courier, desk, workflow } = openCourier();
    for (let n = 1; n <= 50; n += 1) addCreate(desk, `r-${n}`);
    await courier.deliver();
    expect(workflow.created.size).toBe(50);
  });

  test("of which one keeps the next back do not make the agent ask its outbox without pause", async () => {
    const { courier, desk, workflow } = openCourier();
    created(desk, workflow, "r-1");
    addEvent(desk, "r-1", "first");
    addEvent(desk, "r-1", "second");
    workflow.onSend = () => {
      throw new Error("overloaded");
    };
    const before = desk.queries.length;
    void courier.deliver();
    await vi.advanceTimersByTimeAsync(10_000);
    // Some four tries in ten seconds, each with its handful of queries.
    expect(desk.queries.length - before).toBeLessThan(100);
  });
});

describe("rounds", () => {
  test("do not overlap: who delivers while another does waits with it, and nothing is sent twice", async () => {
    const { courier, desk, workflow } = openCourier();
    addCreate(desk, "r-1");
    const taken = Promise.withResolvers<void>();
    workflow.onCreate = () => taken.promise;
    const rounds = [courier.deliver(), courier.deliver()];
    await vi.advanceTimersByTimeAsync(0);
    rounds.push(courier.deliver());
    taken.resolve();
    await Promise.all(rounds);
    expect(workflow.log).toEqual(["create engine-r-1"]);
  });

  test("send also what is added while they go on", async () => {
    const { courier, desk, workflow } = openCourier();
    addCreate(desk, "r-1");
    workflow.onCreate = (id) => {
      if (id === "engine-r-1") addCreate(desk, "r-2");
    };
    await courier.deliver();
    expect([...workflow.created.keys()]).toEqual(["engine-r-1", "engine-r-2"]);
  });

  test("miss nothing that is added just as one ends", async () => {
    const { courier, desk, workflow } = openCourier();
    const ending = courier.deliver();
    addCreate(desk, "r-1");
    await Promise.all([ending, courier.deliver()]);
    expect([...workflow.created.keys()]).toEqual(["engine-r-1"]);
  });

  test("leave what is due much later to the alarm, so that an agent may sleep", async () => {
    const { courier, desk, workflow } = openCourier();
    addCreate(desk, "r-1");
    workflow.onCreate = () => {
      throw new Error("overloaded");
    };
    const round = courier.deliver();
    await vi.advanceTimersByTimeAsync(10_000);
    await round;
    expect(isEmpty(desk)).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** A courier with a sub-agent to end, each call of which takes its time. */
function endingFor(milliseconds: number) {
  const asked: string[] = [];
  const opened = openCourier(async ({ name }) => {
    asked.push(name);
    await new Promise((resume) => setTimeout(resume, milliseconds));
    return "done";
  });
  addEnd(opened.desk, "x");
  return { ...opened, asked };
}

describe("a sub-agent that takes long to end", () => {
  test("keeps no message from the engine", async () => {
    const { courier, desk, workflow } = endingFor(30_000);
    void courier.deliver();
    await vi.advanceTimersByTimeAsync(100);
    addCreate(desk, "r-1");
    addEvent(desk, "r-1", "first");
    void courier.deliver();
    await vi.advanceTimersByTimeAsync(0);
    expect(workflow.log.map((line) => line.split(" ")[0])).toEqual(["create", "send"]);
    expect(isEmpty(desk)).toBe(false);
  });

  test("is asked once, however often others deliver meanwhile, and waited for by who deletes it", async () => {
    const { asked, courier, desk } = endingFor(30_000);
    const deliveries = [courier.deliver()];
    await vi.advanceTimersByTimeAsync(10_000);
    await courier.tellEngine();
    deliveries.push(courier.deliver());
    await vi.advanceTimersByTimeAsync(20_000);
    await Promise.all(deliveries);
    expect(asked).toEqual(["x"]);
    expect(isEmpty(desk)).toBe(true);
  });

  test("is asked again at once while it comes further, and after that is put off as if it were new", async () => {
    const asked: number[] = [];
    const { courier, desk } = openCourier(async () => {
      asked.push(Date.now() - NOON);
      return asked.length % 20 === 0 ? "waits" : "more";
    });
    addEnd(desk, "x");
    void courier.deliver();
    await vi.advanceTimersByTimeAsync(600);
    expect([...new Set(asked)]).toEqual([0, 501]);
    expect(asked).toHaveLength(40);
  });
});
