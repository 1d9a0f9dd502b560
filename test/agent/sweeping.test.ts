import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import { stepSource } from "../../src/gateway/agent/step-taking.ts";
import { openGateway } from "./stand-in-gateway.ts";
import { NOON } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
});

type Opened = ReturnType<typeof openGateway>;
const ID = "r-1";

/** Leaves something of an instance in every table that it can be in. */
async function fill({ records, report, service }: Opened): Promise<void> {
  const once = { key: "start", fingerprint: "f" };
  const metadata = { shop: "acme", urgent: true };
  await service.start({ workflow: "refund", params: { orderId: "o" }, id: ID, metadata, once });
  for (let n = 1; n <= 300; n += 1) await report(ID, { type: "progress", key: `p:${n}`, progress: n });
  const wait = { key: "w", stepName: "parcel", eventType: "parcel-arrived", deadline: NOON + 60_000 };
  await report(ID, { type: "wait-began", wait });
  const gate = {
    stepName: "manager",
    occurrence: 1,
    summary: null,
    details: null,
    timeoutMs: 60_000,
    sdkEventType: "approval",
    terms: { ...OPEN_TERMS, required: 2 },
  };
  await report(ID, { type: "gate-opened", gate });
  const target = { instanceId: ID };
  await service.decide({ target, decision: "approve", reason: undefined, metadata: { note: "n" } });
  const [approval] = records.approvals.pendingOf(ID);
  const link = { holder: "ada", decisions: ["approve"] as const, expiresAt: undefined, ttlSeconds: 5 };
  await service.createLink({ approvalId: approval?.id ?? "", ...link });
  const event = {
    type: "step_started",
    eventId: 1,
    timestamp: NOON,
    instanceId: "e",
    stepName: "pay-1",
  } as const;
  const source = stepSource(records, ID);
  if (typeof source !== "string") await service.takeSteps({ ...source, id: ID, events: [event], end: false });
}

/** Tables of the Agent itself, of its parent and of its children, and of what is told to others though its instance is gone. */
const OF_NO_INSTANCE = [
  "meta",
  "audit",
  "revoked_tokens",
  "feed",
  "fed",
  "forgotten",
  "announcements",
  "addressees",
].map((table) => `switchyard_${table}`);

/** How many rows each table of the gateway has; those of the Agent itself are none of an instance. */
function rowsOf({ sqlite }: Opened): Record<string, number> {
  const tables = sqlite
    .query("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'switchyard_%'")
    .map(({ name }) => name as string)
    .filter((name) => !OF_NO_INSTANCE.includes(name));
  return Object.fromEntries(
    tables.map((table) => [
      table.replace("switchyard_", ""),
      Number(sqlite.query(`SELECT count(*) AS n FROM ${table}`)[0]?.["n"]),
    ]),
  );
}

/** What is left when nothing is: up to where events of the whole agent are missing. */
const NOTHING = {
  instances: 0,
  labels: 0,
  events: 0,
  dropped_keys: 0,
  dropped_events: 1,
  steps: 0,
  step_readings: 0,
  approvals: 0,
  votes: 0,
  links: 0,
  waits: 0,
  answers: 0,
  outbox: 0,
  callbacks: 0,
};

test("an instance leaves something in every table", async () => {
  const opened = openGateway(undefined, { tellAuthor: () => new Promise(() => {}) });
  const filled = fill(opened);
  await vi.advanceTimersByTimeAsync(0);
  expect(rowsOf(opened)).toMatchObject({ callbacks: 1 });
  // The author is not done with the first report, so that there is no second one.
  void filled;

  const { records, ...rest } = openGateway();
  await fill({ records, ...rest });
  const { callbacks: _, outbox: __, ...rows } = rowsOf({ records, ...rest });
  expect(Object.entries(rows).filter(([, count]) => count === 0)).toEqual([]);
  expect(Object.keys(rowsOf(opened)).toSorted()).toEqual(Object.keys(NOTHING).toSorted());
});

const ENDS: Readonly<Record<string, (opened: Opened) => Promise<unknown>>> = {
  complete: ({ report }) => report(ID, { type: "completed", output: null }),
  errored: ({ report }) =>
    report(ID, { type: "failed", error: { name: "Error", message: "no" }, announced: false }),
  terminated: ({ service }) => service.control({ id: ID, control: { action: "terminate", rollback: false } }),
  deleted: ({ service }) => service.deleteInstance({ id: ID, force: true }),
};

test.each(Object.keys(ENDS))("of one that is %s nothing is left when its time is over", async (end) => {
  const opened = openGateway();
  await fill(opened);
  const ended = ENDS[end]?.(opened);
  await vi.advanceTimersByTimeAsync(10_000);
  await ended;
  const rings: number[] = [];
  while (opened.wakesAt() < Number.POSITIVE_INFINITY) {
    rings.push(opened.wakesAt());
    await opened.ring();
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(rowsOf(opened)).toEqual(NOTHING);
  // The last thing to be swept is the instance, or, if that is gone already, the answer under its key.
  const day = 86_400_000;
  expect(rings.at(-1)).toBeGreaterThanOrEqual(end === "deleted" ? day : 30 * day);
  expect(rings.length).toBeLessThan(10);
});

test("what has not ended is never swept, and its agent is woken ever more rarely", async () => {
  const opened = openGateway();
  await fill(opened);
  for (let ring = 1; ring <= 200; ring += 1) {
    const rung = opened.ring();
    await vi.advanceTimersByTimeAsync(0);
    await rung;
  }
  expect(rowsOf(opened)).toMatchObject({ instances: 1, labels: 2, approvals: 1, waits: 1, answers: 0 });
  expect(opened.wakesAt()).toBeGreaterThan(30 * 86_400_000);
});
