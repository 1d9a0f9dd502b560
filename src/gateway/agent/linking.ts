import { createHash } from "node:crypto";
import { isTerminal } from "../contract/instance";
import { type ApprovalLink, LONGEST_LINK_MS, MOST_LINKS } from "../contract/link";
import { ProblemError } from "../contract/problem";
import type { Approval } from "../contract/approval";
import type { AgentPort, LinkView } from "../port";
import { actingFor, currentActor } from "./acting";
import { type ApprovalRow, termsOf, toStandingDecision } from "./approvals";
import { decide } from "./deciding";
import { linkCreationOf, linkRevocationOf } from "./deeds";
import { iso } from "./ledger";
import { decisionsOf, holderOf, type LinkRow, scopesOf, statusOf, toLink } from "./links";
import { requireMayDecide } from "./may-decide";
import { requireApproval, requireInstance, type ServiceContext } from "./service-context";

type Asked<Method extends keyof AgentPort> = Parameters<AgentPort[Method]>[0];

/** Makes a link for one approval, which lets its holder do what whoever makes it may do. */
export function createLink(context: ServiceContext, input: Asked<"createLink">): ApprovalLink {
  const { records } = context;
  return records.changeOnce(input.once, (now) => {
    const gate = requireOpen(context, input.approvalId, now);
    const expiresAt = expiryOf(gate, input, now);
    if (records.links.countOpen(gate.id, now) >= MOST_LINKS) {
      throw new ProblemError("too_many_links", {
        detail: `An approval has ${MOST_LINKS} links that can be used, at most. Revoke some.`,
      });
    }
    const { id: approvalId, instance_id: instanceId } = gate;
    const { holder, decisions } = input;
    requireMayGive(context, gate, holder);
    const link = records.links.add(
      { approvalId, instanceId, holder, decisions, expiresAt },
      currentActor(),
      now,
    );
    const made = toLink(link, now);
    records.note(linkCreationOf(made, records.agent), now);
    return made;
  });
}

export function listLinks(context: ServiceContext, { approvalId }: Asked<"listLinks">): ApprovalLink[] {
  const { id } = requireApproval(context, approvalId);
  const now = Date.now();
  return context.records.links.of(id).map((link) => toLink(link, now));
}

/** Ends a link. One that cannot be used any more stays as it is. */
export function revokeLink(context: ServiceContext, { approvalId, id }: Asked<"revokeLink">): ApprovalLink {
  const { records } = context;
  return records.change((now) => {
    requireApproval(context, approvalId);
    requireLink(context, { approvalId, id });
    if (records.links.revoke(id, now)) {
      records.note(linkRevocationOf(approvalId, id, records.agent), now);
    }
    return toLink(requireLink(context, { approvalId, id }), now);
  });
}

/** Shows what a link is about, as long as it can be used. Changes nothing. */
export function viewLink(context: ServiceContext, { approvalId, id }: Asked<"viewLink">): LinkView {
  const link = requireUsable(requireLink(context, { approvalId, id }), Date.now());
  const approval = context.records.approvals.view(requireApproval(context, approvalId));
  return { approval, holder: holderOf(link), decisions: decisionsOf(link), shown: digestOf(approval) };
}

/** Decides by a link, in the name of whoever it is for; the link is used up in the same change. */
export function decideByLink(
  context: ServiceContext,
  { id, approvalId, shown, ...decision }: Asked<"decideByLink">,
): Promise<Approval> {
  const { records } = context;
  const link = requireLink(context, { approvalId, id });
  const sender = currentActor();
  const holder = { ...sender, name: holderOf(link), scopes: scopesOf(link) };
  const input = { ...decision, target: { approvalId }, shown };
  return actingFor(holder, () =>
    decide(context, input, {
      before(gate, now) {
        const usable = requireUsable(requireLink(context, { approvalId, id }), now);
        if (!decisionsOf(usable).includes(decision.decision)) throw new ProblemError("link_not_found");
        const isSame = shown === undefined || shown === digestOf(records.approvals.view(gate));
        if (!isSame && gate.status === "pending") throw new ProblemError("approval_changed");
      },
      after: (now) => records.links.markUsed(id, now),
      detail: { linkId: id, ...(sender.door === "callback" ? { sender: sender.name } : {}) },
    }),
  );
}

/**
 * SHA-256, in base64url, of what an approval asks: what somebody saw who decided. It is of the canonical JSON of the question,
 * in which the keys of each object are sorted.
 */
export function digestOf({
  id,
  instanceId,
  attempt,
  stepName,
  occurrence,
  summary,
  details,
  deadline,
}: Approval): string {
  const question = { id, instanceId, attempt, stepName, occurrence, summary, details, deadline };
  return createHash("sha256").update(canonical(question)).digest("base64url");
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** @throws ProblemError `link_not_found` */
function requireLink(
  { records }: ServiceContext,
  { approvalId, id }: { readonly approvalId: string; readonly id: string },
): LinkRow {
  const link = records.links.find(approvalId, id);
  if (link === undefined) throw new ProblemError("link_not_found");
  return link;
}

function requireUsable(link: LinkRow, now: number): LinkRow {
  if (statusOf(link, now) !== "open") throw new ProblemError("link_not_found");
  return link;
}

/** @throws ProblemError `approval_closed` */
function requireOpen(context: ServiceContext, approvalId: string, now: number): ApprovalRow {
  const gate = requireApproval(context, approvalId);
  const decision = toStandingDecision(gate);
  if (decision !== undefined) throw new ProblemError("approval_closed", { decision });
  const isOver = (gate.deadline ?? Number.POSITIVE_INFINITY) <= now;
  if (isOver || isTerminal(requireInstance(context, gate.instance_id).status))
    throw new ProblemError("approval_closed", { detail: "Its time is over." });
  return gate;
}

/**
 * Nobody gives what they have not: whoever makes a link may decide, but for being named, and whoever it is for may too.
 *
 * @throws ProblemError `decision_not_allowed`
 */
function requireMayGive(context: ServiceContext, gate: ApprovalRow, holder: string): void {
  const instance = requireInstance(context, gate.instance_id);
  const terms = termsOf(gate);
  const giver = currentActor();
  requireMayDecide(instance, { ...terms, approvers: { ...terms.approvers, principals: [] } }, giver);
  requireMayDecide(instance, terms, { ...giver, name: holder });
}

/** When a link ends: at a whole second, which is what a token can say. */
function expiryOf(
  { deadline }: ApprovalRow,
  { expiresAt, ttlSeconds }: Asked<"createLink">,
  now: number,
): number {
  const most = Math.min(deadline ?? Number.POSITIVE_INFINITY, now + LONGEST_LINK_MS);
  const asked = expiresAt ?? (ttlSeconds === undefined ? most : now + ttlSeconds * 1000);
  const field = expiresAt === undefined ? "ttlSeconds" : "expiresAt";
  if (asked > most) throw unfit(field, `must end at ${iso(most)} at the latest`);
  const whole = Math.floor(asked / 1000) * 1000;
  if (whole <= now) throw unfit(field, "must end later than now");
  return whole;
}

function unfit(field: string, message: string): ProblemError {
  return new ProblemError("invalid_request", {
    detail: `body/${field}: ${message}`,
    errors: [{ in: "body", pointer: `/${field}`, message }],
  });
}
