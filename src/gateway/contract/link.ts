import { z } from "zod";
import { Decision } from "./approval";
import { LIMITS } from "./limits";

/** Longest life of a link, in milliseconds: 30 days. */
export const LONGEST_LINK_MS = LIMITS.linkSeconds.most * 1000;
/** Most links of one approval that may be used at a time. */
export const MOST_LINKS = LIMITS.approvalLinks.most;

/** What the token of a link says. */
export interface LinkGrant {
  readonly id: string;
  /** Path of the agent. */
  readonly agent: string;
  readonly approvalId: string;
  /** In milliseconds, at a whole second. */
  readonly expiresAt: number;
}

/** The id of a link. */
export const LinkId = z
  .string()
  .regex(/^lnk_[0-9a-f-]{36}$/)
  .meta({ examples: ["lnk_7c1e2f0a-54b8-4a53-9d0e-3b1f6a9c2d84"] });

const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * For whom a link is: a name that can be shown as it is, without controls and marks that turn text around. Documents do not show
 * the pattern: few languages read it.
 */
export const LinkHolder = z
  .string()
  .trim()
  .min(1)
  .max(128)
  .refine((name) => !HIDDEN.test(name), "must be without control characters")
  .describe("Name of whoever the link is for; shown as `decidedBy`")
  .meta({ examples: ["Ada Lovelace"] });

export const LinkStatus = z.enum(["open", "used", "revoked", "expired"]);
export type LinkStatus = z.infer<typeof LinkStatus>;

/** One link by which one approval can be decided, without its token. */
export const ApprovalLink = z
  .object({
    id: z
      .string()
      .describe("Id of the link, by which it can be revoked")
      .meta({ examples: ["lnk_7c1e2f0a-54b8-4a53-9d0e-3b1f6a9c2d84"] }),
    approvalId: z
      .string()
      .describe("The approval that it decides")
      .meta({ examples: ["apr_a3aad5e9-6ddd-40ff-9017-1c552a4a93c4"] }),
    for: z
      .string()
      .describe("Name of whoever it is for; shown as `decidedBy`")
      .meta({ examples: ["Ada Lovelace"] }),
    decisions: z.array(Decision).describe("What it may decide"),
    status: LinkStatus.describe("Whether it can be used; `open` if so"),
    createdBy: z
      .string()
      .describe("Name of the principal who made it")
      .meta({ examples: ["api-key"] }),
    createdAt: z.iso.datetime().describe("When it was made"),
    expiresAt: z.iso.datetime().describe("When it ends"),
    revokedAt: z.iso.datetime().nullable().describe("When it was revoked"),
    usedAt: z.iso.datetime().nullable().describe("When it decided, or was counted"),
  })
  .meta({ id: "ApprovalLink", description: "Lets its holder decide one approval, once" });
export type ApprovalLink = z.infer<typeof ApprovalLink>;

/** A link as it is given once, with what opens it. */
export const NewApprovalLink = ApprovalLink.extend({
  url: z
    .string()
    .describe("Address of the page on which it is decided. Whoever has it can decide")
    .meta({ examples: ["https://agents.example.com/approvals/eyJhbGciOiJIUzI1NiIs…"] }),
  token: z
    .string()
    .describe("The last part of the address; a signed callback may carry it")
    .meta({ examples: ["eyJhbGciOiJIUzI1NiIs…"] }),
}).meta({ id: "NewApprovalLink", description: "A link, with its token, which is shown this once" });
export type NewApprovalLink = z.infer<typeof NewApprovalLink>;
