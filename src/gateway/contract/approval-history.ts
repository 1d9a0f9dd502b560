import { z } from "zod";
import { Approval, ApprovalStatus, Decision } from "./approval";
import { Door } from "./audit";
import { variantName } from "./names";

const TIME = z.iso.datetime().describe("When it happened");
const REASON = z.string().nullable().describe("The reason that was given");

const entry = <const Type extends string, Shape extends z.ZodRawShape>(
  type: Type,
  description: string,
  shape: Shape,
) =>
  z
    .object({ type: z.literal(type).describe(description), time: TIME, ...shape })
    .meta({ id: variantName("ApprovalHistory", type), description });

/** What happened to one gate, as one entry of its history. */
export const ApprovalHistoryEntry = z
  .discriminatedUnion("type", [
    entry("requested", "The workflow asked", {}),
    entry("voted", "Somebody voted, where several must approve", {
      principal: z
        .string()
        .describe("Name of the principal who voted")
        .meta({ examples: ["ada"] }),
      door: Door.describe("By which door the vote came"),
      decision: Decision.describe("What the vote was for"),
      reason: REASON,
      shown: z.string().nullable().describe("Digest of what whoever voted was shown, if they were"),
      metadata: z.unknown().describe("What was sent with the vote"),
    }),
    entry("closed", "It was decided, expired, or was cancelled", {
      status: ApprovalStatus.exclude(["pending"]).describe("How it was closed"),
      principal: z.string().nullable().describe("Name of the principal whose decision closed it"),
      door: Door.nullable().describe("By which door that decision came"),
      reason: REASON,
    }),
  ])
  .meta({ id: "ApprovalHistoryEntry", description: "Something that happened to an approval" });
export type ApprovalHistoryEntry = z.infer<typeof ApprovalHistoryEntry>;

/** A gate with what happened to it. */
export const ApprovalWithHistory = Approval.extend({
  history: z.array(ApprovalHistoryEntry).describe("What happened to it, oldest first"),
}).meta({ id: "ApprovalWithHistory", description: "A gate that waits for people, and what happened to it" });
export type ApprovalWithHistory = z.infer<typeof ApprovalWithHistory>;
