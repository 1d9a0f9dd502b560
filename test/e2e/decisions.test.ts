import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "../support/gateway.ts";
import { type Runtime, startRuntime } from "../support/runtime.ts";
import { until, untilStatus } from "../support/until.ts";

const AGENT = "/agents/workshop/decisions";
let storage: string;
let runtime: Runtime;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "switchyard-"));
  runtime = await startRuntime("test/fixtures/workshop/wrangler.jsonc", storage);
});
afterAll(async () => {
  await runtime.kill();
  await rm(storage, { recursive: true, force: true });
});

interface Instance {
  readonly status: string;
  readonly attempt: number;
  readonly waitingFor?: { readonly approvalId: string };
  readonly error?: { readonly name: string };
  readonly output?: { readonly signatures: readonly string[] };
}
interface Gate {
  readonly status: string;
  readonly reason: string | null;
  readonly attempt: number;
  readonly deadline: string;
}

const start = async (body: object): Promise<string> => {
  const answer = await runtime.post(`${AGENT}/workflows/gated`, body);
  expect(answer.status, answer.text).toBe(202);
  return answer.json<{ links: { self: string } }>().links.self;
};
const read = async (self: string): Promise<Instance> => (await runtime.get(self)).json<Instance>();
const gateOf = async (id: string): Promise<Gate> =>
  (await runtime.get(`${AGENT}/approvals/${id}`)).json<Gate>();
const openGate = async (self: string): Promise<string> => {
  const waiting = await untilStatus(() => runtime.get(self), "waiting");
  return waiting.json<Instance>().waitingFor?.approvalId ?? "";
};
const decide = (gate: string, decision: "approve" | "reject", mark: string): Promise<Answer> =>
  runtime.post(`${AGENT}/approvals/${gate}/${decision}`, { reason: mark, metadata: { signature: mark } });

/** How the gates of an instance were closed, as its journal tells it: one line for each time. */
async function closings(self: string): Promise<string[]> {
  const page = await runtime.get(`${self}/events?limit=100`, { accept: "application/json" });
  const { items } = page.json<{ items: { type: string; data: { approval?: { id: string } } }[] }>();
  return items
    .filter(({ type }) => /^approval\.(?:decided|expired|cancelled)$/.test(type))
    .map(({ data }) => data.approval?.id ?? "");
}

type Act = "approve" | "reject" | "terminate" | "restart";
/** What twenty do to one gate at once. */
const MIXES: Readonly<Record<string, readonly Act[]>> = {
  "approve and reject": mix({ approve: 10, reject: 10 }),
  "and terminate": mix({ approve: 8, reject: 8, terminate: 4 }),
  "and restart": mix({ approve: 8, reject: 8, restart: 4 }),
  "and terminate and restart": mix({ approve: 7, reject: 7, terminate: 3, restart: 3 }),
  "and cannot but restart": mix({ approve: 2, restart: 18 }),
};
function mix(counts: Partial<Record<Act, number>>): Act[] {
  const acts = Object.entries(counts).flatMap(([act, count]) => Array<Act>(count).fill(act as Act));
  // Dealt round, so that no kind comes first.
  return acts.map((_, at) => acts[(at * 7) % acts.length] ?? "approve");
}

/** Everything at once; then whatever was answered must be what stands. @returns whose decision was taken, and what stands. */
async function race(acts: readonly Act[]): Promise<{ winners: readonly string[]; stands: Gate }> {
  const self = await start({ params: {} });
  const gate = await openGate(self);
  const answers = await Promise.all(
    acts.map(async (act, n) => {
      const mark = `${act} ${n}`;
      const answer =
        act === "approve" || act === "reject"
          ? await decide(gate, act, mark)
          : await runtime.post(`${self}/${act}`, {});
      return { act, mark, answer };
    }),
  );

  const stands = await gateOf(gate);
  expect(stands.status).not.toBe("pending");
  const isDecision = (act: Act): boolean => act === "approve" || act === "reject";
  const won = answers.filter(({ act, answer }) => isDecision(act) && answer.status === 200);
  const winners = won.map(({ mark }) => mark);
  const refused = answers.filter(({ answer }) => answer.status >= 300);
  expect(
    refused.map(({ answer }) => {
      const { code, decision } = answer.json<{ code: string; decision?: { status: string } }>();
      return [answer.status, code, decision?.status];
    }),
  ).toEqual(
    refused.map(({ act }) =>
      isDecision(act) ? [409, "approval_closed", stands.status] : [409, "status_conflict", undefined],
    ),
  );
  expect((await closings(self)).filter((id) => id === gate)).toEqual([gate]);

  const restarts = answers.filter(({ act, answer }) => act === "restart" && answer.status === 202).length;
  const terminated = answers.some(({ act, answer }) => act === "terminate" && answer.status === 202);
  if (restarts === 0) {
    await ends(self, terminated ? undefined : stands);
    return { winners, stands };
  }
  // The last attempt has a gate of its own, which the decision at the old one does not open.
  const settled = await until(
    () => read(self),
    ({ status, waitingFor }) =>
      status === "terminated" || (status === "waiting" && waitingFor?.approvalId !== gate),
  );
  expect(settled.attempt).toBe(1 + restarts);
  expect(terminated || settled.status === "waiting").toBe(true);
  if (settled.status === "terminated") return { winners, stands };
  const next = settled.waitingFor?.approvalId ?? "";
  expect(await gateOf(next)).toMatchObject({ status: "pending", attempt: settled.attempt });
  expect((await decide(next, "approve", "the last")).status).toBe(200);
  const ended = await untilStatus(() => runtime.get(self), "complete");
  expect(ended.json()).toMatchObject({ output: { signatures: ["the last"] } });
  return { winners, stands };
}

/** The workflow saw what the gate says. @param stands undefined if it was ended past its gate, or may have been. */
async function ends(self: string, stands: Gate | undefined): Promise<void> {
  const { status, output } = await until(
    () => read(self),
    (instance) => ["complete", "errored", "terminated"].includes(instance.status),
  );
  if (stands === undefined) return;
  expect([status, output?.signatures]).toEqual(
    stands.status === "approved" ? ["complete", [stands.reason]] : ["errored", undefined],
  );
}

const ROUNDS = 10;
describe.each(Object.entries(MIXES))("twenty at once %s", (_, acts) => {
  test(`one decision stands, ${ROUNDS} times`, { timeout: 200_000 }, async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      // Each time another one is sent first.
      const { winners, stands } = await race([...acts.slice(round), ...acts.slice(0, round)]);
      expect(winners).toEqual(/^(?:approved|rejected)$/.test(stands.status) ? [stands.reason] : []);
    }
  });
});

/** What the workflow throws where a gate was closed so. */
const THROWN: Readonly<Record<string, string | undefined>> = {
  rejected: "WorkflowRejectedError",
  expired: "WorkflowTimeoutError",
};

test("a decision in the last moment and the end of the time: one stands, and the workflow saw the same", async () => {
  const raced = Array.from({ length: 24 }, async (_, n) => {
    const self = await start({ params: { timeoutMs: 2_000 } });
    const gate = await openGate(self);
    const deadline = Date.parse((await gateOf(gate)).deadline);
    // From well before the deadline to well after it; asking is all that is done meanwhile.
    const moment = deadline + (n - 12) * 20;
    while (Date.now() < moment) await gateOf(gate);
    const answers = await Promise.all([
      decide(gate, "approve", `approve ${n}`),
      decide(gate, "reject", `reject ${n}`),
    ]);
    const stands = await gateOf(gate);
    const won = answers.filter((answer) => answer.status === 200);
    expect(won).toHaveLength(stands.status === "expired" ? 0 : 1);
    for (const answer of answers.filter((one) => one.status !== 200)) {
      expect(answer.json()).toMatchObject({
        code: "approval_closed",
        decision: { status: stands.status, reason: stands.reason },
      });
    }
    expect(won.map((answer) => answer.json<Gate>().reason)).toEqual(
      stands.status === "expired" ? [] : [stands.reason],
    );
    expect(await closings(self)).toEqual([gate]);
    await ends(self, stands);
    expect((await read(self)).error?.name).toBe(THROWN[stands.status]);
    return stands.status;
  });
  const outcomes = await Promise.all(raced);
  expect(outcomes).toHaveLength(24);
});

const code = (answer: Answer) => [answer.status, answer.json<{ code: string }>().code];

describe("nothing is decided", () => {
  test("before a gate is open", async () => {
    const self = await start({ params: {}, delay: 3_600 });
    expect(code(await runtime.post(`${self}/approve`, {}))).toEqual([409, "approval_ambiguous"]);
    const unknown = "apr_00000000-0000-4000-8000-000000000000";
    expect(code(await decide(unknown, "approve", "early"))).toEqual([404, "approval_not_found"]);
  });

  test("at an instance that is paused, and its gate is open afterwards", async () => {
    const self = await start({ params: {} });
    const gate = await openGate(self);
    await runtime.post(`${self}/pause`);
    await untilStatus(() => runtime.get(self), "paused");
    for (const decision of ["approve", "reject"] as const) {
      expect(code(await decide(gate, decision, "paused"))).toEqual([409, "instance_paused"]);
    }
    await runtime.post(`${self}/resume`);
    expect(await openGate(self)).toBe(gate);
    expect((await decide(gate, "approve", "resumed")).status).toBe(200);
    const ended = await untilStatus(() => runtime.get(self), "complete");
    expect(ended.json()).toMatchObject({ output: { signatures: ["resumed"] } });
    // After it is closed, and after the end.
    for (const decision of ["approve", "reject"] as const) {
      expect(code(await decide(gate, decision, "late"))).toEqual([409, "approval_closed"]);
      expect(code(await runtime.post(`${self}/${decision}`, {}))).toEqual([409, "approval_ambiguous"]);
    }
    expect(await gateOf(gate)).toMatchObject({ status: "approved", reason: "resumed" });
  });

  test("at the gate of an instance that was terminated", async () => {
    const self = await start({ params: {} });
    const gate = await openGate(self);
    await runtime.post(`${self}/terminate`, {});
    const late = await decide(gate, "approve", "late");
    expect(late.json()).toMatchObject({ code: "approval_closed", decision: { status: "cancelled" } });
  });
});
