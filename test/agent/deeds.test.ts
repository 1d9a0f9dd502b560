import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { actingFor } from "../../src/gateway/agent/acting.ts";
import type { GatewayStub } from "../../src/gateway/agent/stub.ts";
import type { AuditEntry } from "../../src/gateway/contract/audit.ts";
import { OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import type { AgentPort } from "../../src/gateway/port.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";
import { openGateway } from "./stand-in-gateway.ts";
import { NOON, person } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
});

const parcel = defineWorkflow({
  name: "parcel",
  binding: "REFUND",
  params: z.object({ secret: z.string() }),
  approval: z.object({ secret: z.string() }),
  events: { arrived: z.object({ secret: z.string() }) },
  labels: ["secret"],
  output: z.null(),
});
class AuditedChild {
  readonly kind = "AuditedChild";
}
class AuditedDesk {
  look(): Record<string, never> {
    return {};
  }
  move(): Record<string, never> {
    return {};
  }
}
const input = z.object({ secret: z.string() });
const auditedChild = defineAgent({ name: "audited-child", agent: AuditedChild });
const definition = defineAgent({
  name: "audited-desk",
  binding: "AuditedDesk",
  agent: AuditedDesk,
  state: z.object({ secret: z.string() }),
  workflows: [parcel],
  children: [auditedChild],
  methods: {
    look: { input, output: z.object({}), readOnly: true },
    move: { input, output: z.object({}) },
  },
});

const AGENT = "/agents/audited-desk/acme";
const SECRET = "what nobody may read in the log";
const ada = person("ada");

function openDesk() {
  const present = new Set<string>();
  const child = {
    gatewayCall: async () => ({ ok: true, json: "{}" }),
    gatewayDissolve: async () => ({ ok: true, json: JSON.stringify("done") }),
  } as unknown as GatewayStub;
  const gateway = openGateway(undefined, {
    definition,
    path: [{ agent: "audited-desk", name: "acme" }],
    invoke: async () => ({}),
    hasChild: (_, name) => present.has(name),
    child: ({ agent }, name) =>
      gateway.gateway.makingChild(agent.name, name, async () => {
        // Not at once, as the SDK does not: others may ask meanwhile.
        await Promise.resolve();
        present.add(name);
        return child;
      }),
    wipeChild: async (_, name) => {
      present.delete(name);
    },
  });
  const { records, service } = gateway;
  records.store.open();
  const entries = (): readonly AuditEntry[] =>
    records.audit.page({ limit: 100, cursor: undefined }).items.toReversed();
  const start = (id: string, once?: Parameters<AgentPort["start"]>[0]["once"]) =>
    service.start({
      workflow: "parcel",
      params: { secret: SECRET },
      id,
      metadata: { secret: SECRET },
      once,
    });
  return { ...gateway, entries, start };
}
type Desk = ReturnType<typeof openDesk>;

/** Opens a gate of an instance. @returns its id. */
async function gateOf({ records, report }: Desk, id: string, required = 1): Promise<string> {
  const gate = { stepName: "manager", occurrence: 1, summary: null, details: null, timeoutMs: 60_000 };
  const terms = { ...OPEN_TERMS, required };
  await report(id, { type: "gate-opened", gate: { ...gate, sdkEventType: "approval", terms } });
  return records.approvals.pendingOf(id)[0]?.id ?? "";
}

interface Deed {
  readonly prepare?: (desk: Desk) => unknown;
  readonly act: (desk: Desk) => Promise<unknown>;
  readonly entry: Partial<AuditEntry>;
}
/** A control answers when the engine has followed, or is slow to. */
async function settled<Result>(work: Promise<Result>): Promise<Result> {
  await vi.advanceTimersByTimeAsync(10_000);
  return work;
}

const SELF = `${AGENT}/instances/p-1`;
const started = (desk: Desk) => desk.start("p-1");
const control = (action: "pause" | "resume") => (desk: Desk) =>
  desk.service.control({ id: "p-1", control: { action } });
const terminate = (desk: Desk) =>
  desk.service.control({ id: "p-1", control: { action: "terminate", rollback: true } });

const DEEDS: Readonly<Record<string, Deed>> = {
  "a start": {
    act: started,
    entry: { action: "instance.start", target: SELF, detail: { workflow: "parcel" } },
  },
  "a start in a batch": {
    act: (desk) =>
      desk.service.startMany({
        workflow: "parcel",
        items: [{ params: { secret: SECRET }, id: "p-1", metadata: { secret: SECRET } }],
      }),
    entry: { action: "instance.start", target: SELF, detail: { workflow: "parcel" } },
  },
  "a pause": {
    prepare: started,
    act: control("pause"),
    entry: { action: "instance.pause", target: SELF, detail: {} },
  },
  "a resumption": {
    prepare: async (desk) => {
      await started(desk);
      await control("pause")(desk);
    },
    act: control("resume"),
    entry: { action: "instance.resume", target: SELF, detail: {} },
  },
  "a termination": {
    prepare: started,
    act: terminate,
    entry: { action: "instance.terminate", target: SELF, detail: { rollback: true } },
  },
  "a restart": {
    prepare: started,
    act: (desk) =>
      desk.service.control({
        id: "p-1",
        control: { action: "restart", resetClock: true, from: { name: "pay" } },
      }),
    entry: { action: "instance.restart", target: SELF, detail: { attempt: 2, from: "pay" } },
  },
  "a delete": {
    prepare: started,
    act: (desk) => desk.service.deleteInstance({ id: "p-1", force: true }),
    entry: { action: "instance.delete", target: SELF, detail: { workflow: "parcel", status: "queued" } },
  },
  "a delete of several": {
    prepare: async (desk) => {
      for (const id of ["p-1", "p-2", "p-3"]) await desk.start(id);
    },
    act: (desk) =>
      desk.service.deleteInstances({ filter: { status: [], metadata: { secret: SECRET } }, force: true }),
    entry: {
      action: "instances.delete",
      target: `${AGENT}/instances`,
      detail: { count: 3, force: true },
    },
  },
  "an event that is sent in": {
    prepare: started,
    act: (desk) =>
      desk.service.sendEvent({
        id: "p-1",
        type: "arrived",
        payload: { secret: SECRET },
        requireWaiting: false,
      }),
    entry: { action: "event.send", target: SELF, detail: { type: "arrived" } },
  },
  "a replacement of the state": {
    act: (desk) =>
      desk.service.changeState({
        change: { kind: "replace", state: { secret: SECRET } },
        ifMatch: undefined,
      }),
    entry: { action: "state.replace", target: `${AGENT}/state`, detail: { etag: expect.any(String) } },
  },
  "a call of a method": {
    act: (desk) => desk.service.callMethod({ method: "move", input: { secret: SECRET } }),
    entry: { action: "method.call", target: `${AGENT}/methods/move`, detail: { method: "move" } },
  },
  "the making of a sub-agent": {
    act: (desk) => desk.service.createChild({ agent: "audited-child", name: "a b" }),
    entry: { action: "agent.create", target: `${AGENT}/sub/audited-child/a%20b`, detail: {} },
  },
  "the delete of a sub-agent": {
    prepare: (desk) => desk.service.createChild({ agent: "audited-child", name: "c" }),
    act: (desk) => desk.service.deleteChild({ agent: "audited-child", name: "c" }),
    entry: { action: "agent.delete", target: `${AGENT}/sub/audited-child/c`, detail: {} },
  },
  "the migration of a binding": {
    prepare: async (desk) => {
      await started(desk);
      desk.sqlite.query("UPDATE switchyard_instances SET binding = 'OLD'");
    },
    act: (desk) => desk.service.migrateBinding({ workflow: "parcel", from: "OLD" }),
    entry: {
      action: "binding.migrate",
      target: AGENT,
      detail: { from: "OLD", to: "REFUND", migrated: 1 },
    },
  },
  "the revocation of a stream token": {
    act: (desk) => desk.service.revokeStreamToken({ tokenId: "t-1" }),
    entry: { action: "stream-token.revoke", target: AGENT, detail: { tokenId: "t-1" } },
  },
};

test.each(Object.entries(DEEDS))("%s is one entry, in the name of who did it", async (_, deed) => {
  const desk = openDesk();
  await settled(Promise.resolve(deed.prepare?.(desk)));
  const before = desk.entries().length;
  await settled(actingFor(ada, () => deed.act(desk)));
  const written = desk.entries().slice(before);
  expect(written).toMatchObject([
    { ...deed.entry, principal: "ada", door: "rest", address: "192.0.2.7", requestId: "request of ada" },
  ]);
  expect(written.map(({ detail }) => Object.keys(detail))).toEqual([Object.keys(deed.entry.detail ?? {})]);
  expect(JSON.stringify(desk.entries())).not.toContain(SECRET);
  expect(await desk.service.verifyAudit({ cursor: undefined })).toMatchObject({
    valid: true,
    checked: before + 1,
  });
});

describe("a decision is one entry for each vote", () => {
  test("with what became of the gate, and a reason that is cut", async () => {
    const desk = openDesk();
    await desk.start("p-1");
    const approvalId = await gateOf(desk, "p-1", 2);
    const before = desk.entries().length;
    const decide = (name: string, decision: "approve" | "reject", reason?: string) =>
      actingFor(person(name), () =>
        desk.service.decide({
          target: { approvalId },
          decision,
          reason,
          metadata: { secret: SECRET },
        }),
      );
    await decide("ada", "approve");
    await decide("bob", "reject", "n".repeat(2_000));
    const target = `${AGENT}/approvals/${approvalId}`;
    expect(desk.entries().slice(before)).toMatchObject([
      {
        principal: "ada",
        action: "approval.approve",
        target,
        detail: { approvalId, instanceId: "p-1", status: "pending", reason: null },
      },
      {
        principal: "bob",
        action: "approval.reject",
        target,
        detail: { approvalId, instanceId: "p-1", status: "rejected", reason: "n".repeat(200) },
      },
    ]);
    expect(JSON.stringify(desk.entries())).not.toContain(SECRET);
  });
});

describe("no entry is written", () => {
  const WITHOUT: Readonly<Record<string, (desk: Desk) => Promise<unknown>>> = {
    "by a start that is refused": (desk) => desk.start("p-1"),
    "by a repeat under the same key": (desk) => desk.start("p-0", { key: "k", fingerprint: "f" }),
    "by a control that the status does not allow": async (desk) => {
      await terminate(desk);
      const written = desk.entries().length;
      await expect(control("pause")(desk)).rejects.toThrow("terminated");
      await terminate(desk);
      expect(desk.entries()).toHaveLength(written);
      return "one of its own";
    },
    "by a delete that is refused": (desk) => desk.service.deleteInstance({ id: "p-1", force: false }),
    "by a delete of several that finds none": (desk) =>
      desk.service.deleteInstances({ filter: { status: ["paused"] }, force: true }),
    "by an event that no workflow takes": (desk) =>
      desk.service.sendEvent({ id: "p-1", type: "lost", payload: {}, requireWaiting: false }),
    "by an event that nobody waits for": (desk) =>
      desk.service.sendEvent({
        id: "p-1",
        type: "arrived",
        payload: { secret: SECRET },
        requireWaiting: true,
      }),
    "by a decision that is refused": (desk) =>
      desk.service.decide({
        target: { instanceId: "p-1" },
        decision: "approve",
        reason: undefined,
        metadata: {},
      }),
    "by a state that does not fit": (desk) =>
      desk.service.changeState({ change: { kind: "replace", state: {} }, ifMatch: undefined }),
    "by a state that has changed since": (desk) =>
      desk.service.changeState({
        change: { kind: "replace", state: { secret: SECRET } },
        ifMatch: '"another"',
      }),
    "by a method that only reads": (desk) =>
      desk.service.callMethod({ method: "look", input: { secret: SECRET } }),
    "by a method that is not there": (desk) => desk.service.callMethod({ method: "constructor", input: {} }),
    "for a sub-agent that is there": (desk) =>
      desk.service.createChild({ agent: "audited-child", name: "there" }),
    "for a sub-agent that is not there": (desk) =>
      desk.service.deleteChild({ agent: "audited-child", name: "gone" }),
    "for a token that was revoked before": (desk) => desk.service.revokeStreamToken({ tokenId: "t-0" }),
    "by reading": async (desk) => {
      await desk.service.describe();
      await desk.service.getInstance({ id: "p-1" });
      await desk.service.listInstances({ status: [], limit: 10, cursor: undefined });
      await desk.service.listAudit({ limit: 10, cursor: undefined });
    },
    "by what the gateway does by itself": async (desk) => {
      await gateOf(desk, "p-1");
      vi.setSystemTime(NOON + 120_000);
      const late = { target: { instanceId: "p-1" }, decision: "approve", reason: undefined } as const;
      await expect(desk.service.decide({ ...late, metadata: { secret: SECRET } })).rejects.toThrow("closed");
      await desk.report("p-1", { type: "completed", output: null });
    },
  };

  test.each(Object.entries(WITHOUT))("%s", async (_, act) => {
    const desk = openDesk();
    await desk.start("p-0", { key: "k", fingerprint: "f" });
    await desk.start("p-1");
    await desk.service.createChild({ agent: "audited-child", name: "there" });
    await desk.service.revokeStreamToken({ tokenId: "t-0" });
    const before = desk.entries().length;
    const outcome = await settled(actingFor(ada, () => act(desk)).catch(() => undefined));
    expect(desk.entries().length - before).toBe(outcome === "one of its own" ? 1 : 0);
  });
});

test("an entry goes with its change: what is undone was not done", async () => {
  const desk = openDesk();
  const { records } = desk;
  await desk.start("p-1");
  const before = desk.entries();
  expect(() =>
    records.change((now) => {
      records.note({ action: "instance.start", target: AGENT }, now);
      throw new Error("died");
    }),
  ).toThrow("died");
  expect(desk.entries()).toEqual(before);
});

test("what nobody asked for is done by the agent itself", async () => {
  const desk = openDesk();
  await desk.start("p-1");
  expect(desk.entries()).toMatchObject([
    { principal: "agent", door: "agent", address: null, requestId: null },
  ]);
});

test("a sub-agent that a start brings into being is in the log of its parent, once", async () => {
  const desk = openDesk();
  const reach = () =>
    desk.gateway.call([{ agent: "audited-child", name: "new" }], "createChild", {
      agent: "x",
      name: "y",
    });
  await actingFor(ada, () => Promise.all([reach(), reach()]));
  expect(desk.entries()).toMatchObject([
    { action: "agent.create", target: `${AGENT}/sub/audited-child/new`, principal: "ada" },
  ]);
});
