import { z } from "zod";
import { Decision } from "../contract/approval";
import { ApprovalLink, LinkHolder, LinkId, LONGEST_LINK_MS, NewApprovalLink } from "../contract/link";
import { formatAgentPath } from "../contract/names";
import { ProblemError } from "../contract/problem";
import { ApprovalParams } from "./approvals";
import { operation, type Subject } from "./operation";
import { pascal, words } from "./words";

const LinkParams = ApprovalParams.extend({ linkId: LinkId.describe("Id of the link") });

/** What a link is to be. */
export const LinkBody = z
  .strictObject({
    for: LinkHolder,
    decisions: z
      .array(Decision)
      .min(1)
      .max(Decision.options.length)
      .default(() => [...Decision.options])
      .describe("What it may decide: both, unless given"),
    expiresAt: z.iso
      .datetime({ offset: true })
      .optional()
      .describe("When it ends: as late as may be, unless given; not after the approval's deadline"),
    ttlSeconds: z
      .int()
      .min(1)
      .max(LONGEST_LINK_MS / 1000)
      .optional()
      .describe("How long it is good for, in seconds, in place of `expiresAt`"),
  })
  .refine(({ expiresAt, ttlSeconds }) => expiresAt === undefined || ttlSeconds === undefined, {
    path: ["ttlSeconds"],
    message: "give expiresAt or ttlSeconds, not both",
  })
  .meta({ id: "ApprovalLinkRequest", description: "For whom a link is, and how far it goes" });

export const createLink = operation<Subject>()({
  id: ({ agent }) => `create${pascal(agent.name)}ApprovalLink`,
  summary: ({ agent }) => `Make a link by which one approval of one ${words(agent.name)} is decided`,
  description:
    "Whoever has the link sees a page that says what is asked, and decides there, once. It lets them do what whoever makes it may do, so only who may decide the approval can make one. It ends with the approval's deadline, and after 30 days at the latest. The address and the token are shown this once; of them nothing is kept.",
  scope: "approvals:delegate",
  rest: { method: "post", path: () => "/approvals/{approvalId}/links", status: 201 },
  schemas: () => ({ params: ApprovalParams, body: LinkBody, output: NewApprovalLink }),
  problems: ["approval_not_found", "approval_closed", "decision_not_allowed", "too_many_links"],
  answer: async ({ params: { approvalId }, body, once }, reach) => {
    const { agent, path, origin, issueLinkToken, mayDecideAt } = reach;
    const { expiresAt, ttlSeconds } = body;
    if (!mayDecideAt(path))
      throw new ProblemError("forbidden", {
        detail: "Who may not decide can give no link: approvals:decide.",
      });
    const link = await agent.createLink({
      approvalId,
      holder: body.for,
      decisions: [...new Set(body.decisions)],
      expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt),
      ttlSeconds,
      once,
    });
    const token = await issueLinkToken({
      id: link.id,
      agent: formatAgentPath(path),
      approvalId,
      expiresAt: Date.parse(link.expiresAt),
    });
    return { ...link, url: `${origin}/approvals/${token}`, token };
  },
});

export const listLinks = operation<Subject>()({
  id: ({ agent }) => `list${pascal(agent.name)}ApprovalLinks`,
  summary: ({ agent }) => `List the links of one approval of one ${words(agent.name)}, newest first`,
  description: "All that can be used, and the last ones that cannot be used any more.",
  scope: "approvals:delegate",
  rest: { method: "get", path: () => "/approvals/{approvalId}/links", status: 200 },
  schemas: () => ({
    params: ApprovalParams,
    output: z
      .object({ items: z.array(ApprovalLink).describe("The links") })
      .meta({ id: "ApprovalLinkList", description: "The links of one approval" }),
  }),
  problems: ["approval_not_found"],
  answer: async ({ params: { approvalId } }, { agent }) => ({ items: await agent.listLinks({ approvalId }) }),
});

export const revokeLink = operation<Subject>()({
  id: ({ agent }) => `revoke${pascal(agent.name)}ApprovalLink`,
  summary: ({ agent }) => `Revoke a link of one approval of one ${words(agent.name)}`,
  description: "Revoking it again, or one that was used or has expired, does nothing.",
  scope: "approvals:delegate",
  rest: { method: "delete", path: () => "/approvals/{approvalId}/links/{linkId}", status: 200 },
  once: false,
  schemas: () => ({ params: LinkParams, output: ApprovalLink }),
  problems: ["approval_not_found", "link_not_found"],
  answer: ({ params: { approvalId, linkId } }, { agent }) => agent.revokeLink({ approvalId, id: linkId }),
});
