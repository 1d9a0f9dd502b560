import { z } from "zod";

/** What a caller may be allowed to do. */
export const Scope = z.enum([
  "agents:read",
  "agents:call",
  "instances:start",
  "instances:read",
  "instances:control",
  "approvals:decide",
  "approvals:delegate",
  "webhooks:manage",
  "keys:manage",
  "audit:read",
]);
export type Scope = z.infer<typeof Scope>;
