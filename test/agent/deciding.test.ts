import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { actingFor } from "../../src/gateway/agent/acting.ts";
import { Approval, type GateTerms, OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import { ApprovalWithHistory } from "../../src/gateway/contract/approval-history.ts";
import type { Actor } from "../../src/gateway/contract/audit.ts";
import { ProblemError } from "../../src/gateway/contract/problem.ts";
import { openGateway } from "./stand-in-gateway.ts";
import { NOON, person } from "./stand-ins.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
});

const ada = person("ada");
const bob = person("bob");
const eve = person("eve");
const ID = "r-1";

/** An instance that ada started, at an open gate of these terms. */
async function openGate(terms: Partial<GateTerms> = {}) {
  const gateway = openGateway();
  const { records, report, service, start } = gateway;
  await actingFor(ada, () => start(ID));
  const gate = {
    stepName: "manager",
    occurrence: 1,
    summary: null,
    details: null,
    timeoutMs: 60_000,
    sdkEventType: "approval",
    terms: { ...OPEN_TERMS, ...terms },
  };
  await report(ID, { type: "gate-opened", gate });
  const id = records.approvals.pendingOf(ID)[0]?.id ?? "";
  const decide = (
    actor: Actor,
    decision: "approve" | "reject",
    changes: {
      readonly reason?: string;
      readonly note?: string;
      readonly key?: string;
      readonly shown?: string;
    } = {},
  ): Promise<Approval> => {
    const { reason, note = `of ${actor.name}`, key, shown } = changes;
    const once = key === undefined ? undefined : { key, fingerprint: "f" };
    const target = { approvalId: id };
    return actingFor(actor, () =>
      service.decide({ target, decision, reason, metadata: { note }, shown, once }),
    );
  };
  const read = () => service.getApproval({ id });
  const types = () => {
    const { events } = records.journal.read({ instanceId: ID, after: undefined, limit: 100 });
    return events.map(({ type }) => type).filter((type) => type.startsWith("approval."));
  };
  const audited = () =>
    records.audit
      .page({ limit: 100, cursor: undefined })
      .items.filter(({ action }) => action.startsWith("approval."))
      .map(({ principal, action, detail }) => `${principal} ${action} ${String(detail["status"])}`)
      .toReversed();
  return { ...gateway, audited, decide, id, read, types };
}

async function problemOf(work: Promise<unknown>): Promise<ProblemError> {
  try {
    await work;
  } catch (failure) {
    if (failure instanceof ProblemError) return failure;
    throw failure;
  }
  throw new Error("no problem was met");
}
const refused = async (work: Promise<unknown>): Promise<string> => {
  const { code, message } = await problemOf(work);
  return `${code}: ${message}`;
};

describe("who may decide", () => {
  test("is whoever has the scope for it, if the gate says nothing, whoever started the instance", async () => {
    const { decide, read } = await openGate();
    expect(await read()).toMatchObject(OPEN_TERMS);
    expect(await decide(ada, "approve")).toMatchObject({ status: "approved", decidedBy: "ada" });
  });

  test("is only who is named, where some are; and others change nothing", async () => {
    const approvers = { scopes: [], principals: ["bob", "carol"] };
    const { audited, decide, read, types } = await openGate({ approvers });
    expect(await read()).toMatchObject({ approvers });
    for (const decision of ["approve", "reject"] as const) {
      expect(await refused(decide(eve, decision))).toMatch(/^decision_not_allowed: .*approvers/);
    }
    expect(await read()).toMatchObject({ status: "pending" });
    expect(types()).toEqual(["approval.requested"]);
    expect(audited()).toEqual([]);
    expect(await decide(bob, "reject")).toMatchObject({ status: "rejected", decidedBy: "bob" });
    // Also once it is closed: what stands is not for them.
    expect(await refused(decide(eve, "approve"))).toMatch(/^decision_not_allowed/);
  });

  test("is only who holds all of the scopes, where some are asked for", async () => {
    const { decide } = await openGate({ approvers: { scopes: ["finance", "eu"], principals: [] } });
    expect(await refused(decide(person("eve", ["eu", "approvals:decide"]), "approve"))).toBe(
      "decision_not_allowed: Whoever decides this approval must hold finance.",
    );
    expect(await refused(decide(person("eve", []), "approve"))).toMatch(/must hold finance, eu\.$/);
    expect(await decide(person("dan", ["x", "finance", "eu"]), "approve")).toMatchObject({
      status: "approved",
    });
  });

  test("must hold both, a name and the scopes, where both are asked for", async () => {
    const { decide } = await openGate({ approvers: { scopes: ["finance"], principals: ["bob"] } });
    expect(await refused(decide(person("bob", []), "approve"))).toMatch(/must hold finance/);
    expect(await refused(decide(person("eve", ["finance"]), "approve"))).toMatch(/approvers/);
    expect(await decide(person("bob", ["finance"]), "approve")).toMatchObject({ decidedBy: "bob" });
  });

  test("is not whoever started the instance, where the gate says so, also not after a restart by another", async () => {
    const { decide, read, records, report, service } = await openGate({ selfApproval: false });
    expect(await read()).toMatchObject({ selfApproval: false });
    expect(await refused(decide(ada, "approve"))).toMatch(/^decision_not_allowed: Whoever started/);
    expect(await refused(decide(ada, "reject"))).toMatch(/^decision_not_allowed: Whoever started/);

    await actingFor(bob, () => service.control({ id: ID, control: { action: "restart", resetClock: true } }));
    await vi.advanceTimersByTimeAsync(10_000);
    const terms = { ...OPEN_TERMS, selfApproval: false };
    const gate = { stepName: "again", occurrence: 1, summary: null, details: null, timeoutMs: 60_000 };
    await report(ID, { type: "gate-opened", gate: { ...gate, sdkEventType: "approval", terms } });
    const again = { approvalId: records.approvals.pendingOf(ID)[0]?.id ?? "" };
    const approve = {
      target: again,
      decision: "approve",
      reason: undefined,
      metadata: { note: "n" },
    } as const;
    expect(await refused(actingFor(ada, () => service.decide(approve)))).toMatch(/Whoever started/);
    expect(await actingFor(bob, () => service.decide(approve))).toMatchObject({ decidedBy: "bob" });
  });

  test("is anybody where nobody knows who started the instance", async () => {
    const { decide, sqlite } = await openGate({ selfApproval: false });
    sqlite.query("UPDATE switchyard_instances SET started_by = NULL");
    expect(await decide(ada, "approve")).toMatchObject({ status: "approved" });
  });

  test("tells names apart that SQLite would not", async () => {
    const odd = person("\uD800");
    const { service, start, records, report } = await openGate();
    await actingFor(odd, () => start("r-2"));
    expect(await service.getInstance({ id: "r-2" })).toMatchObject({ startedBy: "\uD800" });
    const terms = { ...OPEN_TERMS, selfApproval: false };
    const gate = { stepName: "odd", occurrence: 1, summary: null, details: null, timeoutMs: 60_000 };
    await report("r-2", { type: "gate-opened", gate: { ...gate, sdkEventType: "approval", terms } });
    const target = { approvalId: records.approvals.pendingOf("r-2")[0]?.id ?? "" };
    const approve = { target, decision: "approve", reason: undefined, metadata: { note: "n" } } as const;
    expect(await refused(actingFor(odd, () => service.decide(approve)))).toMatch(/Whoever started/);
  });
});

describe("where several must approve", () => {
  test("each approval counts once, and the last that is needed opens the gate", async () => {
    const { audited, background, decide, read, told, types } = await openGate({ required: 3 });
    const first = await decide(ada, "approve", { reason: "looks right" });
    expect(Approval.safeParse(first).error).toBeUndefined();
    expect(first).toMatchObject({
      status: "pending",
      required: 3,
      decidedBy: null,
      votes: [{ principal: "ada", decision: "approve", door: "rest", reason: "looks right" }],
    });
    // Said again, it is the same vote.
    expect(await decide(ada, "approve", { reason: "really" })).toEqual(first);
    expect(await decide(bob, "approve")).toMatchObject({ status: "pending" });
    expect(types()).toEqual(["approval.requested", "approval.voted", "approval.voted"]);
    await background();
    expect(told).toEqual([]);
    expect(await read()).toMatchObject({ status: "pending" });

    const closed = await decide(eve, "approve");
    expect(closed).toMatchObject({ status: "approved", decidedBy: "eve", metadata: { note: "of eve" } });
    expect(closed.votes.map(({ principal }) => principal)).toEqual(["ada", "bob", "eve"]);
    expect(types().at(-1)).toBe("approval.decided");
    await background();
    expect(told).toMatchObject([{ payload: { approved: true, metadata: { note: "of eve" } } }]);
    expect(await refused(decide(ada, "approve"))).toMatch(/^approval_closed/);
    expect(audited()).toEqual([
      "ada approval.approve pending",
      "bob approval.approve pending",
      "eve approval.approve approved",
    ]);
  });

  test("one rejection closes it", async () => {
    const { background, decide, told, types } = await openGate({ required: 3 });
    await decide(ada, "approve");
    expect(await decide(bob, "reject", { reason: "no" })).toMatchObject({
      status: "rejected",
      decidedBy: "bob",
      votes: [
        { principal: "ada", decision: "approve" },
        { principal: "bob", decision: "reject", reason: "no" },
      ],
    });
    expect(types()).toEqual(["approval.requested", "approval.voted", "approval.decided"]);
    await background();
    expect(told).toMatchObject([{ payload: { approved: false, reason: "no" } }]);
  });

  test("who has approved may still reject, which rejects", async () => {
    const { decide } = await openGate({ required: 2 });
    await decide(ada, "approve");
    const closed = await decide(ada, "reject");
    expect(closed).toMatchObject({ status: "rejected", decidedBy: "ada" });
    expect(closed.votes.map(({ decision }) => decision)).toEqual(["approve", "reject"]);
  });

  test("who may not decide does not count", async () => {
    const { decide, read } = await openGate({ required: 2, selfApproval: false });
    await refused(decide(ada, "approve"));
    await decide(bob, "approve");
    await refused(decide(ada, "approve"));
    expect(await read()).toMatchObject({ status: "pending", votes: [{ principal: "bob" }] });
  });

  test("votes of many at once open it once, with exactly as many as it takes", async () => {
    const { background, decide, read, told, types } = await openGate({ required: 5 });
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => decide(person(`person ${n}`), "approve")),
    );
    const statuses = results.map((result) =>
      result.status === "fulfilled" ? result.value.status : (result.reason as ProblemError).code,
    );
    expect(statuses.filter((status) => status === "pending")).toHaveLength(4);
    expect(statuses.filter((status) => status === "approved")).toHaveLength(1);
    expect(statuses.filter((status) => status === "approval_closed")).toHaveLength(15);
    expect((await read()).votes).toHaveLength(5);
    expect(types().filter((type) => type === "approval.decided")).toHaveLength(1);
    await background();
    expect(told).toHaveLength(1);
  });

  test("a repeat under the same key is given the same answer, and counts nothing", async () => {
    const { audited, decide, types } = await openGate({ required: 2 });
    const answer = await decide(ada, "approve", { key: "k" });
    await decide(bob, "approve");
    expect(await decide(ada, "approve", { key: "k" })).toEqual(answer);
    expect(types()).toEqual(["approval.requested", "approval.voted", "approval.decided"]);
    expect(audited()).toHaveLength(2);
  });

  test("votes at a gate that has expired count no more", async () => {
    const { audited, decide, read, types } = await openGate({ required: 2 });
    await decide(ada, "approve");
    vi.setSystemTime(NOON + 120_000);
    expect(await refused(decide(bob, "approve"))).toMatch(/^approval_closed/);
    expect(await read()).toMatchObject({ status: "expired", decidedBy: null, votes: [{ principal: "ada" }] });
    expect(types()).toEqual(["approval.requested", "approval.voted", "approval.expired"]);
    expect(audited()).toHaveLength(1);
  });

  test("metadata are checked of every vote", async () => {
    const { read, service, id } = await openGate({ required: 2 });
    const vote = { target: { approvalId: id }, decision: "approve", reason: undefined } as const;
    expect(await refused(service.decide({ ...vote, metadata: { note: 7 } }))).toMatch(/^invalid_request/);
    expect(await read()).toMatchObject({ votes: [] });
  });
});

const at = (seconds: number) => new Date(NOON + seconds * 1_000).toISOString();

describe("a gate that is read alone", () => {
  test("says what happened to it, in order, with what each voter sent", async () => {
    const { decide, read } = await openGate({ required: 2 });
    vi.setSystemTime(NOON + 1_000);
    await decide(ada, "approve", { reason: "fine", shown: "what ada saw" });
    vi.setSystemTime(NOON + 2_000);
    await decide(bob, "reject", { reason: "no" });
    const approval = await read();
    expect(ApprovalWithHistory.safeParse(approval).error).toBeUndefined();
    expect(approval.history).toEqual([
      { type: "requested", time: at(0) },
      {
        type: "voted",
        time: at(1),
        principal: "ada",
        door: "rest",
        decision: "approve",
        reason: "fine",
        shown: "what ada saw",
        metadata: { note: "of ada" },
      },
      {
        type: "voted",
        time: at(2),
        principal: "bob",
        door: "rest",
        decision: "reject",
        reason: "no",
        shown: null,
        metadata: { note: "of bob" },
      },
      { type: "closed", time: at(2), status: "rejected", principal: "bob", door: "rest", reason: "no" },
    ]);
  });

  test("was closed by nobody if it expired", async () => {
    const { decide, read } = await openGate();
    vi.setSystemTime(NOON + 60_000);
    await refused(decide(bob, "approve"));
    expect((await read()).history.at(-1)).toEqual({
      type: "closed",
      time: new Date(NOON + 60_000).toISOString(),
      status: "expired",
      principal: null,
      door: null,
      reason: null,
    });
  });

  test("shows no metadata of votes beside its history, and says what may be sent along", async () => {
    const { decide, read, records } = await openGate({ required: 2 });
    const open = await decide(ada, "approve", { note: "for the record" });
    expect(JSON.stringify(open)).not.toContain("for the record");
    expect(open.metadataSchema).toMatchObject({ type: "object", required: ["note"] });
    const { history, ...approval } = await read();
    expect(JSON.stringify(approval)).not.toContain("for the record");
    expect(JSON.stringify(history)).toContain("for the record");
    const events = records.journal.read({ instanceId: ID, after: undefined, limit: 100 });
    expect(JSON.stringify(events)).not.toContain("for the record");
  });

  test("has no schema of metadata if its workflow is not declared any more", async () => {
    const { read, sqlite } = await openGate();
    sqlite.query("UPDATE switchyard_approvals SET workflow = 'gone'");
    expect(await read()).toMatchObject({ workflow: "gone", metadataSchema: null });
  });
});
