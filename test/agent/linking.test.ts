import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { actingFor } from "../../src/gateway/agent/acting.ts";
import { type GateTerms, OPEN_TERMS } from "../../src/gateway/contract/approval.ts";
import type { Actor } from "../../src/gateway/contract/audit.ts";
import { ApprovalLink } from "../../src/gateway/contract/link.ts";
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
const ID = "r-1";
/** As the page of a link asks. */
const door: Actor = { ...person("link"), door: "link", scopes: [] };

/** An instance that ada started, at an open gate of these terms. */
async function openGate(terms: Partial<GateTerms> = {}, timeoutMs = 60_000) {
  const gateway = openGateway();
  const { records, report, service, start } = gateway;
  await actingFor(ada, () => start(ID));
  const gate = {
    stepName: "manager",
    occurrence: 1,
    summary: null,
    details: { b: 1, a: { d: [1], c: 2 } },
    timeoutMs,
    sdkEventType: "approval",
    terms: { ...OPEN_TERMS, ...terms },
  };
  await report(ID, { type: "gate-opened", gate });
  const approvalId = records.approvals.pendingOf(ID)[0]?.id ?? "";
  const give = (actor: Actor, holder: string, changes: { ttlSeconds?: number; key?: string } = {}) => {
    const { ttlSeconds, key } = changes;
    const once = key === undefined ? undefined : { key, fingerprint: "f" };
    const decisions = ["approve", "reject"] as const;
    const link = { approvalId, holder, decisions, expiresAt: undefined, ttlSeconds, once };
    return actingFor(actor, () => service.createLink(link));
  };
  const use = (id: string, decision: "approve" | "reject" = "approve", shown?: string, key?: string) => {
    const once = key === undefined ? undefined : { key, fingerprint: "f" };
    const said = { reason: undefined, metadata: { note: "n" }, shown, once };
    return actingFor(door, () => service.decideByLink({ id, approvalId, decision, ...said }));
  };
  const view = (id: string) => service.viewLink({ id, approvalId });
  const list = () => service.listLinks({ approvalId });
  return { ...gateway, approvalId, give, list, use, view };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (failure) {
    if (failure instanceof ProblemError) return failure.code;
    throw failure;
  }
  return "none";
}

describe("a link is given", () => {
  test("as it is shown to clients, until the deadline of its gate, and is noted", async () => {
    const { give, list, records } = await openGate();
    const link = await give(bob, "carol");
    expect(ApprovalLink.parse(link)).toEqual(link);
    expect(link).toMatchObject({ for: "carol", createdBy: "bob", expiresAt: "2026-04-01T12:01:00.000Z" });
    expect(await list()).toEqual([link]);
    const [entry] = records.audit.page({ limit: 1, cursor: undefined }).items;
    expect(entry).toMatchObject({
      principal: "bob",
      action: "link.create",
      detail: { linkId: link.id, for: "carol" },
    });
  });

  test("for thirty days at most where its gate waits longer", async () => {
    const { give } = await openGate({}, 40 * 86_400_000);
    expect((await give(bob, "carol")).expiresAt).toBe("2026-05-01T12:00:00.000Z");
    expect(await codeOf(give(bob, "carol", { ttlSeconds: 30 * 86_400 + 1 }))).toBe("invalid_request");
  });

  test("to those alone whom its gate names, also by who is not named", async () => {
    const { give } = await openGate({ approvers: { scopes: [], principals: ["carol"] } });
    expect(await codeOf(give(bob, "dave"))).toBe("decision_not_allowed");
    expect(await codeOf(give(bob, "carol"))).toBe("none");
  });

  test("by nobody who lacks a scope that its gate asks for, which it then carries", async () => {
    const { give, use } = await openGate({ approvers: { scopes: ["money"], principals: [] } });
    expect(await codeOf(give({ ...bob, scopes: ["approvals:decide"] }, "carol"))).toBe(
      "decision_not_allowed",
    );
    const { id } = await give({ ...bob, scopes: ["approvals:decide", "money"] }, "carol");
    expect(await use(id)).toMatchObject({ status: "approved", decidedBy: "carol", decidedVia: "link" });
  });

  test("neither by nor to who started the instance, where they may not decide", async () => {
    const { give } = await openGate({ selfApproval: false });
    expect(await codeOf(give(ada, "carol"))).toBe("decision_not_allowed");
    expect(await codeOf(give(bob, "ada"))).toBe("decision_not_allowed");
    expect(await codeOf(give(bob, "carol"))).toBe("none");
  });

  test("once under one key", async () => {
    const { give, list } = await openGate();
    const link = await give(bob, "carol", { key: "k" });
    expect(await give(bob, "carol", { key: "k" })).toEqual(link);
    expect(await list()).toHaveLength(1);
  });

  test("of the last fifty that cannot be used any more, and of all that can, there is a list", async () => {
    const { give, list, service, approvalId } = await openGate();
    const open = await give(bob, "carol");
    for (let n = 1; n <= 60; n += 1) {
      const { id } = await give(bob, `holder ${n}`);
      await service.revokeLink({ approvalId, id });
    }
    const listed = await list();
    expect(listed.filter(({ status }) => status === "revoked")).toHaveLength(51);
    expect(listed.at(-1)).toEqual(open);
  });
});

describe("a link is used", () => {
  test("once, in the change that decides; if that is refused it stays", async () => {
    const { give, list, use } = await openGate();
    const { id } = await give(bob, "carol");
    expect(await codeOf(use(id, "approve", "another question"))).toBe("approval_changed");
    expect(await list()).toMatchObject([{ status: "open" }]);
    expect(await use(id)).toMatchObject({ status: "approved", decidedBy: "carol" });
    expect(await list()).toMatchObject([{ status: "used", usedAt: "2026-04-01T12:00:00.000Z" }]);
    expect(await codeOf(use(id, "reject"))).toBe("link_not_found");
  });

  test("and the audit log says which", async () => {
    const { give, use, records } = await openGate();
    const { id } = await give(bob, "carol");
    await use(id);
    const [entry] = records.audit.page({ limit: 1, cursor: undefined }).items;
    expect(entry).toMatchObject({ principal: "carol", action: "approval.approve", detail: { linkId: id } });
    expect(entry?.detail).not.toHaveProperty("sender");
  });

  test("by a signed callback too, of which the audit log says who sent it", async () => {
    const { give, service, approvalId, records } = await openGate();
    const { id } = await give(bob, "carol");
    const said = { decision: "approve", reason: undefined, metadata: { note: "n" } } as const;
    await actingFor({ ...person("erp"), door: "callback" }, () =>
      service.decideByLink({ id, approvalId, ...said, shown: undefined, once: undefined }),
    );
    const [entry] = records.audit.page({ limit: 1, cursor: undefined }).items;
    expect(entry).toMatchObject({
      principal: "carol",
      door: "callback",
      detail: { linkId: id, sender: "erp" },
    });
  });

  test("by a vote that does not close the gate too; a repeat under its key is answered as before", async () => {
    const { give, list, use } = await openGate({ required: 2 });
    const [carol, dave] = [await give(bob, "carol"), await give(bob, "dave")];
    const voted = await use(carol.id, "approve", undefined, "k");
    expect(voted).toMatchObject({ status: "pending", votes: [{ principal: "carol", door: "link" }] });
    expect(await use(carol.id, "approve", undefined, "k")).toEqual(voted);
    expect(await codeOf(use(carol.id))).toBe("link_not_found");
    expect(await list()).toMatchObject([{ status: "open" }, { status: "used" }]);
    expect(await use(dave.id)).toMatchObject({ status: "approved", decidedBy: "dave" });
  });

  test("not up by a decision that comes too late, which is told what stands", async () => {
    const { give, list, use, view } = await openGate();
    const [carol, dave] = [await give(bob, "carol"), await give(bob, "dave")];
    await use(carol.id, "reject");
    expect(await codeOf(use(dave.id))).toBe("approval_closed");
    expect((await list())[0]).toMatchObject({ for: "dave", status: "open" });
    expect(await view(dave.id)).toMatchObject({ approval: { status: "rejected", decidedBy: "carol" } });
  });

  test("no more once its time is over", async () => {
    const { give, list, use, view } = await openGate();
    const { id } = await give(bob, "carol", { ttlSeconds: 5 });
    vi.setSystemTime(NOON + 5_000);
    expect(await codeOf(view(id))).toBe("link_not_found");
    expect(await codeOf(use(id))).toBe("link_not_found");
    expect(await list()).toMatchObject([{ status: "expired" }]);
  });

  test("for what was shown: the digest is the same in whatever order the details are", async () => {
    const { give, use, view, records, approvalId } = await openGate();
    const { id } = await give(bob, "carol");
    const { shown } = await view(id);
    expect(shown).toMatch(/^[\w-]{43}$/);
    const setDetails = (details: object): void => {
      records.store.run(
        "UPDATE switchyard_approvals SET details = ? WHERE id = ?",
        JSON.stringify(details),
        approvalId,
      );
    };
    setDetails({ a: { c: 2, d: [1] }, b: 1 });
    expect((await view(id)).shown).toBe(shown);
    setDetails({ a: { c: 2, d: [2] }, b: 1 });
    expect(await codeOf(use(id, "approve", shown))).toBe("approval_changed");
    const { shown: now } = await view(id);
    expect(await use(id, "approve", now)).toMatchObject({ status: "approved", shown: now });
  });
});
