import { vi } from "vitest";
import { AgentGateway, type AgentHost } from "../../src/gateway/agent/agent-gateway.ts";
import type { WorkflowNews } from "../../src/gateway/agent/callbacks.ts";
import type { Report } from "../../src/gateway/agent/reports.ts";
import { defineAgent } from "../../src/gateway/registry/agent-definition.ts";
import { type SqliteStorage, sqliteStorage } from "../support/sqlite-storage.ts";
import { NOON, refund } from "./stand-ins.ts";

class GatewayDesk {
  readonly kind = "GatewayDesk";
}
const definition = defineAgent({
  name: "gateway-desk",
  binding: "GatewayDesk",
  agent: GatewayDesk,
  workflows: [refund],
});
const done = async (): Promise<void> => {};
/** An engine in which every instance runs, and which does at once what is asked. @param told the events that it is sent. */
const engineOf = (told: unknown[]) => ({
  create: done,
  get: async () => ({
    status: async () => ({ status: "running" }),
    sendEvent: async (event: unknown) => {
      told.push(event);
    },
    pause: done,
    resume: done,
    restart: done,
    terminate: done,
    delete: done,
  }),
});
const unused = (): never => {
  throw new Error("not for this test");
};

/** A gateway in an agent that is none, with everything that it asked of it. Timers are to be faked, from noon. */
export function openGateway(sqlite: SqliteStorage = sqliteStorage(), changes: Partial<AgentHost> = {}) {
  const alarms = new Map<string, number>();
  const heard: WorkflowNews[] = [];
  const messages: unknown[] = [];
  const told: unknown[] = [];
  const background: Promise<unknown>[] = [];
  let state: unknown = null;
  const gateway = new AgentGateway({
    definition,
    path: [{ agent: definition.name, name: "acme" }],
    isSubAgent: false,
    rootBinding: "GatewayDesk",
    storage: sqlite.storage,
    env: { REFUND: engineOf(told) },
    origin: () => ({}),
    publish: () => {},
    background: (work) => background.push(work),
    clock: {
      set: async (at) => {
        const id = `a-${alarms.size + 1}`;
        alarms.set(id, at);
        return id;
      },
      cancel: async (id) => alarms.delete(id),
    },
    hasPump: () => false,
    wakePump: () => {},
    publishStep: () => {},
    requireRoom: () => {},
    closeTails: () => {},
    invoke: unused,
    state: () => state,
    initialState: () => null,
    setState: (next) => {
      state = next;
    },
    hasChild: () => false,
    child: unused,
    wipeChild: unused,
    hears: () => true,
    tellAuthor: async (news) => {
      heard.push(news);
    },
    broadcast: (message) => messages.push(message),
    ...changes,
  });
  const { records, service } = gateway;
  return {
    background: () => Promise.all(background),
    gateway,
    heard,
    messages,
    records,
    service,
    sqlite,
    /** Events that the engine was sent. */
    told,
    /** When it is woken next, in milliseconds after noon. */
    wakesAt: () => Math.min(...alarms.values()) - NOON,
    /** Lets the alarm ring at its time. */
    ring: async () => {
      const at = Math.min(...alarms.values());
      vi.setSystemTime(at);
      for (const [id, time] of alarms) if (time === at) alarms.delete(id);
      await gateway.alarm();
    },
    start: (id: string) => service.start({ workflow: "refund", params: { orderId: id }, id, metadata: {} }),
    report: (id: string, report: Report) => {
      const row = records.ledger.find(id);
      return gateway.report([], row?.engine_id ?? "", report);
    },
  };
}
