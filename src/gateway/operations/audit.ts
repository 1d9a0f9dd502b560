import { z } from "zod";
import { AuditEntry, AuditVerification } from "../contract/audit";
import { Limit, pageOf } from "../contract/page";
import { operation, type Subject } from "./operation";
import { pascal, words } from "./words";

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

const ABOUT_CHECKING =
  "Computes the hashes anew, from the oldest entry on. Where the log is long one call checks a part: follow `nextCursor` to the end.";

export const listAudit = operation<undefined>()({
  id: () => "listAudit",
  summary: () => "List what was done to the gateway's keys and webhook endpoints, newest first",
  description: "Each entry has the hash of itself and of the entry before it. Nothing is ever removed.",
  scope: "audit:read",
  extent: "whole",
  rest: { method: "get", path: () => "/audit", status: 200 },
  schemas: pageSchemas,
  problems: ["invalid_cursor"],
  answer: ({ query: { limit, cursor } }, { directory }) => directory.listAudit({ limit, cursor }),
});

export const verifyAudit = operation<undefined>()({
  id: () => "verifyAudit",
  summary: () => "Check that the gateway's audit log is as it was written",
  description: ABOUT_CHECKING,
  scope: "audit:read",
  extent: "whole",
  rest: { method: "get", path: () => "/audit/verification", status: 200 },
  schemas: verificationSchemas,
  problems: ["invalid_cursor"],
  answer: ({ query: { cursor } }, { directory }) => directory.verifyAudit({ cursor }),
});

export const listAgentAudit = operation<Subject>()({
  id: ({ agent }) => `list${pascal(agent.name)}Audit`,
  summary: ({ agent }) => `List what was done to one ${words(agent.name)}, newest first`,
  description:
    "Who did what, by which door: starts, controls, deletes, events, decisions, changes of the state, calls of methods that are not read-only, sub-agents that were made or deleted. What a sub-agent was asked is in the list of that one, and goes with it.",
  scope: "audit:read",
  rest: { method: "get", path: () => "/audit", status: 200 },
  schemas: pageSchemas,
  problems: ["invalid_cursor"],
  answer: ({ query: { limit, cursor } }, { agent }) => agent.listAudit({ limit, cursor }),
});

export const verifyAgentAudit = operation<Subject>()({
  id: ({ agent }) => `verify${pascal(agent.name)}Audit`,
  summary: ({ agent }) => `Check that the audit log of one ${words(agent.name)} is as it was written`,
  description: ABOUT_CHECKING,
  scope: "audit:read",
  rest: { method: "get", path: () => "/audit/verification", status: 200 },
  schemas: verificationSchemas,
  problems: ["invalid_cursor"],
  answer: ({ query: { cursor } }, { agent }) => agent.verifyAudit({ cursor }),
});
