import { z } from "zod";
import { AuditEntry, AuditVerification } from "../contract/audit";
import { Limit, pageOf } from "../contract/page";
import { operation } from "./operation";

const AuditPage = pageOf(AuditEntry, "AuditPage");
const Cursor = z.string().optional();

const pageSchemas = () => ({
  query: z.strictObject({ limit: Limit, cursor: Cursor.describe("`nextCursor` of the page before") }),
  output: AuditPage,
});
const verificationSchemas = () => ({
  query: z.strictObject({ cursor: Cursor.describe("`nextCursor` of the check before") }),
  output: AuditVerification,
});

export const listAudit = operation<undefined>()({
  id: () => "listAudit",
  summary: () => "List what was done to the gateway's keys and webhook endpoints, newest first",
  description: "Each entry has the hash of itself and of the entry before it. Nothing is ever removed.",
  scope: "audit:read",
  rest: { method: "get", path: () => "/audit", status: 200 },
  schemas: pageSchemas,
  problems: ["invalid_cursor"],
  answer: ({ query: { limit, cursor } }, { directory }) => directory.listAudit({ limit, cursor }),
});

export const verifyAudit = operation<undefined>()({
  id: () => "verifyAudit",
  summary: () => "Check that the gateway's audit log is as it was written",
  description:
    "Computes the hashes anew, from the oldest entry on. Where the log is long one call checks a part: follow `nextCursor` to the end.",
  scope: "audit:read",
  rest: { method: "get", path: () => "/audit/verification", status: 200 },
  schemas: verificationSchemas,
  problems: ["invalid_cursor"],
  answer: ({ query: { cursor } }, { directory }) => directory.verifyAudit({ cursor }),
});
