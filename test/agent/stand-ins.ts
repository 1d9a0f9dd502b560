import { z } from "zod";
import { Family } from "../../src/gateway/agent/family.ts";
import type { InstanceRow } from "../../src/gateway/agent/ledger.ts";
import { receive, type Received } from "../../src/gateway/agent/reception.ts";
import { Records } from "../../src/gateway/agent/records.ts";
import type { GateReport, OpenedGate, Report } from "../../src/gateway/agent/reports.ts";
import { OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import type { Actor } from "../../src/gateway/contract/audit.ts";
import { eventSchema, type GatewayEvent } from "../../src/gateway/contract/event.ts";
import { type InstanceStatus, instanceSchema, type Metadata } from "../../src/gateway/contract/instance.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import type { AgentDefinition } from "../../src/gateway/registry/agent-definition.ts";
import { defineWorkflow } from "../../src/gateway/registry/workflow-definition.ts";
import { type SqliteStorage, sqliteStorage } from "../support/sqlite-storage.ts";

export const AGENT = "/agents/order-desk/acme";
/** A moment that tests count from, in milliseconds. */
export const NOON = Date.UTC(2026, 3, 1, 12);

export const refund = defineWorkflow({
  name: "refund",
  binding: "REFUND",
  params: z.object({ orderId: z.string() }),
  progress: z.object({ percent: z.number() }),
  approval: z.object({ note: z.string().trim() }),
  labels: ["shop", "urgent"],
  output: z.object({ refundId: z.string() }).nullable(),
  keepEvents: 200,
});
export const RefundInstance = instanceSchema(refund, "RefundInstance");
export const RefundEvent = eventSchema(refund, "RefundEvent");

/** The records of one agent over real SQLite, with everything that they published. */
export interface Desk extends SqliteStorage {
  readonly records: Records;
  /** One list for each change that was committed. */
  readonly published: GatewayEvent[][];
  /** Types of everything that was published, in order. */
  readonly types: () => string[];
  /** Puts an instance on record. */
  readonly accept: (
    id: string,
    options?: { readonly now?: number; readonly workflow?: string; readonly metadata?: Metadata },
  ) => InstanceRow;
  /** The instance as it is now. */
  readonly row: (id: string) => InstanceRow;
  /** Takes a report of an instance, as its workflow sends it. */
  readonly report: (id: string, report: Report, now?: number) => Received;
  /** Opens a gate, as a workflow does. */
  readonly ask: (id: string, gate?: Partial<GateReport>, now?: number) => OpenedGate;
}

/** @param labels the metadata keys by which lists can be filtered. */
export function openDesk(
  sqlite: SqliteStorage = sqliteStorage(),
  {
    keepEvents,
    labels = ["n", "owner", "urgent"],
    isAnnouncing = false,
  }: {
    readonly keepEvents?: number;
    readonly labels?: readonly string[];
    readonly isAnnouncing?: boolean;
  } = {},
): Desk {
  const published: GatewayEvent[][] = [];
  const records = new Records(sqlite.storage, AGENT, (events) => published.push([...events]), {
    labels,
    isAnnouncing,
    ...(keepEvents === undefined ? {} : { keepEvents: () => keepEvents }),
  });
  records.store.open();
  const desk: Desk = {
    ...sqlite,
    records,
    published,
    types: () => published.flat().map(({ type }) => type),
    accept(id, { now = NOON, workflow = "refund", metadata = {} } = {}) {
      records.change(() =>
        records.ledger.insert({
          id,
          engineId: `engine-${id}`,
          workflow,
          binding: workflow.toUpperCase(),
          params: { orderId: id },
          metadata,
          now,
        }),
      );
      return desk.row(id);
    },
    row(id) {
      const row = records.ledger.find(id);
      if (row === undefined) throw new Error(`no instance ${id}`);
      return row;
    },
    report: (id, report, now = NOON) => records.change(() => receive(records, desk.row(id), report, now)),
    ask(id, gate = {}, now = NOON) {
      const asked = {
        stepName: "manager",
        occurrence: 1,
        summary: "Pay?",
        details: null,
        timeoutMs: 60_000,
        sdkEventType: "approval",
        terms: OPEN_TERMS,
        ...gate,
      };
      const { answer } = desk.report(id, { type: "gate-opened", gate: asked }, now);
      if (answer === undefined || !("approvalId" in answer)) throw new Error("no gate was opened");
      return answer;
    },
  };
  return desk;
}

async function none(): Promise<never> {
  throw new Error("there is no child");
}

/** The family of an agent below which nothing is. */
export function childless(records: Records, definition: AgentDefinition): Family {
  return new Family(records, {
    definition,
    path: [{ agent: "order-desk", name: "acme" }],
    hasChild: () => false,
    child: none,
    wipeChild: none,
    ensureAlarm: async () => {},
    deliver: async () => {},
    deliverSoon: () => {},
    announce: async () => {},
    closeTails: () => {},
  });
}

/** Somebody who came by REST, and may do everything. */
export function person(name: string, scopes: Actor["scopes"] = "all"): Actor {
  return { name, door: "rest", scopes, address: "192.0.2.7", requestId: `request of ${name}` };
}

/** Moves an instance to a status, past all rules. */
export function force(desk: Desk, id: string, status: InstanceStatus, now: number = NOON): InstanceRow {
  return desk.records.change(() => desk.records.ledger.change(desk.row(id), { status }, now));
}

/** The problem that a piece of work meets; anything else that it throws is thrown on. */
export function problemOf(work: () => unknown): ProblemError {
  try {
    work();
  } catch (failure) {
    if (failure instanceof ProblemError) return failure;
    throw failure;
  }
  throw new Error("no problem was met");
}
