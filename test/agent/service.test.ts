import { describe, expect, test } from "vitest";
import { z } from "zod";
import { actingFor } from "../../src/gateway/agent/acting.ts";
import { AgentService } from "../../src/gateway/agent/service.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { AGENT, childless, force, NOON, openDesk, person, refund, RefundInstance } from "./stand-ins.ts";

class OrderDesk {
  quote({ orderId }: { orderId: string }): { price: string } {
    return { price: String(orderId.length) };
  }
}
const orderDesk = defineAgent({
  name: "order-desk",
  binding: "OrderDesk",
  agent: OrderDesk,
  workflows: [refund],
  methods: {
    quote: {
      input: z.object({ orderId: z.string() }),
      output: z.object({ price: z.string().transform(Number) }),
    },
  },
});

/** The service of one agent. `log` has what it asked of its host, in order, and when changes were committed. */
function openService() {
  const log: string[] = [];
  const desk = openDesk();
  let state: unknown;
  const service = new AgentService(desk.records, {
    definition: orderDesk,
    path: [{ agent: "order-desk", name: "acme" }],
    family: childless(desk.records, orderDesk),
    ensureAlarm: async () => {
      log.push(`alarm with ${desk.published.length} changes`);
    },
    deliverStarts: () => {
      log.push(`deliver after ${desk.published.length} changes`);
    },
    deliverSoon: () => {
      log.push(`deliver after ${desk.published.length} changes`);
    },
    invoke: async (method, input) => {
      log.push(`invoke ${method}`);
      return new OrderDesk().quote(input as { orderId: string });
    },
    deliver: async () => {
      log.push(`delivered after ${desk.published.length} changes`);
    },
    inspection: { checkIfStale: async () => false, checkIfUnheard: async () => {} },
    migrateBinding: () => 0,
    adopt: () => {},
    hasPump: () => false,
    publishStep: () => {},
    requireRoom: ({ quota }) => {
      if (quota?.caller === "greedy") throw new ProblemError("too_many_streams");
    },
    closeTails: (ended) => {
      log.push(`close tails of ${JSON.stringify(ended)}`);
    },
    state: () => state,
    initialState: () => undefined,
    setState: (next) => {
      state = next;
    },
  });
  const start = (id?: string) =>
    service.start({ workflow: "refund", params: { orderId: "o-1" }, id, metadata: { urgent: true } });
  const setState = (next: unknown) => {
    state = next;
  };
  return { desk, log, service, setState, start };
}

/** An instance that waits at gates of these names; they were opened a while ago, so that a past deadline can be had. */
async function waiting(options: { readonly gates?: readonly string[]; readonly timeoutMs?: number } = {}) {
  const opened = openService();
  const { gates: stepNames = ["manager"], timeoutMs = 3_600_000 } = options;
  await opened.start("r-1");
  const asked = Date.now() - 60_000;
  const gates = stepNames.map((stepName) => opened.desk.ask("r-1", { stepName, timeoutMs }, asked));
  opened.desk.records.outbox
    .due(Number.MAX_SAFE_INTEGER, 1)
    .forEach((message) => opened.desk.records.outbox.remove(message));
  opened.desk.published.length = 0;
  opened.log.length = 0;
  const first = gates[0] ?? { approvalId: "", eventType: "" };
  return { ...opened, gates, first };
}

const approve = (approvalId: string) => ({
  target: { approvalId },
  decision: "approve" as const,
  reason: "fine" as string | undefined,
  metadata: { note: "n" } as unknown,
});

async function problemOf(work: Promise<unknown>): Promise<ProblemError> {
  try {
    await work;
  } catch (failure) {
    if (failure instanceof ProblemError) return failure;
    throw failure;
  }
  throw new Error("no problem was met");
}

describe("a start", () => {
  test("is accepted as queued, on record, told, and due for the engine, all in one change", async () => {
    const { desk, start } = openService();
    const instance = await start("mine");
    expect(RefundInstance.safeParse(instance).error).toBeUndefined();
    expect(instance).toMatchObject({
      id: "mine",
      status: "queued",
      agent: AGENT,
      metadata: { urgent: true },
      progress: null,
    });
    expect(desk.published).toHaveLength(1);
    expect(desk.published[0]).toMatchObject([
      { type: "instance.queued", instanceId: "mine", data: { metadata: { urgent: true } } },
    ]);
    expect(desk.records.outbox.due(Date.now(), 10)).toMatchObject([
      { kind: "create", instanceId: "mine", payload: { params: { orderId: "o-1" } } },
    ]);
  });

  test("says in whose name it was made; the agent's own code is `agent`", async () => {
    const { start } = openService();
    expect(await actingFor(person("ada"), () => start())).toMatchObject({ startedBy: "ada" });
    expect(await start()).toMatchObject({ startedBy: "agent" });
  });

  test("makes sure of the alarm before it commits, and delivers after", async () => {
    const { log, start } = openService();
    await start();
    expect(log).toEqual(["alarm with 0 changes", "deliver after 1 changes"]);
  });

  test("makes an id where none is given, another each time, and never shows the engine's", async () => {
    const { desk, start } = openService();
    const [one, two] = [await start(), await start()];
    expect(one.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(one.id).not.toBe(two.id);
    expect(desk.row(one.id).engine_id).not.toBe(one.id);
  });

  test("with an id that is taken changes nothing, and the first instance stays as it is", async () => {
    const { desk, start } = openService();
    await start("mine");
    const before = desk.row("mine");
    const { code } = await problemOf(start("mine"));
    expect(code).toBe("instance_exists");
    expect(desk.row("mine")).toEqual(before);
    expect(desk.published).toHaveLength(1);
    expect(desk.records.outbox.due(Date.now(), 10)).toHaveLength(1);
  });

  test("of a workflow that the agent does not have is not found", async () => {
    const { service } = openService();
    const asked = { params: {}, id: undefined, metadata: {} };
    for (const workflow of ["ship", "", "constructor"]) {
      expect((await problemOf(service.start({ ...asked, workflow }))).code).toBe("not_found");
    }
  });
});

describe("a decision", () => {
  test("closes the gate with the name of the caller, is told, and is due for the engine under that gate's event", async () => {
    const { desk, first, service } = await waiting();
    const approval = await actingFor(person("ada"), () => service.decide(approve(first.approvalId)));
    expect(approval).toMatchObject({
      id: first.approvalId,
      status: "approved",
      decidedBy: "ada",
      decidedVia: "rest",
      reason: "fine",
      metadata: { note: "n" },
    });
    expect(desk.types()).toEqual(["approval.decided"]);
    expect(desk.records.outbox.due(Date.now(), 10)).toMatchObject([
      {
        kind: "event",
        instanceId: "r-1",
        payload: {
          type: first.eventType,
          payload: { approved: true, reason: "fine", metadata: { note: "n" } },
        },
      },
    ]);
    expect(desk.row("r-1").status).toBe("running");
  });

  test("of the agent's own code says so, and what its maker was shown is kept", async () => {
    const { first, service } = await waiting();
    expect(await service.decide({ ...approve(first.approvalId), shown: "sha-256 of it" })).toMatchObject({
      decidedBy: "agent",
      decidedVia: "agent",
      shown: "sha-256 of it",
    });
  });

  test("makes sure of the alarm before it commits, and delivers after", async () => {
    const { first, log, service } = await waiting();
    await service.decide(approve(first.approvalId));
    expect(log).toEqual(["alarm with 0 changes", "deliver after 1 changes"]);
  });

  test("that comes second is told which one stands, and the engine hears only the first", async () => {
    const { desk, first, service } = await waiting();
    await actingFor(person("ada"), () => service.decide(approve(first.approvalId)));
    const late = { ...approve(first.approvalId), decision: "reject" as const, reason: "no" };
    const { code, extras } = await problemOf(actingFor(person("bob"), () => service.decide(late)));
    expect(code).toBe("approval_closed");
    expect(extras.decision).toMatchObject({
      approvalId: first.approvalId,
      status: "approved",
      decidedBy: "ada",
      reason: "fine",
    });
    expect(desk.records.outbox.due(Date.now(), 10)).toMatchObject([
      { payload: { payload: { approved: true } } },
    ]);
    expect(desk.types()).toEqual(["approval.decided"]);
  });

  test("that comes too late is told so, also with metadata that break the contract", async () => {
    const { first, service } = await waiting();
    await service.decide(approve(first.approvalId));
    const { code, extras } = await problemOf(
      service.decide({ ...approve(first.approvalId), metadata: { note: 1 } }),
    );
    expect(code).toBe("approval_closed");
    expect(extras.decision).toMatchObject({ status: "approved" });
  });

  test("wins alone, however many come at once", async () => {
    const { desk, first, service } = await waiting();
    const everybody = Array.from({ length: 20 }, (_, n) =>
      actingFor(person(`person ${n}`), () =>
        service.decide({
          ...approve(first.approvalId),
          decision: n % 2 === 0 ? ("approve" as const) : ("reject" as const),
        }),
      ),
    );
    const results = await Promise.allSettled(everybody);
    const won = results.filter(({ status }) => status === "fulfilled");
    expect(won).toHaveLength(1);
    const standing = desk.records.approvals.find(first.approvalId)?.decided_by;
    const lost = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason as ProblemError] : [],
    );
    expect(lost.map(({ code, extras }) => [code, extras.decision?.decidedBy])).toEqual(
      Array.from({ length: 19 }, () => ["approval_closed", standing]),
    );
    expect(desk.records.outbox.due(Date.now(), 99)).toHaveLength(1);
  });

  test("after the deadline finds the gate expired, and makes it so", async () => {
    const { desk, first, service } = await waiting({ timeoutMs: 1_000 });
    expect((await service.getApproval({ id: first.approvalId })).status).toBe("pending");
    const { code, extras } = await problemOf(service.decide(approve(first.approvalId)));
    expect(code).toBe("approval_closed");
    expect(extras.decision).toMatchObject({ status: "expired", decidedBy: null });
    expect((await service.getApproval({ id: first.approvalId })).status).toBe("expired");
    expect(desk.types()).toEqual(["approval.expired"]);
    expect(desk.records.outbox.due(Date.now(), 10)).toEqual([]);
  });

  test("with metadata that break the contract says where, and changes nothing", async () => {
    const { desk, first, service } = await waiting();
    for (const [metadata, pointer] of [
      [{ note: 1 }, "/metadata/note"],
      [undefined, "/metadata"],
      ["n", "/metadata"],
    ] as const) {
      const { code, extras } = await problemOf(service.decide({ ...approve(first.approvalId), metadata }));
      expect(code).toBe("invalid_request");
      expect(extras.errors).toMatchObject([{ in: "body", pointer }]);
    }
    expect(desk.published).toEqual([]);
    expect((await service.getApproval({ id: first.approvalId })).status).toBe("pending");
  });

  test("keeps the metadata as they were sent, which the workflow reads by its contract", async () => {
    const { desk, first, service } = await waiting();
    const approval = await service.decide({ ...approve(first.approvalId), metadata: { note: "  n " } });
    expect(approval.metadata).toEqual({ note: "  n " });
    expect(desk.records.outbox.due(Date.now(), 10)).toMatchObject([
      { payload: { payload: { metadata: { note: "  n " } } } },
    ]);
  });

  test("that rejects may come without metadata, but not with wrong ones", async () => {
    const { first, service } = await waiting();
    const rejection = { ...approve(first.approvalId), decision: "reject" as const };
    expect((await problemOf(service.decide({ ...rejection, metadata: { note: 1 } }))).code).toBe(
      "invalid_request",
    );
    const approval = await service.decide({ ...rejection, metadata: undefined, reason: undefined });
    expect(approval).toMatchObject({ status: "rejected", reason: null, metadata: null });
  });

  test("of an approval that is not there is not found", async () => {
    const { service } = await waiting();
    expect((await problemOf(service.decide(approve("apr_x")))).code).toBe("approval_not_found");
  });
});

const approveOf = (instanceId: string) => ({ ...approve(""), target: { instanceId } });

describe("a decision by instance", () => {
  test("closes its only open gate", async () => {
    const { first, service } = await waiting();
    expect(await service.decide(approveOf("r-1"))).toMatchObject({
      id: first.approvalId,
      status: "approved",
    });
  });

  test("is refused if it has no open gate, and says how the instance is", async () => {
    const { service } = await waiting({ gates: [] });
    const { code, message } = await problemOf(service.decide(approveOf("r-1")));
    expect(code).toBe("approval_ambiguous");
    expect(message).toContain("queued");
  });

  test("is refused if it has several, and then taken once only one is left", async () => {
    const { first, gates, service } = await waiting({ gates: ["manager", "legal"] });
    expect((await problemOf(service.decide(approveOf("r-1")))).code).toBe("approval_ambiguous");
    await service.decide(approve(first.approvalId));
    expect(await service.decide(approveOf("r-1"))).toMatchObject({ id: gates[1]?.approvalId });
  });

  test("is not found if there is no such instance", async () => {
    const { service } = await waiting();
    expect((await problemOf(service.decide(approveOf("nobody")))).code).toBe("instance_not_found");
  });
});

describe("a call of a method", () => {
  test("answers what the method returned, as its contract reads it", async () => {
    const { log, service } = openService();
    expect(await service.callMethod({ method: "quote", input: { orderId: "four" } })).toEqual({ price: 4 });
    expect(log).toEqual(["invoke quote"]);
  });

  test("under a key wakes its agent to forget the answer", async () => {
    const { log, service } = openService();
    const call = { method: "quote", input: { orderId: "four" }, once: { key: "k", fingerprint: "f" } };
    await service.callMethod(call);
    expect(log.map((line) => line.replace(/ with .*/, ""))).toEqual(["alarm", "invoke quote"]);
  });

  test.each(["cancel", "setState", "onStart", "toString", "constructor", "__proto__", ""])(
    "that is not on the list is not found, and nothing is called: %j",
    async (method) => {
      const { log, service } = openService();
      expect((await problemOf(service.callMethod({ method, input: {} }))).code).toBe("not_found");
      expect(log).toEqual([]);
    },
  );
});

describe("what is read", () => {
  test("of the agent describes it, and how many gates wait", async () => {
    const { service } = await waiting({ gates: ["manager", "legal"] });
    expect(await service.describe()).toEqual({
      agent: "order-desk",
      name: "acme",
      path: AGENT,
      workflows: ["refund"],
      children: [],
      methods: ["quote"],
      openApprovals: 2,
    });
  });

  test("of its state is null before there is one", async () => {
    const { service, setState } = openService();
    expect(await service.getState()).toMatchObject({ state: null });
    for (const state of [{ open: true }, 0, "", false]) {
      setState(state);
      expect(await service.getState()).toMatchObject({ state });
    }
  });

  test("that is not there is not found, each by its own code", async () => {
    const { service } = openService();
    expect((await problemOf(service.getInstance({ id: "nobody" }))).code).toBe("instance_not_found");
    expect((await problemOf(service.getApproval({ id: "apr_x" }))).code).toBe("approval_not_found");
    const events = { instanceId: "nobody", after: undefined, limit: 10 };
    expect((await problemOf(service.readEvents(events))).code).toBe("instance_not_found");
  });

  test("of events that a stream is to follow is refused if that is one too many, but not of what has ended", async () => {
    const { desk, service, start } = openService();
    await start("r-1");
    const quota = { caller: "greedy", perInstance: 1, perCaller: 1 };
    const read = (instanceId: string | undefined, caller = quota.caller) =>
      service.readEvents({ instanceId, after: undefined, limit: 10, quota: { ...quota, caller } });
    for (const instanceId of ["r-1", undefined])
      expect((await problemOf(read(instanceId))).code).toBe("too_many_streams");
    expect((await read("r-1", "modest")).events).toHaveLength(1);
    force(desk, "r-1", "complete", NOON);
    expect((await read("r-1")).ended).toBe(true);
  });

  test("of an instance, of a list and of a page of approvals agrees", async () => {
    const { first, service } = await waiting();
    const page = { limit: 10, cursor: undefined };
    const instance = await service.getInstance({ id: "r-1" });
    expect(instance).toMatchObject({ status: "waiting", waitingFor: { approvalId: first.approvalId } });
    expect((await service.listInstances({ ...page, status: ["waiting"], workflow: "refund" })).items).toEqual(
      [instance],
    );
    const { history, ...approval } = await service.getApproval({ id: first.approvalId });
    expect((await service.listApprovals({ ...page, status: [] })).items).toEqual([approval]);
    expect(history).toEqual([{ type: "requested", time: approval.requestedAt }]);
  });

  test.each([
    ["queued", false],
    ["running", false],
    ["waiting", false],
    ["paused", false],
    ["complete", true],
    ["errored", true],
    ["terminated", true],
  ] as const)(
    "of the events of an instance that is %s says whether nothing will follow: %j",
    async (status, ended) => {
      const { desk, service, start } = openService();
      await start("r-1");
      force(desk, "r-1", status, NOON);
      const ofInstance = await service.readEvents({ instanceId: "r-1", after: undefined, limit: 10 });
      expect(ofInstance).toMatchObject({ ended, more: false, tailKey: desk.records.store.meta("tail_key") });
      expect(ofInstance.events.map(({ type }) => type)).toEqual(["instance.queued"]);
      expect((await service.readEvents({ instanceId: undefined, after: undefined, limit: 10 })).ended).toBe(
        false,
      );
    },
  );
});
