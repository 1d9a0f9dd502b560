import { z } from "zod";

/** By which door somebody came. `agent` is the agent's own code, where no door called it. */
export const Door = z.enum(["rest", "trpc", "mcp", "link", "callback", "agent"]);
export type Door = z.infer<typeof Door>;

/** Who does something, as far as it was verified. */
export interface Actor {
  /** Name of the principal. */
  readonly name: string;
  readonly door: Door;
  /** Scopes of the principal, `all` if it may do everything. */
  readonly scopes: readonly string[] | "all";
  /** Network address of the client, as the platform tells it. */
  readonly address: string | null;
  readonly requestId: string | null;
  /** The request's place in a trace (W3C Trace Context). */
  readonly traceparent?: string;
}

/** One entry of an audit log: who did what to what. */
export const AuditEntry = z
  .object({
    seq: z.int().describe("Place in the log: 1, 2, 3 …"),
    time: z.iso.datetime().describe("When it was done"),
    principal: z
      .string()
      .describe("Name of the principal who did it")
      .meta({ examples: ["build-server"] }),
    door: Door.describe("By which door it was done; `agent` is the agent's own code"),
    address: z.string().nullable().describe("Network address of the client, if it is known"),
    requestId: z.string().nullable().describe("Id of the request"),
    action: z
      .string()
      .describe("What was done, as `noun.verb`")
      .meta({ examples: ["instance.start"] }),
    target: z
      .string()
      .describe("Path of what it was done to")
      .meta({ examples: ["/agents/order-desk/acme/instances/november"] }),
    detail: z.record(z.string(), z.unknown()).describe("What else matters of it; never a secret"),
    hash: z.string().describe("SHA-256, in base64url, of this entry and of the hash of the entry before it"),
  })
  .meta({ id: "AuditEntry", description: "One entry of an audit log" });
export type AuditEntry = z.infer<typeof AuditEntry>;

/** Whether the hashes of an audit log still follow from its entries. */
export const AuditVerification = z
  .object({
    valid: z
      .boolean()
      .describe("Whether every entry that was checked is as it was written, and none is missing"),
    checked: z.int().describe("Entries that were checked by this call"),
    brokenAt: z
      .int()
      .nullable()
      .describe("`seq` of the first entry that is not as it was written, or is missing"),
    head: z
      .object({ seq: z.int().describe("Its `seq`"), hash: z.string().describe("Its `hash`") })
      .nullable()
      .describe(
        "The newest entry that was checked. Kept elsewhere, it shows later whether the log was made anew",
      ),
    nextCursor: z.string().nullable().describe("Send as `cursor` to check on, where the log is long"),
  })
  .meta({ id: "AuditVerification", description: "What a check of an audit log found" });
export type AuditVerification = z.infer<typeof AuditVerification>;
